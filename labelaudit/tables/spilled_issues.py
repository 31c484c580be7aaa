"""A table larger than memory: sorted on disk, and given back a piece at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from labelaudit.shelves import spilling
from labelaudit.tables.issue_ids import hexadecimal
from labelaudit.tables.pieces import PIECE_ROWS, in_pieces, payload, piece_rows
from labelaudit.tables.ranked_kinds import RankedLines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from labelaudit.shelves import TemporaryFolder
    from labelaudit.tables.coded import Coded
    from labelaudit.tables.column_files import ColumnFiles
    from labelaudit.tables.ranked_kinds import RankedKind
    from labelaudit.tables.source import LabelSource

__all__ = ["Beside", "SpilledTable", "in_one_table"]


@dataclass(frozen=True, slots=True)
class Beside:
    """Keys and kept columns of the ranked rows, in a file, worst first.

    Attributes
    ----------
    path : Path
    step : int
        Rows of each of its batches but the last.
    coded : Coded
        What its dictionary columns stand for.
    """

    path: Path
    step: int
    coded: Coded

    def read(self, start: int, stop: int) -> pa.Table:
        """Return some of the rows."""
        with pa.OSFile(str(self.path)) as source, pa.ipc.open_file(source) as reader:
            which = range(start // self.step, -(-stop // self.step))
            batches = [reader.get_batch(i) for i in which if i < reader.num_record_batches]
            table = pa.Table.from_batches(batches, reader.schema)
        skipped = start - which.start * self.step
        return self.coded.decoded(table.slice(skipped, stop - start))


@dataclass(frozen=True, slots=True)
class SpilledTable:
    """A table, worst first, in files that go when nothing refers to this any more.

    It offers what writers and reports need of a ``pyarrow.Table``; ``mapped`` makes one of it.

    Attributes
    ----------
    folder : TemporaryFolder
    source : LabelSource
        Of which the rows are.
    kind : RankedKind
        What is made of the numbers.
    numbers : ColumnFiles
        Those of the kind: of issues, the fields of ``IssueRows``.
    ids : ColumnFiles or None
        With the column ``id``, if the lines have names.
    beside : Beside or None
        Keys and kept columns, if there are any.
    most_bytes : int
        What stood in temporary files at the most while the lines were sorted.
    """

    folder: TemporaryFolder
    source: LabelSource
    kind: RankedKind
    numbers: ColumnFiles
    ids: ColumnFiles | None = None
    beside: Beside | None = None
    most_bytes: int = 0

    @property
    def num_rows(self) -> int:
        """How many lines there are."""
        return self.numbers.rows

    @property
    def schema(self) -> pa.Schema:
        """Columns and types."""
        return self.slice(0, 0).schema

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        names: list[str] = self.schema.names
        return names

    def slice(self, offset: int = 0, length: int | None = None) -> pa.Table:
        """Return some of the rows, in memory."""
        stop = self.num_rows if length is None else min(offset + length, self.num_rows)
        stop = max(stop, offset)
        rows = self.numbers.read(offset, stop)
        key, keep = self.source.roles.key, self.kind.columns_of(self.source)
        beside = None if self.beside is None else self.beside.read(offset, stop)
        return self.kind.table(
            RankedLines(
                self.source,
                rows,
                None if self.ids is None else hexadecimal(self.ids.column("id", offset, stop)),
                pa.array(rows["row"]) if key is None or beside is None else _one(beside[key]),
                beside.select(keep) if keep and beside is not None else None,
                offset,
            )
        )

    def pieces(self) -> Iterator[pa.Table]:
        """Cut the table as ``in_pieces`` cuts one in memory."""
        step = PIECE_ROWS if self.beside is None else self.beside.step
        for start in range(0, max(self.num_rows, 1), PIECE_ROWS):
            stop = min(start + PIECE_ROWS, self.num_rows)
            if step >= PIECE_ROWS:
                yield from in_pieces(self.slice(start, PIECE_ROWS))
                continue
            size = sum(payload(self.slice(at, step)) for at in range(start, stop, step))
            rows = piece_rows(size)
            yield from (self.slice(at, min(rows, stop - at)) for at in range(start, stop, rows))

    def to_batches(self, max_chunksize: int = PIECE_ROWS) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order."""
        for piece in self.pieces():
            yield from piece.to_batches(max_chunksize=max_chunksize)

    def mapped_numbers(self) -> dict[str, npt.NDArray[Any]]:
        """Return the numbers as arrays that are read from disk where they are looked at."""
        return {name: self.numbers.mapped(name) for name in self.kind.numbers}

    def mapped(self) -> pa.Table:
        """Return a ``pyarrow.Table`` that is read from disk where it is looked at.

        Raises
        ------
        EnvironmentalError
            If the disk is full.
        """
        path = self.folder.path / "table.arrow"
        with (
            spilling(self.folder.path),
            path.open("wb", 1 << 20) as sink,
            pa.ipc.new_file(sink, self.schema) as writer,
        ):
            for piece in self.pieces():
                writer.write_table(piece.combine_chunks())
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        path.unlink()
        return table


def _one(column: pa.ChunkedArray) -> Any:
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def in_one_table(result: Any) -> Any:
    """Return a result whose tables are of ``pyarrow``; on disk if they were sorted there."""
    tables = {each.name: getattr(result, each.name) for each in fields(result)}
    mapped = {
        name: table.mapped() for name, table in tables.items() if isinstance(table, SpilledTable)
    }
    return replace(result, **mapped)
