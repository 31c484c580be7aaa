"""CSV to CSV and JSON lines to JSON lines: only what changes is written anew."""

from __future__ import annotations

from itertools import islice
from typing import IO, TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from labelaudit.errors import InputError
from labelaudit.tables.csv import parsed
from labelaudit.tables.raw_csv import RawCsv, RawRecord, cell
from labelaudit.tables.raw_jsonl import RawJsonl
from labelaudit.tables.whole import text_table, whole_tables
from labelaudit.tables.writing import cell_text, json_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from labelaudit.tables.cleaned import Cleaned, Cleaning
    from labelaudit.tables.table import InputTable
    from labelaudit.tables.text import TextTable

__all__ = ["typed_columns", "write_raw"]

_BATCH_ROWS = 16_384


def typed_columns(batch: pa.RecordBatch, table: InputTable, cleaning: Cleaning) -> pa.RecordBatch:
    """Return the columns that further ones are made of, in the types they were understood in."""
    if not cleaning.needs:
        return batch
    fields = [table.schema.field(name) for name in cleaning.needs]
    columns = [_as(batch.column(field.name), field.type) for field in fields]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    return parsed(column, kind) if pt.is_list(kind) else column.cast(kind)


class _Lines(Protocol):
    """One file's lines, and how a line is written with other values."""

    def header(self, names: Sequence[str]) -> bytes | None:
        """Return the header with further columns, or None if there is none."""

    def take(self, rows: int) -> int:
        """Read the next lines, and return how many there were."""

    def texts(self, column: pa.Array) -> list[str]:
        """Return a column's values as they are written."""

    def line(self, i: int, values: Mapping[str, str], added: Mapping[str, str]) -> bytes:
        """Return one of the lines that were taken, with its end."""


class _CsvLines:
    def __init__(self, table: TextTable) -> None:
        self.names = table.schema.names
        self.raw = RawCsv.of(table.file)
        self.records = self.raw.records()
        self.first = next(self.records)
        self.taken: list[RawRecord] = []

    def header(self, names: Sequence[str]) -> bytes | None:
        added = [cell(name, self.raw.delimiter) for name in names]
        return self.raw.replaced(self.first.body, {}, added) + (self.first.end or b"\n")

    def take(self, rows: int) -> int:
        self.taken = list(islice(self.records, rows))
        return len(self.taken)

    def texts(self, column: pa.Array) -> list[str]:
        mark = self.raw.delimiter
        return [cell(text, mark).decode() for text in cell_text(column).to_pylist()]

    def line(self, i: int, values: Mapping[str, str], added: Mapping[str, str]) -> bytes:
        record = self.taken[i]
        places = {self.names.index(name): text.encode() for name, text in values.items()}
        body = self.raw.replaced(record.body, places, [text.encode() for text in added.values()])
        return body + (record.end or self.first.end or b"\n")


class _JsonLines:
    def __init__(self, table: TextTable) -> None:
        self.raw = RawJsonl(table.file)
        self.records = self.raw.records()
        self.taken: list[str] = []

    def header(self, names: Sequence[str]) -> bytes | None:
        del names  # each line names its own
        return None

    def take(self, rows: int) -> int:
        self.taken = list(islice(self.records, rows))
        return len(self.taken)

    def texts(self, column: pa.Array) -> list[str]:
        texts: list[str] = json_text(column).to_pylist()
        return texts

    def line(self, i: int, values: Mapping[str, str], added: Mapping[str, str]) -> bytes:
        return self.raw.replaced(self.taken[i], values, added).encode() + b"\n"


def write_raw(cleaning: Cleaning, sink: IO[bytes]) -> int:
    """Write CSV files as one CSV file, or JSON lines as JSON lines; return the rows written.

    Raises
    ------
    InputError
        If headers differ, or lines cannot be told apart as the reader of the audit does.
    """
    rows = first_row = 0
    header: bytes | None = None
    for table in cleaning.labelled.tables:
        text = text_table(table)
        if text is None:
            raise TypeError("only text can be written as it stands")
        lines = _CsvLines(text) if text.format == "csv" else _JsonLines(text)
        added = [name for name in cleaning.added_types(pa.null()) if name not in table.schema.names]
        here = lines.header(added)
        if header is None and here is not None:
            sink.write(here)
        elif here != header:
            _refuse_header(table.name, cleaning.labelled.tables[0].name)
        header = here
        for line in _rewritten(cleaning, text, lines, first_row):
            sink.write(line)
            rows += 1
        first_row += text.rows
    return rows


def _refuse_header(name: str, first: str) -> None:
    raise InputError(
        f"The first line of {name} is another than that of {first}.",
        "Write the files with the same header, or export to Parquet.",
    )


def _rewritten(
    cleaning: Cleaning, table: TextTable, lines: _Lines, first_row: int
) -> Iterator[bytes]:
    row = first_row
    (whole,) = whole_tables((table,), table.schema.names, as_written=True)
    for batch in whole.read(range(1), cleaning.columns(table.schema), _BATCH_ROWS):
        cleaned = cleaning.clean(batch, row, typed_columns(batch, table, cleaning))
        _check_lines(lines.take(batch.num_rows), batch.num_rows, table.name)
        yield from _with_changes(batch, cleaned, lines, cleaning.labelled.labels)
        row += batch.num_rows
    _check_lines(lines.take(1), 0, table.name)


def _check_lines(found: int, rows: int, name: str) -> None:
    if found != rows:
        raise InputError(
            f"The lines of {name} are not one for each row.",
            "Write the file again with one row a line and quotes around odd fields, or export "
            "to Parquet.",
        )


def _with_changes(
    batch: pa.RecordBatch, cleaned: Cleaned, lines: _Lines, label: str
) -> Iterator[bytes]:
    """Yield the lines that stay, each with what is new in it."""
    values: list[dict[str, str]] = [{} for _ in range(batch.num_rows)]
    labels = lines.texts(cleaned.label.take(pa.array(cleaned.changed)))
    for i, text in zip(cleaned.changed.tolist(), labels, strict=True):
        values[i][label] = text
    added: dict[str, list[str]] = {}
    for name, column in cleaned.added.items():
        if name not in batch.schema.names:
            added[name] = lines.texts(column)
            continue
        before, after = lines.texts(batch.column(name)), lines.texts(column)
        for i, (old, new) in enumerate(zip(before, after, strict=True)):
            if old != new:
                values[i][name] = new
    kept = range(batch.num_rows) if cleaned.kept is None else np.flatnonzero(cleaned.kept).tolist()
    for i in kept:
        yield lines.line(i, values[i], {name: texts[i] for name, texts in added.items()})
