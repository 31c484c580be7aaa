"""Sorting beyond memory, against sorting in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelaudit.tables import sorted_runs
from labelaudit.tables.repeats import Repeats
from labelaudit.tables.sorted_runs import SortedRuns, in_blocks

if TYPE_CHECKING:
    from pathlib import Path


def sorted_in_memory(parts: list[list[float]]) -> list[tuple[float, int]]:
    rows = [value for part in parts for value in part]
    return sorted((value, i) for i, value in enumerate(rows))


def tables_of(parts: list[list[float]]) -> list[pa.Table]:
    tables, first = [], 0
    for part in parts:
        rows = pa.array(range(first, first + len(part)), pa.int64())
        tables.append(pa.table({"order": pa.array(part, pa.float64()), "row": rows}))
        first += len(part)
    return tables


VALUES = st.sampled_from([-1.5, -0.0, 0.0, 0.25, 1e300, float("-inf")])
PARTS = st.lists(st.lists(VALUES, max_size=8), max_size=12)


@settings(deadline=None)
@given(parts=PARTS, memory=st.sampled_from([1, 100, 400, 1 << 20]), most=st.integers(2, 5))
def test_rows_come_in_order_and_ties_as_they_came(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[float]], memory: int, most: int
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_runs, "MOST_RUNS", most)
        patch.setattr(sorted_runs, "_LEAST_BYTES", 16)
        runs = SortedRuns(folder, "order", memory)
        for table in tables_of(parts):
            runs.add(table)
        found = [(row["order"], row["row"]) for table in runs.merged() for row in table.to_pylist()]
    assert found == sorted_in_memory(parts)
    assert runs.rows == len(found)
    assert list(folder.iterdir()) == []


def test_equal_rows_that_fill_many_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_runs, "_LEAST_BYTES", 16)
    runs = SortedRuns(tmp_path, "order", 900)
    for table in tables_of([[0.5] * 40] * 5):
        runs.add(table)
    rows = [row for table in runs.merged() for row in table["row"].to_pylist()]
    assert rows == list(range(200))


@given(sizes=st.lists(st.integers(0, 9), max_size=8), rows=st.integers(1, 7))
def test_blocks_have_one_size(sizes: list[int], rows: int) -> None:
    tables = tables_of([[0.0] * size for size in sizes])
    blocks = list(in_blocks(tables, rows))
    assert [block.num_rows for block in blocks[:-1]] == [rows] * (len(blocks) - 1)
    assert all(block["row"].num_chunks == 1 for block in blocks)
    found = [row for block in blocks for row in block["row"].to_pylist()]
    assert found == list(range(sum(sizes)))


@settings(deadline=None)
@given(
    parts=st.lists(st.lists(st.integers(0, 12) | st.just(2**64 - 1), max_size=9), max_size=9),
    most=st.integers(1, 4),
)
def test_repeated_numbers(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]], most: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_runs, "_LEAST_BYTES", 8)
        repeats = Repeats(tmp_path_factory.mktemp("repeats"), 100)
        for part in parts:
            repeats.add(np.array(part, np.uint64))
        found = list(repeats.parts(most))
    every = [number for part in parts for number in part]
    twice = sorted(number for number in set(every) if every.count(number) > 1)
    assert [number for part in found for number in part.tolist()] == twice
    assert [len(part) for part in found[:-1]] == [most] * (len(found) - 1)
