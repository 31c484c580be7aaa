"""The fixtures are what their script makes."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.in_process import FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

BYTES_BROKEN = ("truncated", "bit-flip", "text-named-parquet")
LIMIT = 3_000_000


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("fixtures_make", FIXTURES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("fixtures")
    module.make(folder)
    return folder


def files(root: Path) -> dict[str, Path]:
    found = sorted(p for p in root.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc"))
    return {p.relative_to(root).as_posix(): p for p in found}


def columns(path: Path) -> list[pa.Array]:
    table = pq.ParquetFile(path).read()
    return [column.combine_chunks() for column in table.columns]


def same(one: pa.Array, other: pa.Array) -> None:
    assert one.type == other.type
    if pa.types.is_fixed_size_list(one.type):
        np.testing.assert_allclose(one.flatten(), other.flatten(), rtol=0, atol=2e-6)
    else:
        assert one.equals(other) or one.to_pylist() == other.to_pylist()


def test_the_same_files(again: Path) -> None:
    assert list(files(again)) == list(files(FIXTURES))


def test_the_same_arrays(again: Path) -> None:
    tables = [p for p in files(again).values() if p.suffix == ".parquet"]
    readable = [p for p in tables if p.parent.name not in BYTES_BROKEN]
    assert len(readable) > 25
    for path in readable:
        mine, made = columns(FIXTURES / path.relative_to(again)), columns(path)
        assert len(mine) == len(made)
        for one, other in zip(mine, made, strict=True):
            same(one, other)


@pytest.mark.parametrize("name", ["noisy/digits-wide/data.csv", "broken/ragged-csv/data.csv"])
def test_the_same_csv(again: Path, name: str) -> None:
    mine, made = ((root / name).read_text("utf-8").splitlines() for root in (FIXTURES, again))
    assert [line.split(",")[:2] for line in mine] == [line.split(",")[:2] for line in made]
    assert [line.count(",") for line in mine] == [line.count(",") for line in made]


def test_the_same_verdicts_and_truth(again: Path) -> None:
    texts = [p for p in files(again).values() if p.name in ("expected.json", "truth.csv")]
    for path in texts:
        assert path.read_text("utf-8") == (FIXTURES / path.relative_to(again)).read_text("utf-8")


def test_every_case_states_its_verdict() -> None:
    cases = [p for kind in ("clean", "noisy", "broken") for p in (FIXTURES / kind).iterdir()]
    assert len(cases) > 30
    for case in cases:
        verdict = json.loads((case / "expected.json").read_text("utf-8"))
        assert (case / verdict["data"]).exists()
        assert ("exit_code" in verdict) == (case.parent.name == "broken")


def test_small() -> None:
    assert sum(path.stat().st_size for path in files(FIXTURES).values()) < LIMIT
