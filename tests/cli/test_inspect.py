"""``labelaudit inspect``: reads, says, writes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from labelaudit.audits.settings import AuditSettings
from tests.in_process import call
from tests.reports import builders

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import FakeApi


def test_nothing_wrong(folder: Path, api: FakeApi) -> None:
    before = sorted(folder.iterdir())
    done = call("inspect", "pets.parquet", cwd=folder)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("The data can be audited; nothing is wrong with it.\n")
    assert sorted(folder.iterdir()) == before


def test_problems(folder: Path, api: FakeApi) -> None:
    api.inspection = builders.inspection(problems=(builders.PROBLEM,))
    done = call("inspect", "pets.parquet", "--json", cwd=folder)
    assert done.code == 3
    assert json.loads(done.out)["exit_code"] == 3
    assert json.loads(done.out)["problems"][0]["kind"] == "nan_probability"
    assert done.err.endswith("1 problem found.\n")
    assert call("inspect", "pets.parquet", "-q", cwd=folder) == (3, "", "")


def test_options_reach_it(folder: Path, api: FakeApi) -> None:
    done = call(
        "inspect", "pets.parquet", "--classes", "dog,cat,fox", "--threads", "2",
        "--memory", "1GB", cwd=folder,
    )  # fmt: skip
    assert done.code == 0
    assert api.asked["settings"] == AuditSettings()
    assert (api.asked["threads"], api.asked["memory"]) == (2, 10**9)
    assert api.asked["source"].understanding.classes == ("dog", "cat", "fox")


def test_task(folder: Path, api: FakeApi) -> None:
    done = call("inspect", "pets.parquet", "--task", "multilabel", cwd=folder)
    assert done.code == 2
    assert api.asked == {}


def test_it_has_no_outputs(folder: Path, api: FakeApi) -> None:
    assert call("inspect", "pets.parquet", "-o", "x.csv", cwd=folder).code == 2
