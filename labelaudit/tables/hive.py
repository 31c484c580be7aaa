"""Folders named ``key=value`` are columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.tables.arrays import numbers, strings
from labelaudit.tables.table import TableView
from labelaudit.tables.taking import take_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from labelaudit.tables.input_file import InputFile
    from labelaudit.tables.table import InputTable

__all__ = ["HiveTable", "with_folders"]

_NULL = "__HIVE_DEFAULT_PARTITION__"
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class HiveTable(TableView):
    """A table with columns that hold one value each, from the folders it lies in."""

    schema: pa.Schema
    values: Mapping[str, str | int | None]

    @property
    def group_rows(self) -> tuple[int, ...]:
        """Rows of each row group."""
        return self.table.group_rows

    def group_bytes(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the stored bytes of these columns in each row group."""
        return self.table.group_bytes([name for name in columns if name not in self.values])

    def read(
        self, groups: range, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Read these columns of consecutive row groups, in order."""
        fields = pa.schema([self.schema.field(column) for column in columns])
        stored = [name for name in columns if name not in self.values]
        if stored:
            for batch in self.table.read(groups, stored, batch_rows):
                yield self._filled(batch, fields)
            return
        for group in groups:
            for start in range(0, self.group_rows[group], batch_rows):
                rows = min(self.group_rows[group] - start, batch_rows)
                yield self._filled(pa.record_batch({"": pa.nulls(rows)}), fields)

    def _filled(self, batch: pa.RecordBatch, fields: pa.Schema) -> pa.RecordBatch:
        columns = [
            _constant(self.values[field.name], field.type, batch.num_rows)
            if field.name in self.values
            else batch.column(field.name)
            for field in fields
        ]
        return pa.RecordBatch.from_arrays(columns, schema=fields)

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Return these columns of these rows (sorted, 0-based in this file)."""
        fields = pa.schema([self.schema.field(column) for column in columns])
        return pa.Table.from_batches(take_rows(self, rows, columns), fields)


def _constant(value: str | int | None, kind: pa.DataType, rows: int) -> pa.Array:
    if value is None:
        return pa.nulls(rows, kind)
    one = strings([value]) if isinstance(value, str) else numbers(np.array([value], np.int64))
    return one.cast(kind).take(numbers(np.zeros(rows, np.int64)))


def with_folders(
    tables: Sequence[InputTable], files: Sequence[InputFile]
) -> tuple[InputTable, ...]:
    """Add the columns that the files' folders stand for.

    A column is integer if its value is written as one in all folders. Where a file has a column
    of that name itself, that one is meant.
    """
    folders = [dict(file.hive) for file in files]
    texts: dict[str, list[str]] = {}
    for folder in folders:
        for name, value in folder.items():
            texts.setdefault(name, []).append(value)
    integers = {name for name, values in texts.items() if all(map(_is_integer, values))}
    return tuple(
        _with_folder(table, folder, integers) for table, folder in zip(tables, folders, strict=True)
    )


def _is_integer(value: str) -> bool:
    return value == _NULL or _INTEGER.fullmatch(value) is not None


def _with_folder(table: InputTable, folder: dict[str, str], integers: set[str]) -> InputTable:
    added = {name: value for name, value in folder.items() if name not in table.schema.names}
    if not added:
        return table
    schema = table.schema
    values: dict[str, str | int | None] = {}
    for name, value in added.items():
        kind = pa.int64() if name in integers else pa.string()
        schema = schema.append(pa.field(name, kind))
        known = int(value) if name in integers and value != _NULL else value
        values[name] = None if value == _NULL else known
    return HiveTable(table, schema, values)
