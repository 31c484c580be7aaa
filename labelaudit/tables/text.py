"""CSV and JSON lines: files without types, read once before the audit to find them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.errors import InputError, NothingToAuditError
from labelaudit.tables.boundary import reading
from labelaudit.tables.layouts import list_layout, struct_layout
from labelaudit.tables.table import FileTable
from labelaudit.tables.taking import take_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from labelaudit.tables.input_file import InputFile

__all__ = [
    "BROKEN_TEXT",
    "Reader",
    "TextColumns",
    "TextTable",
    "agreed",
    "has_rows",
    "open_text",
    "with_types",
]

BROKEN_TEXT = "Mend that line, or write the file again."
_INTEGER = "^-?(0|[1-9][0-9]{0,17})$"
_WHOLE = "^-?(0|[1-9][0-9]{0,14})(\\.0*)?$"


class Reader(Protocol):
    """How one text format is read."""

    def sniff(self, file: InputFile) -> tuple[pa.Schema, bool]:
        """Return columns and types as the start of the file suggests, and whether it has rows."""

    def read(self, file: InputFile, fields: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Read these columns as these types, in this order."""


@dataclass(frozen=True, slots=True)
class TextColumns:
    """What to look at in a file without types.

    Attributes
    ----------
    plain : tuple of str
        Columns whose types are to be found.
    probs : tuple of str
        Columns of floats, or of lists of them.
    labels : tuple of str
        Those of the plain columns that hold labels.
    """

    plain: tuple[str, ...]
    probs: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextTable(FileTable):
    """A text file: where it is, how many rows it has, and the types its columns have in full."""

    schema: pa.Schema
    rows: int
    reader: Reader

    @property
    def format(self) -> str:
        """``csv`` or ``jsonl``."""
        return self.file.format

    @property
    def group_rows(self) -> tuple[int, ...]:
        """All rows: text can only be read from the start."""
        return (self.rows,) if self.rows else ()

    def group_bytes(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the file's bytes, whatever the columns: all of them must be parsed."""
        return (self.file.size,) if columns else (0,)

    def read(
        self, groups: range, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Read these columns, in order, in pieces."""
        fields = pa.schema([self.schema.field(column) for column in columns])
        rows = 0
        with self.file.watched():
            for batch in _checked(self.reader.read(self.file, fields), self.name):
                rows += batch.num_rows
                for start in range(0, batch.num_rows if groups else 0, batch_rows):
                    yield batch.slice(start, batch_rows)
        if rows != self.rows:
            raise InputError(
                f"{self.name} held {self.rows} rows and now {rows}.",
                "Start again when nothing writes to it any more.",
            )

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Return these columns of these rows (sorted, 0-based in this file)."""
        fields = pa.schema([self.schema.field(column) for column in columns])
        return pa.Table.from_batches(take_rows(self, rows, columns), fields)


def _checked(batches: Iterator[pa.RecordBatch], name: str) -> Iterator[pa.RecordBatch]:
    rows = 0
    while True:
        with reading(f"{name}, after row {rows}", BROKEN_TEXT):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch
        rows += batch.num_rows


def _sniffed(file: InputFile) -> tuple[pa.Schema, bool]:
    with reading(file.name, "Save it as UTF-8 text with one row a line and column names."):
        schema, has_rows = _reader(file.format).sniff(file)
        return schema, has_rows


def has_rows(file: InputFile) -> bool:
    """Say whether a text file holds more than column names.

    Raises
    ------
    InputError
        If a line cannot be parsed.
    """
    return _sniffed(file)[1]


def open_text(file: InputFile, choose: Callable[[pa.Schema], TextColumns]) -> TextTable:
    """Find columns and types: read once the columns that are neither probabilities nor unused.

    In CSV, a column is integer if each of its fields is written as one (``7``, not ``007`` or
    ``+7``), for labels also float if each is a whole number (``7.0``), otherwise text, exactly as
    written. An unquoted empty field is null; a quoted one is empty text. ``NA``, ``null`` and
    ``None`` are ordinary text.

    Raises
    ------
    InputError
        If a line cannot be parsed.
    NothingToAuditError
        If there are only column names.
    """
    reader = _reader(file.format)
    sniffed, any_rows = _sniffed(file)
    if not any_rows:
        raise NothingToAuditError(
            f"{file.name} has no rows.", "Give a table with at least one row."
        )
    if len(set(sniffed.names)) < len(sniffed):
        return TextTable(file, sniffed, 1, reader)
    folders = [pa.field(name, pa.string()) for name, _ in file.hive if name not in sniffed.names]
    chosen = choose(pa.schema([*sniffed, *folders]))
    elsewhere = {*chosen.probs, *(field.name for field in folders)}
    plain = [name for name in dict.fromkeys(chosen.plain) if name not in elsewhere]
    fields = [_settled(field) if field.name in plain else field for field in sniffed]
    fields = [_as_floats(field) if field.name in chosen.probs else field for field in fields]
    table = TextTable(file, pa.schema(fields), 0, reader)
    return with_types(table, plain, chosen.labels)


def _reader(format_: str) -> Reader:
    if format_ == "csv":
        from labelaudit.tables.csv import CsvReader

        return CsvReader()
    from labelaudit.tables.jsonl import JsonReader

    return JsonReader()


def _settled(field: pa.Field) -> pa.Field:
    """Return what is read before it is known: text for dates, which must come back as written."""
    temporal = pt.is_temporal(field.type) or pt.is_null(field.type)
    return field.with_type(pa.string()) if temporal else field


def _as_floats(field: pa.Field) -> pa.Field:
    """Return a probability field in float64, in lists and structs too."""
    kind = field.type
    if list_layout(field) is not None:
        return field.with_type(pa.list_(pa.float64()))
    if struct_layout(field) is not None:
        names = [kind.field(i).name for i in range(kind.num_fields)]
        return field.with_type(pa.struct([(name, pa.float64()) for name in names]))
    return field.with_type(pa.float64())


def with_types(table: TextTable, columns: list[str], labels: Collection[str]) -> TextTable:
    """Count the rows, and find out which of the CSV columns are integers throughout.

    Parameters
    ----------
    table : TextTable
    columns : list of str
        Those to look at.
    labels : collection of str
        Those that may also be whole numbers written as ``7.0``.
    """
    csv = table.format == "csv"
    fields = [pa.field(name, pa.string()) if csv else table.schema.field(name) for name in columns]
    rows, patterns = 0, dict.fromkeys(columns, (True, True))
    for batch in _checked(table.reader.read(table.file, pa.schema(fields)), table.name):
        rows += batch.num_rows
        if csv:
            patterns = {
                name: (
                    whole and _all(batch.column(name), _INTEGER),
                    near and name in labels and _all(batch.column(name), _WHOLE),
                )
                for name, (whole, near) in patterns.items()
            }
    if not csv:
        return replace(table, rows=rows)
    schema = table.schema
    for name, (integer, whole) in patterns.items():
        kind = pa.int64() if integer else pa.float64() if whole else pa.string()
        schema = schema.set(schema.get_field_index(name), pa.field(name, kind))
    return replace(table, rows=rows, schema=schema)


def _all(column: pa.Array, pattern: str) -> bool:
    matches = pc.match_substring_regex(column, pattern)
    return bool(pc.all(matches, min_count=0).as_py())


def agreed(tables: Sequence[TextTable]) -> list[TextTable]:
    """Read as text, in every CSV file, what is text in one of them."""
    text = {field.name for table in tables for field in table.schema if pt.is_string(field.type)}
    return [
        replace(table, schema=pa.schema([_text_if(field, text) for field in table.schema]))
        for table in tables
    ]


def _text_if(field: pa.Field, names: set[str]) -> pa.Field:
    scalar = pt.is_integer(field.type) or pt.is_floating(field.type)
    return field.with_type(pa.string()) if scalar and field.name in names else field
