"""Saved runs come back as they were, or not at all."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from labelaudit.errors import InputError
from labelaudit.tables.outputs import Staging
from labelaudit.tables.runs import RunContext, SavedRun, load_run, save_run
from tests.reports import builders, crowd_builders

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = RunContext(
    version="9.9",
    settings={"method": "rcp", "frac_noise": float("inf"), "extras": ("soft",), "top": None},
    outputs=({"content": "run", "format": "run", "path": "audit"},),
    written=("audit (run)",),
    next_command="labelaudit find-issues pets.parquet",
)


def save(result: Any, folder: Path) -> Path:
    with Staging() as staging:
        save_run(SavedRun(result, CONTEXT), str(folder), staging)
        staging.commit()
    return folder


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit, and of the same types."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and bool(
            np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        )
    if isinstance(one, pa.Table):
        return one.schema == other.schema and repr(one.to_pydict()) == repr(other.to_pydict())
    if is_dataclass(one):
        return type(one) is type(other) and all(
            same(getattr(one, each.name), getattr(other, each.name)) for each in fields(one)
        )
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return repr(one) == repr(other)


RESULTS = {
    "labels": builders.result,
    "bins": lambda: builders.result(audit=builders.audit_with_bins()),
    "no rows": lambda: builders.result(table=builders.issues().slice(0, 0)),
    "crowd": crowd_builders.consensus,
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_run_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    result = RESULTS[name]()
    loaded = load_run(str(save(result, tmp_path / "run")))
    assert same(loaded.result, result)
    assert same(loaded.context, CONTEXT)


def test_a_run_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    one, other = (save(builders.result(), tmp_path / name) for name in "ab")
    names = sorted(path.name for path in one.iterdir())
    assert "run.json" in names
    assert [(one / name).read_bytes() for name in names] == [
        (other / name).read_bytes() for name in names
    ]


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    folder = save(builders.result(), tmp_path / "run")
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        for place in {len(content) // 3, len(content) // 2, len(content) - 2}:
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises(InputError):
                load_run(str(folder))
        path.write_bytes(content)
    load_run(str(folder))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = save(builders.result(), tmp_path / "run")
    (folder / "result.classes.arrow").unlink()
    with pytest.raises(InputError, match=r"result\.classes\.arrow .* is missing"):
        load_run(str(folder))


def test_a_folder_without_a_run_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a saved run: it has no run\.json"):
        load_run(str(tmp_path))
    with pytest.raises(InputError, match="is not a saved run"):
        load_run(str(tmp_path / "nowhere"))


def test_a_run_of_a_later_format_is_refused(tmp_path: Path) -> None:
    folder = save(builders.result(), tmp_path / "run")
    document = json.loads((folder / "run.json").read_text("utf-8"))
    document["version"] = 2
    (folder / "run.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(InputError, match="is of format 2"):
        load_run(str(folder))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "labelaudit run"}', "[" * 100_000])
def test_what_is_no_run_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text, "utf-8")
    with pytest.raises(InputError):
        load_run(str(tmp_path))


def test_a_type_that_is_no_result_is_refused(tmp_path: Path) -> None:
    folder = save(builders.result(), tmp_path / "run")
    text = (folder / "run.json").read_text("utf-8").replace('"LabelIssues"', '"Popen"')
    (folder / "run.json").write_text(text, "utf-8")
    with pytest.raises(InputError):
        load_run(str(folder))


def test_a_run_that_is_not_committed_leaves_no_folder(tmp_path: Path) -> None:
    with Staging() as staging:
        save_run(SavedRun(builders.result(), CONTEXT), str(tmp_path / "run"), staging)
        assert (tmp_path / "run").is_dir()
    assert list(tmp_path.iterdir()) == []
