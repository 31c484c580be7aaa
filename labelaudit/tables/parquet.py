"""Parquet files: footers first, then row groups, streamed and with page checksums verified."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from labelaudit.errors import InputError
from labelaudit.tables.boundary import BROKEN_FILE, reading
from labelaudit.tables.matching import Bounds
from labelaudit.tables.scanning import is_text
from labelaudit.tables.table import FileTable
from labelaudit.tables.taking import take_rows
from labelaudit.tables.views import plain_batch, without_views

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from labelaudit.tables.input_file import InputFile

__all__ = ["FooterCheck", "ParquetTable", "open_parquet"]

# Every column chunk that is read has a buffer of its own.
_BUFFERS = 32 << 20


@dataclass(frozen=True, slots=True)
class ParquetTable(FileTable):
    """A Parquet file: where it is and what its footer says.

    Attributes
    ----------
    has_views : bool
        Some columns are stored as views, which are to be read as plain ones.
    encoded : tuple of str
        String columns that are read as dictionaries, which is five times as fast where few
        different strings occur.
    """

    metadata: pq.FileMetaData
    schema: pa.Schema
    group_rows: tuple[int, ...]
    has_views: bool = False
    encoded: tuple[str, ...] = ()
    format: str = "parquet"

    def group_bytes(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the compressed bytes of these columns in each row group."""
        leaves = self._leaves(columns)
        with self._opened(columns) as opened:
            for group in range(len(self.group_rows)):
                # The reader refuses damaged entries; asking for them ends the process.
                next(self._batches(opened, group, columns, 1), None)
        groups = map(self.metadata.row_group, range(len(self.group_rows)))
        return tuple(
            sum(group.column(leaf).total_compressed_size for leaf in leaves) for group in groups
        )

    def bounds(self, columns: Sequence[str]) -> Iterator[dict[str, Bounds]]:
        """Yield for each row group what the footer says of the values of these columns."""
        leaves = self._flat_leaves(columns)
        with self._opened(columns) as opened:
            for group in range(len(self.group_rows)):
                # As above: asking for damaged entries ends the process.
                next(self._batches(opened, group, columns, 1), None)
                with reading(f"{self.name}, row group {group}"):
                    row_group = self.metadata.row_group(group)
                    yield {
                        name: _bounds(row_group.column(leaf).statistics)
                        for name, leaf in leaves.items()
                    }

    def _flat_leaves(self, columns: Sequence[str]) -> dict[str, int]:
        schema = self.metadata.schema
        places = {schema.column(leaf).path: leaf for leaf in range(len(schema))}
        return {name: places[name] for name in columns if name in places}

    def _leaves(self, columns: Sequence[str]) -> list[int]:
        """Return the indices of the stored columns; nested ones are several, named by path."""
        wanted = set(columns)
        schema = self.metadata.schema
        paths = (schema.column(leaf).path for leaf in range(len(schema)))
        return [
            leaf
            for leaf, path in enumerate(paths)
            if path in wanted or path.partition(".")[0] in wanted
        ]

    def read(
        self, groups: range, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Read these columns of consecutive row groups, in order, a batch at a time."""
        with self._opened(columns) as opened:
            footer = FooterCheck(self.name, self.metadata, self._leaves(columns))
            for group in groups:
                batches = self._batches(opened, group, columns, batch_rows)
                yield from self._checked(batches, group, footer)

    @contextmanager
    def _opened(self, columns: Sequence[str]) -> Iterator[pq.ParquetFile]:
        with self.file.watched():
            with reading(self.name):
                opened = self._open(columns)
            with opened:
                yield opened

    def _open(self, columns: Sequence[str]) -> pq.ParquetFile:
        size = min(1 << 20, max(1 << 14, _BUFFERS // max(len(columns), 1)))
        return pq.ParquetFile(
            self.file.source,
            metadata=self.metadata,
            buffer_size=size,
            read_dictionary=[
                name for name in self.encoded if is_text(self.schema.field(name).type)
            ],
            pre_buffer=False,
            page_checksum_verification=True,
        )

    def _batches(
        self, opened: pq.ParquetFile, group: int, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        batches = opened.iter_batches(
            batch_size=batch_rows, row_groups=[group], columns=columns, use_threads=False
        )
        rows = 0
        while True:
            with reading(f"{self.name}, row group {group}, after row {rows} of it"):
                batch = next(batches, None)
                if batch is None:
                    return
                batch.validate(full=True)
                chosen = batch.select(columns)
                chosen = plain_batch(chosen) if self.has_views else chosen
            yield chosen
            rows += batch.num_rows

    def _checked(
        self, batches: Iterator[pa.RecordBatch], group: int, footer: FooterCheck
    ) -> Iterator[pa.RecordBatch]:
        """Yield the batches of a row group, as many rows as it declares."""
        declared, rows = self.group_rows[group], 0
        for batch in batches:
            if rows == 0:
                footer.check(group)
            rows += batch.num_rows
            if rows > declared:
                break
            yield batch
        if rows != declared:
            raise InputError(
                f"{self.name}, row group {group} declares {declared} rows and holds {rows}.",
                BROKEN_FILE,
            )

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Return these columns of these rows (sorted, 0-based in this file)."""
        fields = pa.schema([self.schema.field(column) for column in columns])
        plain = replace(self, encoded=())
        return pa.Table.from_batches(take_rows(plain, rows, columns), fields)


def _bounds(known: pq.Statistics | None) -> Bounds:
    if known is None:
        return Bounds()
    low, high = (known.min, known.max) if known.has_min_max else (None, None)
    has_nulls = not known.has_null_count or known.null_count > 0
    return Bounds(low, high, has_nulls, known.num_values > 0)


def open_parquet(file: InputFile) -> ParquetTable:
    """Read the footer.

    Raises
    ------
    InputError
        If there is no readable footer, or it contradicts itself.
    """
    with (
        file.watched(),
        reading(file.name),
        pq.ParquetFile(file.source, pre_buffer=False) as opened,
    ):
        metadata, stored = opened.metadata, opened.schema_arrow
        schema = without_views(stored)
        groups = range(metadata.num_row_groups)
        group_rows = tuple(metadata.row_group(group).num_rows for group in groups)
    if sum(group_rows) != metadata.num_rows:
        raise InputError(
            f"{file.name} declares {metadata.num_rows} rows, and its row groups {sum(group_rows)}.",
            BROKEN_FILE,
        )
    return ParquetTable(file, metadata, schema, group_rows, has_views=schema != stored)


class FooterCheck:
    """Compares what the footer says of row groups that are read one after the other.

    Readers believe it: a row group that claims fewer rows than it has loses the rest, and one
    that is listed twice is read twice. Asking for damaged column entries ends the process, so
    only those are asked for which the reader, which can refuse them, has accepted before.
    """

    def __init__(self, name: str, metadata: pq.FileMetaData, leaves: Sequence[int]) -> None:
        self.name = name
        self.metadata = metadata
        self.leaves = leaves
        self.group_at: dict[int, int] = {}

    def check(self, group: int) -> None:
        """Raise ``InputError`` if the row group contradicts its columns or is an earlier one."""
        row_group = self.metadata.row_group(group)
        columns = [row_group.column(leaf) for leaf in self.leaves]
        first = self.group_at.setdefault(columns[0].data_page_offset, group)
        if first != group:
            raise InputError(
                f"{self.name} lists the pages of row group {first} again in row group {group}.",
                BROKEN_FILE,
            )
        for leaf, column in zip(self.leaves, columns, strict=True):
            flat = self.metadata.schema.column(leaf).max_repetition_level == 0
            if flat and column.num_values != row_group.num_rows:
                raise InputError(
                    f"{self.name}, row group {group} declares {row_group.num_rows} rows, but "
                    f"{column.num_values} in one of its columns.",
                    BROKEN_FILE,
                )
