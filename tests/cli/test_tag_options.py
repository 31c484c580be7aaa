"""What is stated of missing labels, on the command line."""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv
import pytest

from labelaudit.cli.tag_options import stated
from labelaudit.errors import UsageError
from tests.in_process import call

FIXTURES = Path(__file__).parents[2] / "fixtures" / "noisy"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (None, None),
        ("0.7", 0.7),
        ("70%", 0.7),
        ("cat=0.7, dog=90%", {"cat": 0.7, "dog": 0.9}),
        ('"a,b=1"', {"a,b": 1.0}),
        ("a=b=0.5", {"a=b": 0.5}),
    ],
)
def test_shares_are_understood(text, value):
    assert stated(text, "--prior") == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("much", "'much' is not a share"),
        ("7", "'7' is not between 0 and 100%"),
        ("0", "--prior is 0 somewhere"),
        ("a=0.5,a=0.6", "--prior names 'a' twice"),
        ("a=0.5,0.6", "--prior has no class in '0.6'"),
    ],
)
def test_what_is_no_share_is_refused(text, says):
    with pytest.raises(UsageError, match=says):
        stated(text, "--prior")


def test_candidates_are_written_and_the_report_says_what_they_rest_on(tmp_path):
    data = str(FIXTURES / "tags-wide" / "data.csv")
    written = tmp_path / "c.csv"
    done = call("find-issues", data, "--propensity", "even=.9", "-o", f"candidates:{written}")
    assert done.code == 0, done.err
    table = pyarrow.csv.read_csv(written)
    assert set(table["class"].to_pylist()) == {"even"}
    assert "candidates, 90 rows" in done.out
    assert "with the share that you stated." in " ".join(done.out.split())
    assert "4 of 5 classes are not estimable." in done.out


def test_labels_of_one_class_a_row_have_no_missing_ones():
    data = str(FIXTURES / "digits" / "data.parquet")
    done = call("find-issues", data, "--propensity", "0.9")
    assert done.code == 2
    assert "--propensity is about missing labels, and these data have one label a row." in done.err
