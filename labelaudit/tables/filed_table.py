"""A table in a file: written a part at a time, read a piece at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from labelaudit.shelves import spilling
from labelaudit.tables.pieces import PIECE_ROWS, copied, payload, piece_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from _typeshed import DataclassInstance

    from labelaudit.shelves import TemporaryFolder

Result = TypeVar("Result", bound="DataclassInstance")

__all__ = ["FiledTable", "TableFile", "TableParts", "in_tables"]

_BATCH_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class FiledTable:
    """What writers and reports need of a ``pyarrow.Table``, in a file that goes with its folder.

    Attributes
    ----------
    folder : TemporaryFolder
    path : Path
    schema : pyarrow.Schema
    num_rows : int
    step : int
        Rows of each of its batches but the last; a power of two.
    sizes : tuple of int
        Payload of each batch.
    """

    folder: TemporaryFolder
    path: Path
    schema: pa.Schema
    num_rows: int
    step: int
    sizes: tuple[int, ...]

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        names: list[str] = self.schema.names
        return names

    def __len__(self) -> int:
        return self.num_rows

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """Return a column, in memory."""
        parts = [batch.column(name) for batch in self.select([name]).to_batches()]
        return pa.chunked_array(parts, self.schema.field(name).type)

    def select(self, names: Sequence[str]) -> FiledTable:
        """Return the table with some of its columns, in the order that they have."""
        fields = [field for field in self.schema if field.name in names]
        return replace(self, schema=pa.schema(fields, self.schema.metadata))

    def slice(self, offset: int = 0, length: int | None = None) -> pa.Table:
        """Return some of the rows, in memory."""
        stop = self.num_rows if length is None else min(offset + length, self.num_rows)
        first = offset // self.step
        table = pa.Table.from_batches(self._batches(offset, stop), self.schema)
        return table.slice(offset - first * self.step, max(stop - offset, 0))

    def _batches(self, start: int, stop: int) -> Iterator[pa.RecordBatch]:
        """Yield the batches that hold these rows."""
        with spilling(self.path.parent), pa.OSFile(str(self.path)) as source:
            whole = pa.ipc.open_file(source).schema.names
            wanted = [whole.index(name) for name in self.schema.names]
            options = pa.ipc.IpcReadOptions(included_fields=wanted)
            with pa.ipc.open_file(source, options=options) as reader:
                for place in range(start // self.step, -(-stop // self.step)):
                    yield reader.get_batch(place)

    def pieces(self) -> Iterator[pa.Table]:
        """Cut the table as ``in_pieces`` cuts one in memory."""
        if not self.num_rows:
            yield self.schema.empty_table()
        for start in range(0, self.num_rows, PIECE_ROWS):
            stop = min(start + PIECE_ROWS, self.num_rows)
            rows = piece_rows(sum(self.sizes[start // self.step : -(-stop // self.step)]))
            for at in range(start, stop, rows):
                yield self.slice(at, min(rows, stop - at)).combine_chunks()

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order."""
        return self._batches(0, self.num_rows)

    def mapped(self) -> pa.Table:
        """Return a ``pyarrow.Table`` that is read from disk where it is looked at."""
        with spilling(self.path.parent):
            return pa.ipc.open_file(pa.memory_map(str(self.path))).read_all()


class TableParts:
    """Takes the parts of a table, in order, and holds them."""

    def __init__(self) -> None:
        self.parts: list[pa.Table] = []

    def take(self, table: pa.Table) -> None:
        """Take the next rows."""
        self.parts.append(table)

    def done(self) -> pa.Table:
        """Return the table."""
        return pa.concat_tables(self.parts)


class TableFile:
    """Takes the parts of a table, in order.

    Parameters
    ----------
    folder : TemporaryFolder
    name : str
        Of the file in it.
    """

    def __init__(self, folder: TemporaryFolder, name: str) -> None:
        self.folder, self.path = folder, folder.path / f"{name}.arrow"
        self.rows, self.step = 0, PIECE_ROWS
        self.sizes: list[int] = []
        self.waiting: list[pa.Table] = []
        self.writer: pa.ipc.RecordBatchFileWriter | None = None
        self.schema: pa.Schema | None = None

    def take(self, table: pa.Table) -> None:
        """Take the next rows."""
        if self.schema is None:
            self.schema = table.schema
            size = payload(table) // max(table.num_rows, 1)
            while self.step > 1 and self.step * size > _BATCH_BYTES:
                self.step //= 2
        self.rows += table.num_rows
        self.waiting.append(table)
        held = sum(part.num_rows for part in self.waiting)
        if held >= self.step:
            whole = pa.concat_tables(self.waiting)
            full = held - held % self.step
            self._write(whole.slice(0, full))
            self.waiting = [copied(whole.slice(full))]

    def _write(self, table: pa.Table) -> None:
        with spilling(self.folder.path):
            if self.writer is None:
                self.writer = pa.ipc.new_file(str(self.path), table.schema)
            for start in range(0, table.num_rows, self.step):
                batch = copied(table.slice(start, self.step))
                self.sizes.append(payload(batch))
                self.writer.write_table(batch)

    def done(self) -> FiledTable:
        """Return the table."""
        schema = pa.schema([]) if self.schema is None else self.schema
        self._write(pa.concat_tables([schema.empty_table(), *self.waiting]))
        with spilling(self.folder.path):
            if self.writer is not None:
                self.writer.close()
        return FiledTable(self.folder, self.path, schema, self.rows, self.step, tuple(self.sizes))


def in_tables(result: Result) -> Result:
    """Return a result whose tables are ``pyarrow.Table``; read from disk if they stood there."""
    held = ((each.name, getattr(result, each.name)) for each in fields(result))
    mapped = {name: each.mapped() for name, each in held if isinstance(each, FiledTable)}
    return replace(result, **mapped)
