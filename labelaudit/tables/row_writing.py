"""Rows to bytes batch by batch: nothing but a row group is held."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.tables.writing import cell_text, harmless, json_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RowWriter", "open_writer"]

_GROUP_BYTES = 32 << 20
_GROUP_ROWS = 1 << 20
_SPECIAL = '[,"\r\n]'


class RowWriter(Protocol):
    """Takes the rows of a table in order."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Write some rows."""

    def close(self) -> None:
        """Write what is left; the sink stays open."""


def open_writer(
    form: str,
    sink: IO[bytes],
    schema: pa.Schema,
    dictionaries: Mapping[str, pa.Array],
    *,
    excel: bool = False,
) -> RowWriter:
    """Return the writer of a format.

    Parameters
    ----------
    form : {"parquet", "arrow", "csv", "jsonl"}
    sink : binary file
    schema : pyarrow.Schema
        Of all batches.
    dictionaries : mapping of str to pyarrow.Array
        For ``arrow``: all entries of each dictionary column, as the file format has one
        dictionary a column.
    excel : bool
        In CSV, put an apostrophe before text that a spreadsheet would take for a formula.
    """
    if form == "parquet":
        return _ParquetWriter(sink, schema)
    if form == "arrow":
        return _ArrowWriter(sink, schema, dictionaries)
    if form == "csv":
        return _CsvWriter(sink, schema, excel=excel)
    return _JsonWriter(sink)


class _ParquetWriter:
    """Row groups of about 32 MB in memory, as files of other tools have them."""

    def __init__(self, sink: IO[bytes], schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self.writer = pq.ParquetWriter(sink, schema, compression="zstd", write_page_checksum=True)
        self.waiting: list[pa.RecordBatch] = []
        self.bytes = self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Take some rows; a full row group is written."""
        self.waiting.append(batch)
        self.bytes += batch.get_total_buffer_size()
        self.rows += batch.num_rows
        if self.bytes >= _GROUP_BYTES or self.rows >= _GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write a row group."""
        if self.rows:
            table = pa.Table.from_batches(self.waiting).unify_dictionaries()
            self.writer.write_table(table, row_group_size=self.rows)
        self.waiting, self.bytes, self.rows = [], 0, 0

    def close(self) -> None:
        """Write the last row group and the footer."""
        self.flush()
        self.writer.close()


class _ArrowWriter:
    def __init__(
        self, sink: IO[bytes], schema: pa.Schema, dictionaries: Mapping[str, pa.Array]
    ) -> None:
        self.schema = schema
        self.dictionaries = dictionaries
        self.writer = pa.ipc.new_file(sink, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a record batch."""
        columns = [
            _encoded(column, self.dictionaries[field.name], field.type)
            if field.name in self.dictionaries
            else column
            for field, column in zip(self.schema, batch.columns, strict=True)
        ]
        self.writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self.schema))

    def close(self) -> None:
        """Write the footer."""
        self.writer.close()


def _encoded(column: pa.Array, entries: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a dictionary column with all entries of its table."""
    place = pc.index_in(column.dictionary, value_set=entries)
    indices = place.take(column.indices).cast(kind.index_type)
    return pa.DictionaryArray.from_arrays(indices, entries, ordered=kind.ordered)


class _CsvWriter:
    """Fields are quoted only where they must be; a null is an empty unquoted one."""

    def __init__(self, sink: IO[bytes], schema: pa.Schema, *, excel: bool) -> None:
        self.sink = sink
        self.excel = excel
        names = pa.array(schema.names, pa.string())
        self.sink.write(_lines([self.shown(names.slice(i, 1)) for i in range(len(names))]))

    def shown(self, text: pa.Array) -> pa.Array:
        """Return text as CSV fields."""
        text = harmless(text) if self.excel else text
        special = pc.or_(
            pc.match_substring_regex(text, pattern=_SPECIAL), pc.equal(pc.binary_length(text), 0)
        )
        if not pc.any(special).as_py():
            return pc.fill_null(text, "")
        doubled = pc.replace_substring(text, pattern='"', replacement='""')
        quoted = pc.binary_join_element_wise('"', doubled, '"', "")
        return pc.fill_null(pc.if_else(special, quoted, text), "")

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a line for each row."""
        if batch.num_rows:
            self.sink.write(_lines([self.field(column) for column in batch.columns]))

    def field(self, column: pa.Array) -> pa.Array:
        """Return a column as CSV fields; numbers need no quotes."""
        text = cell_text(column)
        number = pt.is_integer(column.type) or pt.is_floating(column.type)
        return pc.fill_null(text, "") if number else self.shown(text)

    def close(self) -> None:
        """Nothing is held back."""


def _lines(fields: list[pa.Array]) -> bytes:
    comma = pa.scalar(",", pa.large_string())
    rows = pc.binary_join_element_wise(*(field.cast(pa.large_string()) for field in fields), comma)
    return b"".join(row + b"\n" for row in rows.cast(pa.large_binary()).to_pylist())


class _JsonWriter:
    def __init__(self, sink: IO[bytes]) -> None:
        self.sink = sink

    def write(self, batch: pa.RecordBatch) -> None:
        """Write an object for each row."""
        if batch.num_rows:
            self.sink.write(json_lines(batch))

    def close(self) -> None:
        """Nothing is held back."""
