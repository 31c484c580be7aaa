"""Arrow files and streams (Feather, IPC): record batches are the row groups."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from labelaudit.errors import InputError
from labelaudit.tables.boundary import BROKEN_FILE, reading
from labelaudit.tables.table import FileTable
from labelaudit.tables.taking import take_rows
from labelaudit.tables.views import plain_batch, without_views

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from labelaudit.tables.input_file import InputFile

__all__ = ["ArrowTable", "open_arrow"]


@dataclass(frozen=True, slots=True)
class ArrowTable(FileTable):
    """An Arrow file or stream: where it is and how many rows each record batch has."""

    schema: pa.Schema
    group_rows: tuple[int, ...]
    is_stream: bool
    format: str = "arrow"

    def group_bytes(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the file's bytes, shared out over columns and record batches."""
        share = self.file.size * len(columns) / max(len(self.schema), 1)
        rows = max(sum(self.group_rows), 1)
        return tuple(int(share * each / rows) for each in self.group_rows)

    def read(
        self, groups: range, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Read these columns of consecutive record batches, in order, in pieces."""
        options = _options(self.schema, columns)
        with _opened(self.file, self.is_stream, options) as opened:
            for group, batch in _batches(opened, groups, self.file.name, self.is_stream):
                if batch.num_rows != self.group_rows[group]:
                    raise InputError(
                        f"{self.name}, record batch {group} held {self.group_rows[group]} rows "
                        f"and now {batch.num_rows}.",
                        BROKEN_FILE,
                    )
                chosen = plain_batch(batch.select(columns))
                for start in range(0, batch.num_rows, batch_rows):
                    yield chosen.slice(start, batch_rows)

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Return these columns of these rows (sorted, 0-based in this file)."""
        fields = pa.schema([self.schema.field(column) for column in columns])
        return pa.Table.from_batches(take_rows(self, rows, columns), fields)


def _options(schema: pa.Schema, columns: Sequence[str]) -> pa.ipc.IpcReadOptions:
    chosen = sorted(schema.get_field_index(column) for column in columns)
    return pa.ipc.IpcReadOptions(included_fields=chosen, use_threads=False)


@contextmanager
def _opened(
    file: InputFile, is_stream: bool, options: pa.ipc.IpcReadOptions
) -> Iterator[pa.ipc.RecordBatchStreamReader | pa.ipc.RecordBatchFileReader]:
    with file.watched():
        with reading(file.name):
            # A batch may be larger than memory; mapped, only the pages in use count.
            source = file.source
            mapped = pa.memory_map(source) if isinstance(source, str) else source
            start = pa.ipc.open_stream if is_stream else pa.ipc.open_file
            opened = start(mapped, options=options)
        with mapped, opened:
            yield opened


def _batches(
    opened: pa.ipc.RecordBatchStreamReader | pa.ipc.RecordBatchFileReader,
    groups: range,
    name: str,
    is_stream: bool,
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield record batches with their numbers; nothing of them is believed before a check."""
    for group in range(groups.stop):
        if group not in groups and not is_stream:
            continue
        with reading(f"{name}, record batch {group}"):
            batch = opened.read_next_batch() if is_stream else opened.get_batch(group)
            if group in groups:
                batch.validate(full=True)
        if group in groups:
            yield group, batch


def open_arrow(file: InputFile) -> ArrowTable:
    """Read the schema and the length of each record batch.

    Raises
    ------
    InputError
        If the file is damaged or no Arrow file.
    """
    with reading(file.name), pa.input_stream(file.source) as opened:
        is_stream = opened.read(6) != b"ARROW1"
    with _opened(file, is_stream, pa.ipc.IpcReadOptions(use_threads=False)) as reader:
        schema = without_views(reader.schema)
    lengths = _lengths(file, is_stream, schema)
    return ArrowTable(file, schema, lengths, is_stream)


def _lengths(file: InputFile, is_stream: bool, schema: pa.Schema) -> tuple[int, ...]:
    """Return the rows of each record batch, decoding as little of them as can be."""
    options = pa.ipc.IpcReadOptions(included_fields=[0] if len(schema) else [], use_threads=False)
    with _opened(file, is_stream, options) as reader, reading(file.name):
        if is_stream:
            return tuple(batch.num_rows for batch in reader)
        return tuple(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))
