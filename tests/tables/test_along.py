"""Picking rows out of columns that are read along once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv

from labelaudit.tables import along
from labelaudit.tables.along import Along
from labelaudit.tables.memory import MemoryTable
from labelaudit.tables.opening import open_files
from labelaudit.tables.paths import find_files
from labelaudit.tables.text import TextColumns

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 100


def tables_of(folder: Path, form: str) -> tuple[Any, ...]:
    table = pa.table(
        {"n": range(ROWS), "word": [f"word {i}" for i in range(ROWS)], "other": [0.5] * ROWS}
    )
    parts = [table.slice(0, 37), table.slice(37)]
    if form == "memory":
        return tuple(MemoryTable(part) for part in parts)
    for i, part in enumerate(parts):
        path = folder / f"{i}.{form}"
        if form == "parquet":
            pq.write_table(part, path, row_group_size=10)
        elif form == "csv":
            csv.write_csv(part, path)
        else:
            start = pa.ipc.new_stream if form == "arrows" else pa.ipc.new_file
            with start(path, part.schema) as writer:
                writer.write_table(part, max_chunksize=10)
    files = find_files([str(folder / f"*.{form}")])
    return open_files(files, lambda _: TextColumns(("n", "word")))


@pytest.mark.parametrize("form", ["parquet", "arrow", "arrows", "csv", "memory"])
@pytest.mark.parametrize(
    "asked",
    [
        [[0], [1, 2], [], [99]],
        [list(range(ROWS))],
        [[5, 36], [37, 38, 60], [95]],
        [[98, 99]],
        [[0, 50], [51, 52, 53], [54, 90]],
    ],
    ids=str,
)
def test_rows_that_are_asked_for(
    form: str, asked: list[list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(along, "_FIRST_ROWS", 4)
    reader = Along(tables_of(tmp_path, form), ["word", "n"])
    for rows in asked:
        found = reader.take(np.array(rows, np.int64))
        assert found.to_pydict() == {"word": [f"word {i}" for i in rows], "n": rows}


def test_row_groups_in_between_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, last) = tables_of(tmp_path, "parquet")
    read: list[range] = []
    kind = type(first)
    whole = kind.read

    def watched(self: Any, groups: range, *rest: Any) -> Any:
        for group in groups:
            read.append(group)
            yield from whole(self, range(group, group + 1), *rest)

    monkeypatch.setattr(kind, "read", watched)
    reader = Along((first, last), ["n"])
    for row in (3, 8, 36, 37 + 45):
        assert reader.take(np.array([row]))["n"].to_pylist() == [row]
    assert read == [0, 3, 4]


@given(rows=st.sets(st.integers(0, ROWS - 1)), cuts=st.lists(st.integers(0, ROWS), max_size=4))
def test_however_they_are_asked_for(rows: set[int], cuts: list[int]) -> None:
    table = pa.table({"n": range(ROWS)})
    reader = Along((MemoryTable(table.slice(0, 30)), MemoryTable(table.slice(30))), ["n"])
    wanted = np.array(sorted(rows), np.int64)
    found = [
        reader.take(part)["n"].to_pylist()
        for part in np.split(wanted, np.searchsorted(wanted, sorted(cuts)))
    ]
    assert [row for part in found for row in part] == wanted.tolist()


def test_batches_grow_with_narrow_columns_and_shrink_with_wide_ones() -> None:
    narrow = MemoryTable(pa.table({"n": np.zeros(1000)}))
    wide = MemoryTable(pa.table({"n": pa.array([b"." * 100_000] * 40)}))
    reader = Along((narrow, narrow), ["n"])
    reader.take(np.array([0, 1000]))
    assert reader.batch_rows == 65_536
    reader = Along((wide, wide), ["n"])
    reader.take(np.array([0, 40]))
    assert reader.batch_rows == 83
