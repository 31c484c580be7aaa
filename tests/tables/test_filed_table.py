"""A table in a file is cut, read and written as the same table in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from labelaudit.errors import EnvironmentalError
from labelaudit.shelves import TemporaryFolder
from labelaudit.tables import filed_table, pieces
from labelaudit.tables.filed_table import TableFile, TableParts
from tests.tables.on_disk import written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelaudit.tables.filed_table import FiledTable


def some(rows: int) -> pa.Table:
    rng = np.random.default_rng(0)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(rng.random(2 * rows)), 2)
    columns = {
        "task": [f"t{i}" * (i % 3) for i in range(rows)],
        "probs": lists,
        "label": pa.array([None if i % 5 == 0 else "ab"[i % 2] for i in range(rows)], pa.string()),
    }
    return pa.table(columns).replace_schema_metadata({"classes": "ab"})


def filed(table: pa.Table, cuts: Sequence[int]) -> FiledTable:
    parts = TableFile(TemporaryFolder(), "some")
    for first, last in zip([0, *cuts], [*cuts, table.num_rows], strict=True):
        parts.take(table.slice(first, last - first))
    return parts.done()


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pieces, filed_table):
        monkeypatch.setattr(module, "PIECE_ROWS", 64)
    monkeypatch.setattr(pieces, "_PIECE_BYTES", 900)
    monkeypatch.setattr(filed_table, "_BATCH_BYTES", 200)


@pytest.mark.parametrize("rows", [0, 1, 64, 1000])
@pytest.mark.parametrize("form", ["parquet", "arrow", "csv", "jsonl"])
def test_the_same_bytes(form: str, rows: int) -> None:
    table = some(rows)
    parts = filed(table, [rows // 3, rows // 2])
    assert written(parts, form) == written(table, form)


def test_what_is_read_of_it() -> None:
    table = some(300)
    parts = filed(table, [7, 100])
    assert parts.step == 8
    assert (len(parts), parts.num_rows, parts.column_names) == (300, 300, table.column_names)
    assert parts.mapped().equals(table)
    assert parts["label"].to_pylist() == table["label"].to_pylist()
    assert parts.slice(61, 9).equals(table.slice(61, 9))
    assert parts.slice(298).equals(table.slice(298))
    chosen = parts.select(["label", "task"])
    assert chosen.column_names == ["task", "label"]
    batches = pa.Table.from_batches(chosen.to_batches())
    assert batches.to_pylist() == table.select(["task", "label"]).to_pylist()


def test_parts_in_memory() -> None:
    parts = TableParts()
    parts.take(some(3))
    parts.take(some(4))
    assert parts.done().to_pylist() == [*some(3).to_pylist(), *some(4).to_pylist()]


def test_folder_that_is_gone() -> None:
    parts = filed(some(100), [])
    parts.folder.close()
    with pytest.raises(EnvironmentalError, match="cannot be kept in"):
        parts.slice(0, 1)
