"""Parts of a versioned table: which columns and rows of a file count, and what the file lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from labelaudit.errors import InputError
from labelaudit.tables.parts import compatible
from labelaudit.tables.selecting import SelectedTable
from labelaudit.tables.table import TableView
from labelaudit.tables.taking import take_rows
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from labelaudit.tables.matching import Bounds
    from labelaudit.tables.table import InputTable

__all__ = ["LiveColumn", "LivePart", "LiveTable", "live_table"]

_FIELD_ID = b"PARQUET:field_id"


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """A column of a versioned table, and where a file has it.

    Attributes
    ----------
    field : pyarrow.Field
        Name and type in the table.
    field_id : int or None
        Number of the column in files that number theirs; None: columns go by name.
    names : tuple of str
        What it is called in files that go by name.
    value : pyarrow.Scalar or None
        Of all rows of a file that does not hold it; None: they are null.
    """

    field: pa.Field
    field_id: int | None
    names: tuple[str, ...]
    value: pa.Scalar | None = None


@dataclass(frozen=True, slots=True)
class LivePart:
    """What a versioned table says of one of its files.

    Attributes
    ----------
    columns : tuple of LiveColumn
    deleted : (m,) int64
        0-based rows of the file that were deleted, ascending.
    rows : int or None
        Rows of the file, deleted ones among them; None: not said.
    """

    columns: tuple[LiveColumn, ...]
    deleted: npt.NDArray[np.int64]
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class LiveTable(TableView):
    """A file as the versioned table that it belongs to has it.

    Attributes
    ----------
    table : InputTable
        The file, without rows that were deleted.
    schema : pyarrow.Schema
        Columns of the versioned table.
    stored : mapping of str to str
        What the columns are called that are in the file.
    values : mapping of str to pyarrow.Scalar
        Of the others.
    """

    schema: pa.Schema
    stored: Mapping[str, str]
    values: Mapping[str, pa.Scalar]

    @property
    def group_rows(self) -> tuple[int, ...]:
        """Rows of each row group."""
        return self.table.group_rows

    def group_bytes(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the stored bytes of these columns in each row group."""
        return self.table.group_bytes(self._stored(columns))

    def _stored(self, columns: Sequence[str]) -> list[str]:
        return [self.stored[name] for name in columns if name in self.stored]

    def read(
        self, groups: range, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Read these columns of consecutive row groups, in order."""
        stored = self._stored(columns)
        if stored:
            for batch in self.table.read(groups, stored, batch_rows):
                yield self._filled(batch, columns)
            return
        for group in groups:
            left = self.group_rows[group]
            while left > 0:
                rows = min(left, batch_rows)
                yield self._filled(pa.record_batch({"": pa.nulls(rows)}), columns)
                left -= rows

    def _filled(self, batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
        arrays = [
            self._cast(name, batch.column(self.stored[name]))
            if name in self.stored
            else _constant(self.values[name], batch.num_rows)
            for name in columns
        ]
        return pa.RecordBatch.from_arrays(arrays, names=list(columns))

    def _cast(self, name: str, column: pa.Array) -> pa.Array:
        kind = self.schema.field(name).type
        return column if compatible(column.type, kind) else column.cast(kind)

    def bounds(self, columns: Sequence[str], known: Mapping[str, Bounds]) -> dict[str, Bounds]:
        """Return what is known of columns of the table from what is known of those of the file."""
        from labelaudit.tables.matching import Bounds

        found = {}
        for name in columns:
            if name in self.values:
                value = self.values[name].as_py()
                found[name] = Bounds(value, value, value is None, value is not None)
            elif self.stored[name] in known and self._as_stored(name):
                found[name] = known[self.stored[name]]
        return found

    def _as_stored(self, name: str) -> bool:
        stored = self.table.schema.field(self.stored[name]).type
        return bool(compatible(stored, self.schema.field(name).type))

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Return these columns of these rows (sorted, 0-based among those that are live)."""
        fields = pa.schema([self.schema.field(column) for column in columns])
        batches = (
            pa.RecordBatch.from_arrays(batch.columns, schema=fields)
            for batch in take_rows(self, rows, columns)
        )
        return pa.Table.from_batches(batches, fields)


def _constant(value: pa.Scalar, rows: int) -> pa.Array:
    if not value.is_valid:
        return pa.nulls(rows, value.type)
    return pa.repeat(value, rows)


def live_table(table: InputTable, part: LivePart) -> LiveTable:
    """See a file as its table has it.

    Raises
    ------
    InputError
        If the file is not what the table says of it.
    """
    rows = sum(table.group_rows)
    if part.rows not in (None, rows):
        raise InputError(
            f"{table.name} has {rows:,} rows, and its table says {part.rows:,}.",
            "The file or the table's record of it is damaged; restore one of them.",
        )
    stored, values, fields = {}, {}, []
    for column in part.columns:
        found = _found(column, table)
        field = column.field.remove_metadata()
        if found is None:
            none = pa.nulls(1, field.type)[0]
            values[field.name] = none if column.value is None else column.value
        else:
            _refuse_renamed(found, column.field, table.name)
            stored[field.name] = found.name
            same = compatible(found.type, field.type)
            field = field.with_type(found.type) if same else field
        fields.append(field)
    schema = pa.schema(fields, table.schema.metadata)
    return LiveTable(_without(table, part.deleted), schema, stored, values)


def _found(column: LiveColumn, table: InputTable) -> pa.Field | None:
    """Return the column of a file: by number if the file numbers its columns, or else by name."""
    if column.field_id is not None:
        numbered = {_field_id(field): field for field in table.schema}
        if numbered.keys() != {None}:
            return numbered.get(column.field_id)
        if not column.names:
            raise InputError(
                f"{table.name} does not number its columns, and its table does not name them.",
                "Give the table a name mapping (schema.name-mapping.default).",
            )
    return next((field for field in table.schema if field.name in column.names), None)


def _field_id(field: pa.Field) -> int | None:
    said = (field.metadata or {}).get(_FIELD_ID)
    return None if said is None else int(said)


def _refuse_renamed(stored: pa.Field, field: pa.Field, place: str) -> None:
    """Refuse a column whose inner fields are called otherwise in the file than in the table."""
    if _inner_names(stored.type) != _inner_names(field.type):
        raise InputError(
            f"Column {safe(field.name)} has other inner fields in {place} than in its table, "
            "which renamed them.",
            "Write the table again with the column as it is now, or give Parquet files.",
        )


def _inner_names(kind: pa.DataType) -> list[object]:
    """Return the names of the fields of structs, however deep."""
    if pt.is_dictionary(kind):
        return _inner_names(kind.value_type)
    if pt.is_map(kind):
        inner = [kind.key_field, kind.item_field]
    else:
        inner = [kind.field(i) for i in range(kind.num_fields)]
    named = pt.is_struct(kind)
    found = [(each.name if named else "", *_inner_names(each.type)) for each in inner]
    return [each for each in found if each != ("",)]


def _without(table: InputTable, deleted: npt.NDArray[np.int64]) -> InputTable:
    """Leave out rows of a file."""
    if not len(deleted):
        return table
    ends = np.cumsum(table.group_rows, dtype=np.int64)
    kept = np.ones(int(ends[-1]), np.bool_)
    if deleted[0] < 0 or deleted[-1] >= len(kept):
        raise InputError(
            f"{table.name} has {len(kept):,} rows, and its table deletes row {deleted[-1]:,}.",
            "The file or the table's record of it is damaged; restore one of them.",
        )
    kept[deleted] = False
    masks = np.split(kept, ends[:-1])
    groups = tuple(i for i, mask in enumerate(masks) if mask.any())
    return SelectedTable(
        table,
        0,
        groups,
        tuple(np.packbits(masks[i]) for i in groups),
        tuple(int(masks[i].sum()) for i in groups),
    )
