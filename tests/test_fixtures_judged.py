"""Every fixture gets the verdict that the folder it lies in names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from tests.in_process import FIXTURES, Finished, call

if TYPE_CHECKING:
    from pathlib import Path


def verdict(case: Path) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((case / "expected.json").read_text("utf-8"))
    return expected


def cases(kind: str, command: str = "find-issues") -> list[Any]:
    folders = sorted((FIXTURES / kind).iterdir())
    chosen = [each for each in folders if verdict(each).get("command", "find-issues") == command]
    return [pytest.param(folder, id=folder.name) for folder in chosen]


def listing(folder: Path) -> list[tuple[str, int, int]]:
    found = sorted(folder.rglob("*"))
    return [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in found]


def audited(case: Path, *arguments: str | Path) -> dict[str, Any]:
    expected = verdict(case)
    done = call("find-issues", case / expected["data"], *expected["options"], "--json", *arguments)
    assert done.code == 0, done.err
    summary: dict[str, Any] = json.loads(done.out)
    return summary


@pytest.mark.parametrize("case", cases("clean"))
def test_clean(case: Path) -> None:
    expected, summary = verdict(case), audited(case)
    if "most_issues" in expected:
        assert summary["counts"]["issues"] <= expected["most_issues"]
    if "most_at_face_value" in expected:
        wrong = summary["error_rate"]["face_value"]["value"] * summary["counts"]["rows"]
        assert wrong <= expected["most_at_face_value"]


@pytest.mark.parametrize("case", cases("noisy"))
def test_noisy(case: Path, tmp_path: Path) -> None:
    expected = verdict(case)
    summary = audited(case, "-o", tmp_path / "issues.parquet")
    flagged = set(pq.read_table(tmp_path / "issues.parquet").column("key").to_pylist())
    truth = pa_csv.read_csv(case / "truth.csv").to_pylist()
    planted = {row["id"] for row in truth if row["kind"] != "none"}
    found = len(flagged & planted)
    assert summary["counts"]["issues"] == len(flagged)
    assert found >= expected["recall"] * len(planted)
    assert found >= expected["precision"] * len(flagged)


@pytest.mark.parametrize("case", cases("noisy", "tags"))
def test_noisy_tags(case: Path, tmp_path: Path) -> None:
    expected = verdict(case)
    summary = audited(case, "-o", tmp_path / "issues.parquet")
    issues = pq.read_table(tmp_path / "issues.parquet").to_pylist()
    flagged = {(row["key"], row["class"], row["issue_type"]) for row in issues}
    truth = pa_csv.read_csv(case / "truth.csv").to_pylist()
    planted = {(row["id"], row["class"], row["kind"]) for row in truth}
    found = len(flagged & planted)
    assert summary["counts"]["issues"] == len(flagged) == len(issues)
    assert found >= expected["recall"] * len(planted)
    assert found >= expected["precision"] * len(flagged)


@pytest.mark.parametrize("case", [*cases("clean"), *cases("noisy"), *cases("noisy", "tags")])
def test_inspect_finds_nothing_wrong(case: Path) -> None:
    expected = verdict(case)
    done = call("inspect", case / expected["data"], *expected["options"], "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["problems"] == []


def refused(done: Finished, expected: dict[str, Any]) -> None:
    said = (done.out + done.err).lower()
    assert done.code == expected["exit_code"], said
    assert [word for word in expected["says"] if word.lower() not in said] == [], said
    assert "traceback" not in said
    assert "\x1b" not in said


@pytest.mark.parametrize("case", cases("broken"))
def test_broken_is_refused(case: Path, tmp_path: Path) -> None:
    expected, before = verdict(case), listing(case)
    target = tmp_path / "issues.csv"
    data = case / expected["data"]
    refused(call("find-issues", data, *expected["options"], "-o", target), expected)
    assert listing(tmp_path) == []
    assert listing(case) == before


@pytest.mark.parametrize("case", cases("broken"))
def test_broken_is_explained(case: Path) -> None:
    expected, before = verdict(case), listing(case)
    refused(call("inspect", case / expected["data"], *expected["options"]), expected)
    assert listing(case) == before


@pytest.mark.parametrize(
    "case", [case for case in cases("broken") if verdict(case.values[0])["problem"]]
)
def test_broken_names_its_problem(case: Path) -> None:
    expected = verdict(case)
    done = call("inspect", case / expected["data"], *expected["options"], "--json")
    assert expected["problem"] in [problem["kind"] for problem in json.loads(done.out)["problems"]]


@pytest.mark.parametrize("case", cases("noisy", "aggregate"))
def test_noisy_votes(case: Path, tmp_path: Path) -> None:
    expected = verdict(case)
    outputs = ["-o", tmp_path / "consensus.parquet", "-o", f"workers:{tmp_path / 'workers.csv'}"]
    done = call("aggregate", case / expected["data"], *expected["options"], "--json", *outputs)
    assert done.code == 0, done.err
    truth = dict(zip(*pa_csv.read_csv(case / "truth.csv").to_pydict().values(), strict=True))
    consensus = pq.read_table(tmp_path / "consensus.parquet").to_pylist()
    right = sum(row["label"] == truth[row["task"]] for row in consensus)
    plain = sum(row["majority_label"] == truth[row["task"]] for row in consensus)
    assert right >= expected["accuracy"] * len(truth)
    assert right - plain >= expected["better_than_majority"] * len(truth)
    workers = {row["worker"]: row for row in pa_csv.read_csv(tmp_path / "workers.csv").to_pylist()}
    assert {name: workers[name]["accuracy"] for name in expected["skills"]} == pytest.approx(
        expected["skills"], abs=0.05
    )
    weak = json.loads(done.out)["weak_workers"]["workers"]
    assert [row["worker"] for row in weak] == expected["spammers"]


@pytest.mark.parametrize("case", cases("broken", "aggregate"))
def test_broken_votes_are_refused(case: Path, tmp_path: Path) -> None:
    expected, before = verdict(case), listing(case)
    data, target = case / expected["data"], tmp_path / "consensus.csv"
    refused(call("aggregate", data, *expected["options"], "-o", target), expected)
    assert listing(tmp_path) == []
    assert listing(case) == before
