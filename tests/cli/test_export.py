"""``labelaudit export``: limits, dry runs, empty lists, conditions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.in_process import FIXTURES, call

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = FIXTURES / "noisy/digits/data.parquet"


def test_a_dry_run_ends_as_the_export_would(tmp_path: Path) -> None:
    export = ("export", DIGITS, "--policy", "drop", "--dry-run", "--max-change")
    done = call(*export, "1%", "-o", tmp_path / "out.csv")
    assert done.code == 1
    assert "152 rows dropped" in done.out
    assert done.err == (
        "labelaudit: The export would change or drop 152 of 1,797 rows (8.5 %), more than the "
        "1 % that are allowed; nothing was written.\n"
        "Raise --max-change, or choose what changes less.\n"
    )
    done = call(*export, "1%", "--json")
    assert (done.code, json.loads(done.out)["exit_code"]) == (1, 1)
    done = call(*export, "10%")
    assert done.code == 0
    assert done.out.endswith(
        "nothing was written.\nThe change is within the 10 % that are allowed.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("policy", ["drop", "reviewed"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_decisions_without_a_line(tmp_path: Path, suffix: str, policy: str) -> None:
    path = tmp_path / f"decisions.{suffix}"
    columns = ("issue_id", "key", "given_label", "decision", "new_label")
    if suffix == "parquet":
        pq.write_table(pa.table({name: pa.array([], pa.string()) for name in columns}), path)
    else:
        path.write_text(",".join(columns) + "\n" if suffix == "csv" else "")
    done = call("export", DIGITS, "--policy", policy, "--decisions", path, "--json", "--dry-run")
    assert done.code == 0, done.err
    assert json.loads(done.out)["counts"]["dropped"] == (152 if policy == "drop" else 0)


def test_a_header_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text("key;decision\n")
    done = call("export", DIGITS, "--decisions", path, "--dry-run")
    assert done.code == 3
    assert "has no column given_label, new_label, so it is not a decisions file." in done.err


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_issues_without_a_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"issues.{suffix}"
    assert call("find-issues", DIGITS, "-q", "--top", "0", "-o", path).code in (0, 2)
    if not path.exists():
        assert call("find-issues", DIGITS, "-q", "--top", "1", "-o", path).code == 0
        empty(path)
    done = call("export", DIGITS, "--policy", "drop", "--issues", path, "--json", "--dry-run")
    assert done.code == 0, done.err
    assert json.loads(done.out)["counts"]["dropped"] == 0


def empty(path: Path) -> None:
    """Leave what a table without rows is in this format."""
    if path.suffix == ".parquet":
        pq.write_table(pq.read_table(path).slice(0, 0), path)
    else:
        lines = path.read_text().splitlines(keepends=True)
        path.write_text(lines[0] if path.suffix == ".csv" else "")


def test_no_suggestion_is_sure_enough() -> None:
    done = call("export", DIGITS, "--policy", "relabel", "--min-confidence", "0.99", "--dry-run")
    assert done.code == 0
    said = " ".join(done.out.split())
    assert (
        "Of the flagged rows none is relabelled: no suggestion for a row of high severity reaches "
        "the least probability of 0.99 (--min-confidence); the surest has 0.9823."
    ) in said
    assert (
        "none is relabelled" not in call("export", DIGITS, "--policy", "relabel", "--dry-run").out
    )
    assert "none is relabelled" not in call("export", DIGITS, "--policy", "flag", "--dry-run").out


def test_some_rows_are_audited_and_all_are_written(tmp_path: Path) -> None:
    """A condition belongs to the audit: its issues are given to the export, which writes all."""
    issues, cleaned = tmp_path / "issues.parquet", tmp_path / "cleaned.parquet"
    where = ("--where", "id >= 1500")
    assert call("find-issues", DIGITS, *where, "-q", "-o", issues).code == 0
    found = pq.read_table(issues)
    assert 0 < found.num_rows < 152
    done = call("export", DIGITS, "--issues", issues, "--policy", "drop", "-q", "-o", cleaned)
    assert done.code == 0, done.err
    before = pq.read_table(DIGITS)["id"].to_pylist()
    gone = set(found["key"].to_pylist())
    assert pq.read_table(cleaned)["id"].to_pylist() == [key for key in before if key not in gone]
    assert min(gone) >= 1500
    assert call("export", DIGITS, *where, "--policy", "drop", "--dry-run").code == 2
    done = call("check", DIGITS, *where, "--require", f"issues == {found.num_rows}")
    assert done.code == 0, done.out
