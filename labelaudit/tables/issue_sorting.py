"""From lines in files, in row order, to a table in files, worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.running import prefetched
from labelaudit.shelves import TemporaryFolder, spilling
from labelaudit.tables.along import Along
from labelaudit.tables.arrays import numbers, viewed
from labelaudit.tables.coded import Coded
from labelaudit.tables.column_files import ColumnFiles
from labelaudit.tables.issue_ids import numbered
from labelaudit.tables.pieces import PIECE_ROWS, give_back
from labelaudit.tables.ranked_kinds import LABEL_ISSUES
from labelaudit.tables.ranked_spill import ORDER
from labelaudit.tables.repeats import Repeats
from labelaudit.tables.sorted_runs import SortedRuns, in_blocks
from labelaudit.tables.spilled_issues import Beside, SpilledTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from labelaudit.tables.ranked_kinds import RankedKind
    from labelaudit.tables.ranked_spill import RankedSpill
    from labelaudit.tables.source import LabelSource

__all__ = ["spilled_table"]

_DIGEST = {"id": np.dtype(np.uint64)}
_FIRST_ROWS, _BLOCK_ROWS = 4_096, 65_536
_BLOCK_BYTES = 16 << 20
_MOST_REPEATED = 1 << 20
_ID_ROWS = 1 << 20
_MOST_MEMORY = 1 << 30


def spilled_table(
    spill: RankedSpill,
    source: LabelSource,
    memory: int = _MOST_MEMORY,
    kind: RankedKind = LABEL_ISSUES,
) -> SpilledTable:
    """Rank lines, and put keys, kept columns and names to them.

    Parameters
    ----------
    spill : RankedSpill
        Lines of ``kind``, their rows counted among those that are read; in files, which are
        removed on the way.
    source : LabelSource
    memory : int
        Bytes to take, about.
    kind : RankedKind
        What a line holds, and the table that is made of it.

    Raises
    ------
    EnvironmentalError
        If the temporary folder cannot hold them.
    """
    folder, files = TemporaryFolder(), spill.in_files()
    give_back()
    try:
        sorting = _Sorting(source, kind, files, folder, min(memory, _MOST_MEMORY))
        return sorting.table(spill.top)
    except BaseException:
        folder.close()
        raise


@dataclass(slots=True)
class _Sorting:
    source: LabelSource
    kind: RankedKind
    taken: ColumnFiles
    folder: TemporaryFolder
    memory: int

    def table(self, top: int | None) -> SpilledTable:
        columns = self._columns()
        along = Along(self.source.tables, columns) if columns else None
        coded = Coded(pa.schema([]) if along is None else along.schema)
        runs = SortedRuns(self._room("runs"), ORDER, self.memory // 2)
        repeats = Repeats(self._room("repeats"), self.memory // 4)
        for joined in prefetched(self._joined(along, coded)):
            if self.kind.digests is not None:
                repeats.add(viewed(joined["id"].chunk(0)).astype(np.uint64))
            runs.add(joined)
        sorted_bytes = self.folder.bytes
        self.taken.remove()
        ranked, ids, beside = self._ranked(runs, top, coded)
        apart = None if ids is None else _told_apart(ids, repeats, self.folder.path)
        # Runs go when the last of them is merged, so they and what they become stand together.
        most = sorted_bytes + self.folder.bytes
        return SpilledTable(self.folder, self.source, self.kind, ranked, apart, beside, most)

    def _columns(self) -> list[str]:
        """Return what is to be read: the key, and the kept columns where they are wanted."""
        key, keep = self.source.roles.key, self.kind.columns_of(self.source)
        return list(dict.fromkeys([*keep, *([key] if key is not None else [])]))

    def _room(self, name: str) -> Path:
        path = self.folder.path / name
        with spilling(self.folder.path):
            path.mkdir()
        return path

    def _joined(self, along: Along | None, coded: Coded) -> Iterator[pa.Table]:
        """Yield the rows in row order with all that is to be known of them."""
        digests = self.kind.digests
        start, step = 0, min(_FIRST_ROWS, _BLOCK_ROWS)
        while start < self.taken.rows:
            block = self.taken.read(start, start + step)
            start += step
            rows = block["row"]
            block["row"] = self.source.numbered(rows)
            beside = None if along is None else along.take(rows)
            size = 0 if beside is None else beside.nbytes
            step = min(_BLOCK_ROWS, max(_BLOCK_BYTES * len(rows) // max(size, 1), 1))
            if digests is not None:
                block["id"] = digests(self.source, block, self._keys(beside, block["row"]))
            yield _as_table(block, None if beside is None else coded.encoded(beside))

    def _keys(self, beside: pa.Table | None, rows: Any) -> pa.Array:
        key = self.source.roles.key
        if key is None or beside is None:
            return numbers(rows)
        whole = beside[key].combine_chunks()
        return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole

    def _ranked(
        self, runs: SortedRuns, top: int | None, coded: Coded
    ) -> tuple[ColumnFiles, ColumnFiles | None, Beside | None]:
        ranked = ColumnFiles(self.folder.path, self.kind.numbers)
        ids = None if self.kind.digests is None else ColumnFiles(self.folder.path, _DIGEST)
        names = [str(i) for i in range(len(coded.schema))]
        step = _step(runs) if names else PIECE_ROWS
        path = self.folder.path / "beside.arrow"
        with (
            spilling(self.folder.path),
            path.open("wb", 1 << 20) as sink,
            pa.ipc.new_file(sink, coded.stored) as writer,
        ):
            for block in _first(in_blocks(runs.merged(), step), top):
                for files in filter(None, (ranked, ids)):
                    files.append(_numbers(block, files.kinds))
                beside = block.select(names).rename_columns(coded.schema.names)
                writer.write_table(beside)
        for files in filter(None, (ranked, ids)):
            files.close()
        return ranked, ids, Beside(path, step, coded) if names else None


def _first(tables: Iterator[pa.Table], rows: int | None) -> Iterator[pa.Table]:
    """Yield the first rows of tables, all of them if it is not said how many."""
    if rows is None:
        yield from tables
        return
    for table in tables:
        if rows <= 0:
            return
        yield table.slice(0, rows)
        rows -= table.num_rows


def _step(runs: SortedRuns) -> int:
    """Return how many rows are written at once: a power of two, so that pieces are made of them."""
    step = PIECE_ROWS
    while step > 1 and step * runs.row_bytes > _BLOCK_BYTES:
        step //= 2
    return step


def _as_table(block: dict[str, Any], beside: pa.Table | None) -> pa.Table:
    columns = {
        name: numbers(values.view(np.uint8) if values.dtype == np.bool_ else values)
        for name, values in block.items()
    }
    for i, column in enumerate([] if beside is None else beside.columns):
        columns[str(i)] = column
    return pa.table(columns)


def _numbers(table: pa.Table, kinds: Any) -> dict[str, Any]:
    found = {name: viewed(table[name].combine_chunks()) for name in kinds}
    return {name: values.view(kinds[name]) for name, values in found.items()}


def _told_apart(ids: ColumnFiles, repeats: Repeats, folder: Path) -> ColumnFiles:
    """Give digests that come more than once numbers, in rank order."""
    apart = ids
    for i, part in enumerate(repeats.parts(_MOST_REPEATED)):
        before, seen = apart, np.zeros(len(part), np.int64)
        room = folder / f"ids-{i}"
        with spilling(folder):
            room.mkdir()
        apart = ColumnFiles(room, _DIGEST)
        blocks = zip(ids.blocks("id", _ID_ROWS), before.blocks("id", _ID_ROWS), strict=True)
        for first, so_far in blocks:
            found = numbered(first, part, seen)
            apart.append({"id": np.where(found == first, so_far, found)})
        apart.close()
        if before is not ids:
            before.remove()
    return apart
