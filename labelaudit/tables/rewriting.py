"""The input, batch by batch, to the cleaned table: as it stands wherever nothing changes."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.types as pt

from labelaudit.tables.arrays import flags
from labelaudit.tables.cleaned import label_type_out
from labelaudit.tables.cleaned_metadata import metadata_out
from labelaudit.tables.hive import HiveTable
from labelaudit.tables.raw_rewriting import typed_columns, write_raw
from labelaudit.tables.row_writing import open_writer
from labelaudit.tables.whole import common_schema, whole_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelaudit.tables.cleaned import Cleaned, Cleaning
    from labelaudit.tables.table import InputTable

__all__ = ["cleaned_batches", "cleaned_schema", "cleaned_table", "write_cleaned", "written_tables"]

_BATCH_ROWS = 16_384


def write_cleaned(cleaning: Cleaning, form: str, sink: IO[bytes], *, excel: bool = False) -> int:
    """Write the cleaned table, and return how many rows it has.

    CSV from CSV, and JSON lines from JSON lines, keep the bytes of every field that does not
    change. From other formats, columns keep their types and values.

    Parameters
    ----------
    cleaning : Cleaning
    form : {"parquet", "arrow", "csv", "jsonl"}
    sink : binary file
    excel : bool
        In CSV, put an apostrophe before text that a spreadsheet would take for a formula.

    Raises
    ------
    InputError
        If the input cannot be read again as it was, or its parts have different columns.
    UsageError
        If an added column has the name of one that is there.
    """
    tables = cleaning.labelled.tables
    cleaning.check_names(tables[0].schema)
    same = form == tables[0].format and form in ("csv", "jsonl")
    if same and not excel and not _with_folders(tables):
        return write_raw(cleaning, sink)
    return _write_columns(cleaning, form, sink, excel=excel)


def _with_folders(tables: Sequence[InputTable]) -> bool:
    return any(isinstance(table, HiveTable) for table in tables)


def written_tables(cleaning: Cleaning, *, as_written: bool) -> tuple[InputTable, ...]:
    """Return the input with the types that its columns have in the export."""
    labelled = cleaning.labelled
    return whole_tables(labelled.tables, labelled.understood, as_written=as_written)


def cleaned_schema(cleaning: Cleaning, tables: Sequence[InputTable]) -> pa.Schema:
    """Return the columns of the export: those of the input, then those that are added."""
    schema = common_schema(tables)
    place = schema.get_field_index(cleaning.labelled.labels)
    label = schema.field(place)
    kind = label_type_out(label.type, len(cleaning.labelled.class_list.names))
    out = schema.set(place, label.with_type(kind))
    for name, added in cleaning.added_types(kind).items():
        if name not in out.names:
            out = out.append(pa.field(name, added))
    return out.with_metadata(metadata_out(schema.metadata, out, cleaning))


def _write_columns(cleaning: Cleaning, form: str, sink: IO[bytes], *, excel: bool) -> int:
    tables = written_tables(cleaning, as_written=form == "csv")
    schema = cleaned_schema(cleaning, tables)
    entries = _entries(cleaning, tables, schema) if form == "arrow" else {}
    writer = open_writer(form, sink, schema, entries, excel=excel)
    rows = 0
    for batch in cleaned_batches(cleaning, tables, schema):
        writer.write(batch)
        rows += batch.num_rows
    writer.close()
    return rows


def cleaned_batches(
    cleaning: Cleaning, tables: Sequence[InputTable], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the cleaned rows."""
    row = 0
    names = tables[0].schema.names
    for table, understood in zip(tables, cleaning.labelled.tables, strict=True):
        for batch in table.read(range(len(table.group_rows)), names, _BATCH_ROWS):
            typed = typed_columns(batch, understood, cleaning)
            yield _assembled(batch, cleaning.clean(batch, row, typed), schema, cleaning)
            row += batch.num_rows


def _assembled(
    batch: pa.RecordBatch, cleaned: Cleaned, schema: pa.Schema, cleaning: Cleaning
) -> pa.RecordBatch:
    found = {**cleaned.added, cleaning.labelled.labels: cleaned.label}
    columns = [
        _cast(found[field.name] if field.name in found else batch.column(field.name), field.type)
        for field in schema
    ]
    whole = pa.RecordBatch.from_arrays(columns, schema=schema)
    return whole if cleaned.kept is None else whole.filter(flags(cleaned.kept))


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    if pt.is_dictionary(kind) and pt.is_dictionary(column.type):
        indices = column.indices.cast(kind.index_type)
        entries = column.dictionary.cast(kind.value_type)
        return pa.DictionaryArray.from_arrays(indices, entries, ordered=kind.ordered)
    return column.cast(kind)


def _entries(
    cleaning: Cleaning, tables: Sequence[InputTable], schema: pa.Schema
) -> dict[str, pa.Array]:
    """Read the dictionary columns once, for all of their entries."""
    names = [field.name for field in schema if pt.is_dictionary(field.type)]
    seen: dict[str, pa.Array] = {}
    for batch in cleaned_batches(cleaning, tables, schema) if names else ():
        for name in names:
            entries = batch.column(name).dictionary
            before = seen.get(name)
            if before is None or not before.equals(entries):
                both = entries if before is None else pa.concat_arrays([before, entries])
                seen[name] = both.unique()
    return {
        name: seen.get(name, pa.array([], schema.field(name).type.value_type)) for name in names
    }


def cleaned_table(cleaning: Cleaning) -> pa.Table:
    """Return the cleaned table, in memory."""
    cleaning.check_names(cleaning.labelled.tables[0].schema)
    tables = written_tables(cleaning, as_written=False)
    schema = cleaned_schema(cleaning, tables)
    return pa.Table.from_batches(cleaned_batches(cleaning, tables, schema), schema)
