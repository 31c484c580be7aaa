"""Whole runs on a fixture: every output, and equal bytes whatever the threads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from tests.in_process import FIXTURES, call
from tests.reports.builders import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

DATA = FIXTURES / "noisy" / "digits" / "data.parquet"
TABLES = ["i.parquet", "i.arrow", "i.csv", "i.jsonl"]
SIDES = ["classes:c.csv", "joint:j.jsonl", "pairs:p.parquet", "groups:g.csv"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The folders of two equal runs with 1 and 2 threads."""
    folders = []
    for threads in ("1", "2"):
        folder = tmp_path_factory.mktemp("run")
        outputs = [word for each in (*TABLES, *SIDES, "s.json", "r.txt") for word in ("-o", each)]
        options = ["--group", "label", "--keep", "label", "--threads", threads, "-q"]
        done = call("find-issues", DATA, *options, *outputs, cwd=folder)
        assert done == (0, "", "")
        folders.append(folder)
    return folders


def test_equal_inputs_give_equal_bytes(runs: list[Path]) -> None:
    for name in (*TABLES, *(side.split(":")[1] for side in SIDES), "r.txt"):
        assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes()


def test_all_formats_hold_the_same_rows(runs: list[Path]) -> None:
    table = pq.read_table(runs[0] / "i.parquet")
    lines = (runs[0] / "i.jsonl").read_text().splitlines()
    comma = pa_csv.read_csv(runs[0] / "i.csv")
    assert table.num_rows == len(lines) == comma.num_rows > 0
    assert table.column_names == list(json.loads(lines[0])) == comma.column_names
    assert table["label_quality"].to_pylist() == comma["label_quality"].to_pylist()
    assert [json.loads(line)["key"] for line in lines] == table["key"].to_pylist()


def test_summary_agrees_with_the_tables(runs: list[Path]) -> None:
    summary = json.loads((runs[0] / "s.json").read_text())
    jsonschema.validate(summary, SCHEMA)
    table = pq.read_table(runs[0] / "i.parquet")
    assert summary["counts"]["issues"] == table.num_rows
    assert sum(each["issues"] for each in summary["classes"]) == table.num_rows
    assert sum(each["issues"] for each in summary["groups"]) == table.num_rows
    assert sum(each["rows"] for each in summary["groups"]) == summary["counts"]["rows"]


def test_inspect_says_that_all_is_well() -> None:
    done = call("inspect", DATA)
    assert done.code == 0
    assert done.out.endswith("The data can be audited; nothing is wrong with it.\n")


def test_inspect_and_find_issues_agree_on_what_is_wrong() -> None:
    broken = FIXTURES / "broken" / "nan" / "data.parquet"
    found, inspected = call("find-issues", broken), call("inspect", broken, "--json")
    assert (found.code, inspected.code) == (3, 3)
    sentence = json.loads(inspected.out)["problems"][0]["sentence"]
    assert found.err.startswith(f"labelaudit: {sentence}\n")


def test_a_table_without_keys(tmp_path: Path) -> None:
    table = pq.read_table(DATA)
    for suffix, write in (("parquet", pq.write_table), ("arrow", feather.write_feather)):
        write(table.drop_columns(["id"]), tmp_path / f"t.{suffix}")
        done = call(
            "find-issues", tmp_path / f"t.{suffix}", "-q", "-o", f"{suffix}.csv", cwd=tmp_path
        )
        assert done == (0, "", "")
    assert (tmp_path / "parquet.csv").read_bytes() == (tmp_path / "arrow.csv").read_bytes()
    issues = pa_csv.read_csv(tmp_path / "parquet.csv")
    assert issues["key"].to_pylist() == issues["row"].to_pylist()
