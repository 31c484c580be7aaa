"""The report, by literal text."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import labelaudit
from labelaudit.findings import ErrorRate, Estimate
from labelaudit.reports.layout import Style, width
from labelaudit.reports.text import audit_report
from tests.reports import builders

WHOLE = """\
Data      pets.parquet (Parquet, 1,000 rows)
Labels    label (string), inferred
Probs     pred_probs (list of float32), --probs
Classes   3: cat, dog, fox; order: sorted labels
Key       id, inferred

Between 4 and 30 of 998 labels are wrong (0.40 % to 3.0 %).
With 95 % margins for chance: 2 to 40 (0.20 % to 4.0 %).
It can be more where the model has learned the errors.
Lean to the low end where classes overlap, so that a row can fairly be called
either; to the high end where classes are distinct. To see which, review the 3
flagged rows.
3 rows flagged by rcp, 2 of them with high severity.

Worst rows (all)
  #  key   given  suggested    quality  severity
  1  id-0  cat    dog            0.001  high
  2  id-1  cat    dog            0.101  high
  3  id-2  cat    (uncertain)    0.200  medium

Most confused
  given  truly  rows, about  of given  flagged
  cat    dog             30     6.0 %        2

Classes worst off
  class  rows  flagged   share  mean quality
  cat     500        3  0.60 %         0.960

Skipped: 2 rows that cannot be used.
  2 rows have NaN among their probabilities; the first are 7 and 9.
Warning: The class order was assumed: sorted.
Note: The channel was fitted on all rows.

Wrote issues.csv (issues, 3 rows)

Next:
  labelaudit find-issues pets.parquet -o classes:classes.csv
"""
HOSTILE = ("[bold]x[/]", "\x1b[31mred\x07", "a\u202eb\nc")


def test_whole_report() -> None:
    found = audit_report(
        builders.result(),
        written=["issues.csv (issues, 3 rows)"],
        next_command="labelaudit find-issues pets.parquet -o classes:classes.csv",
    )
    assert found == WHOLE


@pytest.mark.parametrize("limit", [60, 80, 120])
def test_every_line_fits(limit: int) -> None:
    names = ("猫" * 60, "a long name of a class " * 4, "e\u0301" * 90)
    groups = pa.table({"group": ["g" * 200], "rows": [9], "issues": [1], "issue_rate": [1 / 9]})
    result = builders.result(12, names, groups=groups)
    found = audit_report(result, limit=limit, verbose=True)
    verdict = found.split("\n\n", 1)[1]
    assert max(map(width, verdict.split("\n"))) <= limit


def test_text_from_data_is_shown_not_sent() -> None:
    found = audit_report(builders.result(3, HOSTILE))
    assert set(re.findall(r"[^\n -~…]", found)) == set()
    for shown in ("[bold]x[/]", r"\x1b[31mred\x07", r"a\u202eb\x0ac"):
        assert shown in found


def test_colour_only_when_asked_for() -> None:
    plain, color = (audit_report(builders.result(), style=s) for s in (None, Style(color=True)))
    assert "\x1b" not in plain
    assert "\x1b[1mBetween 4 and 30" in color
    assert re.sub(r"\x1b\[\d+m", "", color) == plain


@pytest.mark.parametrize(
    ("method", "score", "told"),
    [
        ("rcp", "rcp", False),
        ("both", "rcp", False),
        ("both", "self_confidence", True),
    ],
)
def test_a_range_that_is_not_of_rcp_says_so(method: str, score: str, told: bool) -> None:
    audit = builders.audit(method=method, score=score)
    shown = " ".join(audit_report(builders.result(audit=audit)).split())
    assert ("the method rcp calibrates them first" in shown) is told


def rate(face_value: float, most: float) -> ErrorRate:
    return ErrorRate(Estimate(face_value, 0.0, 1.0), Estimate(most, 0.0, 1.0))


@pytest.mark.parametrize(
    ("face_value", "most", "says"),
    [
        (0.0, 0.0, "No label errors are estimated among 998 labels."),
        (0.03, 0.03, "About 30 of 998 labels are wrong (3.0 %)."),
        (0.0, 0.03, "Between 0 and 30 of 998 labels are wrong (0.0 % to 3.0 %)."),
        (0.05, 0.03, "Between 30 and 50 of 998 labels are wrong (3.0 % to 5.0 %)."),
    ],
)
def test_verdict(face_value: float, most: float, says: str) -> None:
    audit = builders.audit(error_rate=rate(face_value, most))
    assert f"\n{says}\n" in audit_report(builders.result(audit=audit))


@pytest.mark.parametrize(
    ("low", "flagged", "says"),
    [
        (0.0, 900, "the rows ranked 1 to 50 (--top 50)."),
        (0.004, 900, "the rows ranked 1 to 50 (--top 50)."),
        (0.1, 900, "the rows ranked 76 to 125 (--top 125)."),
        (0.1, 110, "the rows ranked 61 to 110 (--top 110)."),
        (0.1, 50, "the 50 flagged rows."),
        (0.1, 1, "the flagged row."),
    ],
)
def test_rows_to_review_lie_around_the_low_end(low: float, flagged: int, says: str) -> None:
    audit = builders.audit(n_issues=flagged, error_rate=rate(low, 0.5))
    shown = " ".join(audit_report(builders.result(audit=audit)).split())
    assert f"To see which, review {says} " in shown


def test_no_flag_is_named_for_a_table_in_memory() -> None:
    result = builders.result(audit=builders.audit(n_issues=900))
    in_memory = replace(result, understanding=replace(result.understanding, files=()))
    shown = audit_report(in_memory)
    assert "ranked 1 to 50.\n" in " ".join(shown.split(" ")).replace("\nranked", " ranked")
    assert "--top" not in shown


def test_nothing_to_weigh_without_errors() -> None:
    found = audit_report(builders.result(audit=builders.audit(error_rate=rate(0.0, 0.0))))
    assert "Lean to" not in found


def test_unusable_key_is_named() -> None:
    result = builders.result()
    origins = {"key": "row numbers: the key column is not unique"}
    understanding = replace(result.understanding, key_column=None, origins=origins)
    found = audit_report(replace(result, understanding=understanding))
    assert "Key       the row number, counted from 0 (the key column is not unique)\n" in found


def test_no_issues() -> None:
    result = builders.result()
    empty = replace(
        result,
        table=result.table.slice(0, 0),
        pairs=result.pairs.slice(0, 0),
        classes=builders.class_table(n=0),
        audit=builders.audit(n_issues=0),
        problems=(),
        warnings=(),
    )
    found = audit_report(empty)
    assert "0 rows flagged by rcp.\n" in found
    assert "Worst rows" not in found
    assert "Most confused" not in found
    assert "Classes worst off" not in found


def test_severity_is_counted_of_what_is_left_when_rows_were_cut() -> None:
    found = audit_report(builders.result(audit=builders.audit(n_issues=50)), limit=120)
    assert (
        "50 rows flagged by rcp, of which the 3 worst are shown, 2 of them with high severity.\n"
        in found
    )
    assert "Worst rows\n" in found


def test_row_numbers_stand_for_keys_where_there_are_none() -> None:
    result = builders.result()
    keyless = replace(result.understanding, key_column=None)
    found = audit_report(replace(result, understanding=keyless))
    assert "Key       the row number, counted from 0 (no key column)\n" in found
    assert "  #  row  given  suggested" in found
    assert "  2  100  cat    dog" in found


def test_only_ten_rows_and_ten_warnings() -> None:
    result = builders.result(12, warnings=tuple(f"number {i}" for i in range(13)))
    found = audit_report(result)
    assert "Worst rows\n" in found
    assert "id-9" in found
    assert "id-10" not in found
    assert "Warning: number 9\n... 3 more warnings.\n" in found


def test_details_on_demand() -> None:
    assert "prune_by_class" not in audit_report(builders.result())
    found = audit_report(builders.result(), verbose=True)
    assert "  prune_by_class      3\n" in found
    assert "  read   0.50 s\n" in found


def test_several_files_models_and_wide_columns() -> None:
    result = builders.result()
    understanding = replace(
        result.understanding,
        files=tuple(f"part-{i}.parquet" for i in range(20)),
        prob_columns=("a_*", "b_*"),
        prob_layout="wide columns",
        origins={},
    )
    found = audit_report(replace(result, understanding=understanding))
    assert "20 files (Parquet, 1,000 rows): part-0.parquet, part-1.parquet," in found
    assert "more\n" in found.split("Labels")[0]
    assert "a_*, b_* (3 columns of float32, 2 models as one ensemble)\n" in found


def test_groups() -> None:
    groups = pa.table(
        {
            "group": [None, *(f"g{i}" for i in range(11))],
            "rows": [10] * 12,
            "issues": [1] * 12,
            "issue_rate": [0.1] * 12,
        }
    )
    found = audit_report(builders.result(groups=groups))
    assert "  (null)    10        1  10.0 %\n" in found
    assert "  ... 2 more\n" in found


def test_figures_of_rows_that_the_model_has_seen_are_not_told():
    labels = np.tile(np.arange(3), 50)
    probs = np.where(labels[:, None] == np.arange(3), 0.98, 0.01)
    found = labelaudit.find_issues(labels, probs)
    report = labelaudit.report(found, 200)
    assert "How many of 150 labels are wrong cannot be said" in report
    assert "probabilities look in-sample" in report
    assert "95 % margins" not in report
    assert "No label errors" not in report
    shown = audit_report(found, next_command="labelaudit find-issues data.csv -o issues.csv")
    todo = "Predict by cross-validation (scikit-learn: cross_val_predict); audit again."
    assert shown.endswith(f"\n\nNext:\n  {todo}\n")
    assert max(map(len, shown.splitlines())) <= 80
