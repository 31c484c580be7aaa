"""Reports from a saved run are those of the audit itself, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.in_process import FIXTURES, call

if TYPE_CHECKING:
    from pathlib import Path

LABEL_REPORTS = (
    *("page.html", "card.md", "croissant:meta.json", "summary.json", "report.txt"),
    *("issues.csv", "issues.parquet", "issues.arrow", "issues.jsonl"),
    *("classes:classes.csv", "joint:joint.parquet", "pairs:pairs.csv", "groups:groups.csv"),
)
CROWD_REPORTS = (
    *("page.html", "card.md", "croissant:meta.json", "summary.json", "report.txt"),
    *("consensus.csv", "workers:workers.parquet", "confusion:confusion.csv"),
    *("soft:soft.parquet", "top-two:two.csv"),
)


def outputs(names: tuple[str, ...]) -> list[str]:
    return [word for name in names for word in ("-o", name)]


def made(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    ("words", "reports"),
    [
        (
            ("find-issues", FIXTURES / "noisy/digits/data.parquet", "--group", "label"),
            LABEL_REPORTS,
        ),
        (("aggregate", FIXTURES / "noisy/votes/data.parquet"), CROWD_REPORTS),
    ],
    ids=["labels", "votes"],
)
def test_reports_are_those_of_the_audit(
    words: tuple[str, ...], reports: tuple[str, ...], tmp_path: Path
) -> None:
    first = call(*words, "-q", "-o", "run:saved", *outputs(reports), cwd=tmp_path)
    assert (first.code, first.err) == (0, "")
    before = made(tmp_path)
    assert len(before) == len(reports)
    again = call("report", "saved", "--force", *outputs(reports), cwd=tmp_path)
    assert (again.code, again.err) == (0, "")
    assert again.out.count("Wrote ") == len(reports)
    assert made(tmp_path) == before


@pytest.fixture
def saved(pets: object, folder: Path) -> Path:
    assert callable(pets)
    assert pets("-q", "-o", "run:saved").code == 0
    return folder


def test_without_outputs_the_report_is_printed(saved: Path) -> None:
    shown = call("report", "saved", cwd=saved)
    assert shown.code == 0
    assert "labels are wrong" in shown.out
    assert "Wrote saved (run)" in shown.out


def test_json_is_the_summary(saved: Path) -> None:
    shown = call("report", "saved", "--json", "-q", cwd=saved)
    assert shown.code == 0
    assert shown.out.startswith('{\n  "schema_version": 1')


def test_a_run_is_not_overwritten(saved: Path) -> None:
    again = call("find-issues", "pets.parquet", "-o", "run:saved", cwd=saved)
    assert again.code == 2
    assert "holds a saved run" in again.err
    assert call("find-issues", "pets.parquet", "-q", "-o", "saved/", "--force", cwd=saved).code == 0


def test_files_of_the_run_are_not_overwritten(saved: Path) -> None:
    before = made(saved / "saved")
    for name in before:
        done = call("report", "saved", "--force", "-o", f"summary:saved/{name}", cwd=saved)
        assert done.code == 2
        assert "an input is never overwritten" in done.err
    assert made(saved / "saved") == before


def test_a_run_is_not_put_among_other_files(saved: Path) -> None:
    refused = call("find-issues", "pets.parquet", "-o", "run:.", "--force", cwd=saved)
    assert refused.code == 2
    assert "exists, and is no saved run" in refused.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nowhere",), 3, "nowhere is not a saved run"),
        (("saved", "-o", "groups:g.csv"), 2, "has no table groups"),
        (("saved", "-o", "run:again"), 2, "saved already"),
        (("saved", "-o", "page.html", "--excel"), 2, "--excel guards CSV"),
        (("saved", "-o", "no/page.html"), 4, "does not exist"),
    ],
)
def test_what_cannot_be_is_refused(
    saved: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    refused = call("report", *words, cwd=saved)
    assert refused.code == code
    assert said in refused.err


def test_a_damaged_run_is_exit_3(saved: Path) -> None:
    table = saved / "saved" / "result.table.arrow"
    table.write_bytes(table.read_bytes()[:-9])
    refused = call("report", "saved", "-o", "page.html", cwd=saved)
    assert refused.code == 3
    assert "is damaged" in refused.err
    assert not (saved / "page.html").exists()


def test_a_command_without_a_result_makes_no_page(tmp_path: Path) -> None:
    words = ("--policy", "drop", "-o", "page.html")
    refused = call("export", FIXTURES / "noisy/digits/data.parquet", *words, cwd=tmp_path)
    assert refused.code == 2
    assert "page.html: html is not written by this command" in refused.err


def test_a_gate_is_in_its_page_and_in_reports_of_its_run(tmp_path: Path) -> None:
    rules = ("--require", "error_rate.low <= 2%", "--ci", "none")
    reports = ("page.html", "summary.json", "report.txt")
    words = (FIXTURES / "noisy/digits/data.parquet", *rules, *outputs(reports))
    first = call("check", *words, "-q", "-o", "run:saved", cwd=tmp_path)
    assert (first.code, first.err) == (1, "")
    before = made(tmp_path)
    assert b"FAILED: 1 of 3 required rules does not hold." in before["page.html"]
    assert call("report", "saved", "--force", *outputs(reports), cwd=tmp_path).code == 0
    assert made(tmp_path) == before


def test_reports_of_several_labels_per_row(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    true = rng.random((400, 3)) < 0.4
    probs = np.where(true, 0.9, 0.1) + rng.uniform(-0.08, 0.08, true.shape)
    given = true ^ (rng.random(true.shape) < 0.05)
    names = np.array(["<b>", "dog", "fox"])
    table = pa.table({"labels": [list(names[row]) for row in given], "pred_probs": list(probs)})
    pq.write_table(table, tmp_path / "tags.parquet")
    reports = ("page.html", "summary.json", "report.txt", "issues.parquet", "missing:missing.csv")
    words = ("tags.parquet", "--classes", "<b>,dog,fox", *outputs(reports))
    first = call("find-issues", *words, "-q", "-o", "run:saved", cwd=tmp_path)
    assert (first.code, first.err) == (0, "")
    before = made(tmp_path)
    text = before["page.html"].decode()
    assert "Where labels are extra, and where they are missing" in text
    assert "<b>" not in text
    assert call("report", "saved", "--force", *outputs(reports), cwd=tmp_path).code == 0
    assert made(tmp_path) == before
    refused = call("report", "saved", "-o", "card.md", cwd=tmp_path)
    assert refused.code == 2
    assert "No card is made of multi-label data" in refused.err
