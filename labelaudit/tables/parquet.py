"""Parquet files: footers first, then row groups, streamed and with page checksums verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from labelaudit.errors import InputError
from labelaudit.tables.boundary import BROKEN_FILE, reading
from labelaudit.tables.taking import take_rows
from labelaudit.tables.views import without_views

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from labelaudit.tables.input_file import InputFile

__all__ = ["ParquetTable", "open_parquet"]

# Every column chunk that is read has a buffer of its own.
_BUFFERS = 32 << 20


@dataclass(frozen=True, slots=True)
class ParquetTable:
    """A Parquet file: where it is and what its footer says."""

    file: InputFile
    metadata: pq.FileMetaData
    schema: pa.Schema
    format: str = "parquet"

    @property
    def name(self) -> str:
        """The file as the user named it, fit to be shown."""
        return self.file.name

    @property
    def path(self) -> str:
        """Where the file is."""
        return self.file.path

    @property
    def group_rows(self) -> tuple[int, ...]:
        """Rows of each row group, as declared."""
        groups = range(self.metadata.num_row_groups)
        return tuple(self.metadata.row_group(group).num_rows for group in groups)

    def group_bytes(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the compressed bytes of these columns in each row group."""
        leaves = self._leaves(columns)
        groups = (self.metadata.row_group(i) for i in range(self.metadata.num_row_groups))
        return tuple(
            sum(group.column(leaf).total_compressed_size for leaf in leaves) for group in groups
        )

    @property
    def integer_ranges(self) -> dict[str, tuple[int, int]]:
        """Smallest and largest value of each integer column that has statistics everywhere."""
        leaves = enumerate(self.metadata.schema.column(i) for i in range(len(self.metadata.schema)))
        found = {
            column.path: _range(self.metadata, leaf)
            for leaf, column in leaves
            if column.physical_type in ("INT32", "INT64") and _is_integer(self.schema, column.path)
        }
        return {name: extremes for name, extremes in found.items() if extremes is not None}

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
        self.file.check_unchanged()
        with reading(self.name):
            opened = self._open(columns)
        with opened:
            for group in groups:
                yield from self._read_group(opened, group, columns, batch_rows)

    def _open(self, columns: Sequence[str]) -> pq.ParquetFile:
        size = min(1 << 20, max(1 << 14, _BUFFERS // max(len(columns), 1)))
        return pq.ParquetFile(
            self.file.source,
            metadata=self.metadata,
            buffer_size=size,
            pre_buffer=False,
            page_checksum_verification=True,
        )

    def _read_group(
        self, opened: pq.ParquetFile, group: int, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        declared = self.metadata.row_group(group).num_rows
        place = f"{self.name}, row group {group}"
        fields = pa.schema([self.schema.field(column) for column in columns])
        rows = 0
        with reading(place):
            batches = opened.iter_batches(
                batch_size=batch_rows, row_groups=[group], columns=columns, use_threads=False
            )
        while True:
            with reading(f"{place}, after row {rows} of it"):
                batch = next(batches, None)
                if batch is not None:
                    batch.validate(full=True)
            if batch is None:
                break
            rows += batch.num_rows
            if rows <= declared:
                yield batch.select(columns).cast(fields)
        if rows != declared:
            raise InputError(f"{place} declares {declared} rows and holds {rows}.", BROKEN_FILE)

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Return these columns of these rows (sorted, 0-based in this file)."""
        fields = pa.schema([self.schema.field(column) for column in columns])
        return pa.Table.from_batches(take_rows(self, rows, columns), fields)


def _is_integer(schema: pa.Schema, name: str) -> bool:
    return name in schema.names and bool(pt.is_integer(schema.field(name).type))


def _range(metadata: pq.FileMetaData, leaf: int) -> tuple[int, int] | None:
    groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
    known = [group.column(leaf).statistics for group in groups if group.num_rows]
    if not known or not all(each is not None and each.has_min_max for each in known):
        return None
    return min(each.min for each in known), max(each.max for each in known)


def open_parquet(file: InputFile) -> ParquetTable:
    """Read the footer.

    Raises
    ------
    InputError
        If there is no readable footer, or it contradicts itself.
    """
    with reading(file.name), pq.ParquetFile(file.source, pre_buffer=False) as opened:
        metadata, schema = opened.metadata, without_views(opened.schema_arrow)
    table = ParquetTable(file, metadata, schema)
    rows = sum(table.group_rows)
    _check_footer(file.name, metadata)
    if rows != metadata.num_rows:
        raise InputError(
            f"{file.name} declares {metadata.num_rows} rows, and its row groups {rows}.",
            BROKEN_FILE,
        )
    return table


def _check_footer(name: str, metadata: pq.FileMetaData) -> None:
    """Raise ``InputError`` if row groups contradict their columns, or share their pages.

    Readers believe the footer: a row group that claims fewer rows than it has loses the rest, and
    one that is listed twice is read twice.
    """
    starts: dict[int, int] = {}
    flat = [i for i in range(metadata.num_columns) if _is_flat(metadata.schema.column(i))]
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for leaf in range(metadata.num_columns):
            start = row_group.column(leaf).data_page_offset
            if row_group.num_rows and starts.setdefault(start, group) != group:
                raise InputError(
                    f"{name} lists the pages of row group {starts[start]} again in row group "
                    f"{group}.",
                    BROKEN_FILE,
                )
        for leaf in flat:
            values = row_group.column(leaf).num_values
            if values != row_group.num_rows:
                raise InputError(
                    f"{name}, row group {group} declares {row_group.num_rows} rows, but "
                    f"{values} in one of its columns.",
                    BROKEN_FILE,
                )


def _is_flat(column: pq.ColumnSchema) -> bool:
    return bool(column.max_repetition_level == 0)
