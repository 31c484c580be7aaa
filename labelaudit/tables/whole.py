"""Tables with all of their columns, as one schema."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json
import pyarrow.types as pt

from labelaudit.errors import InputError
from labelaudit.tables.boundary import reading
from labelaudit.tables.hive import HiveTable
from labelaudit.tables.parts import check_parts, common_type
from labelaudit.tables.raw_jsonl import RawJsonl
from labelaudit.tables.roles import listed
from labelaudit.tables.selecting import SelectedTable
from labelaudit.tables.text import BROKEN_TEXT, TextTable, agreed, with_types

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from labelaudit.tables.table import InputTable

__all__ = ["common_schema", "text_table", "whole_tables"]

_LINES = 10_000


def text_table(table: InputTable) -> TextTable | None:
    """Return the CSV or JSON lines file of a table, also one in folders that are columns."""
    inner = table.table if isinstance(table, HiveTable) else table
    return inner if isinstance(inner, TextTable) else None


def whole_tables(
    tables: Sequence[InputTable], understood: Collection[str], *, as_written: bool
) -> tuple[InputTable, ...]:
    """Return tables whose schema has the type of every column, not only of those in use.

    Parameters
    ----------
    tables : sequence of InputTable
    understood : collection of str
        Columns of text files whose types are known already.
    as_written : bool
        Read all columns of CSV as text.
    """
    texts = [text_table(table) for table in tables]
    found = [text for text in texts if text is not None]
    if not found:
        return tuple(map(_unencoded, tables))
    if found[0].format == "jsonl":
        settled = [_json_types(text, understood) for text in found]
    elif as_written:
        settled = [_all_text(text) for text in found]
    else:
        settled = agreed([_csv_types(text, understood) for text in found])
    return tuple(
        replace(table, table=text, schema=_hive_schema(table, text))
        if isinstance(table, HiveTable)
        else text
        for table, text in zip(tables, settled, strict=True)
    )


def _hive_schema(table: HiveTable, text: TextTable) -> pa.Schema:
    added = [field for field in table.schema if field.name in table.values]
    return pa.schema([*text.schema, *added])


def _unencoded(table: InputTable) -> InputTable:
    """Have dictionaries read only where the file has them."""
    if isinstance(table, HiveTable | SelectedTable):
        return replace(table, table=_unencoded(table.table))
    if table.format != "parquet":
        return table
    from labelaudit.tables.live import LiveTable
    from labelaudit.tables.parquet import ParquetTable

    if isinstance(table, LiveTable):
        return replace(table, table=_unencoded(table.table))
    return replace(table, encoded=()) if isinstance(table, ParquetTable) else table


def _all_text(table: TextTable) -> TextTable:
    return replace(table, schema=pa.schema([(name, pa.string()) for name in table.schema.names]))


def _csv_types(table: TextTable, understood: Collection[str]) -> TextTable:
    """Type what comes back as it was written, integers and floats; the rest is text."""
    others = [name for name in table.schema.names if name not in understood]
    if not others:
        return table
    typed = with_types(table, others, ())
    floats = _floats(
        typed, [name for name in others if pt.is_string(typed.schema.field(name).type)]
    )
    fields = [
        field.with_type(pa.float64()) if field.name in floats else field for field in typed.schema
    ]
    return replace(typed, schema=pa.schema(fields))


def _floats(table: TextTable, names: list[str]) -> set[str]:
    """Return which columns of text are the shortest writing of floats, and not all null."""
    left, some = set(names), set()
    for batch in table.read(range(1), names, _LINES) if names else ():
        for name in list(left):
            column = batch.column(name)
            if not _is_float_text(column):
                left.discard(name)
            elif column.null_count < len(column):
                some.add(name)
    return left & some


def _is_float_text(column: pa.Array) -> bool:
    try:
        again = column.cast(pa.float64()).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return bool(pc.all(pc.equal(again, column), min_count=0).as_py())


def _json_types(table: TextTable, understood: Collection[str]) -> TextTable:
    """Look through a whole file for its columns, of which the first rows may lack some."""
    lines: list[str] = []
    schemas: list[pa.Schema] = []
    for line in RawJsonl(table.file).records():
        lines.append(line)
        if len(lines) == _LINES:
            schemas.append(_schema_of(lines, table.name))
            lines = []
    if lines:
        schemas.append(_schema_of(lines, table.name))
    with reading(table.name, "Write each column with one type in all lines."):
        whole = pa.unify_schemas(schemas, promote_options="permissive")
    known = {field.name: field for field in table.schema if field.name in understood}
    fields = [known.get(field.name, field.with_type(_as_read(field.type))) for field in whole]
    return replace(table, schema=pa.schema(fields))


def _schema_of(lines: Sequence[str], name: str) -> pa.Schema:
    buffer = pa.py_buffer(("\n".join(lines) + "\n").encode())
    options = pa_json.ReadOptions(use_threads=False, block_size=len(buffer) + 1)
    with reading(name, BROKEN_TEXT):
        return pa_json.read_json(pa.BufferReader(buffer), options).schema


def _as_read(kind: pa.DataType) -> pa.DataType:
    """Return text for what only looks like a date, in lists and structs too."""
    if pt.is_temporal(kind) or pt.is_null(kind):
        return pa.string()
    if pt.is_list(kind):
        return pa.list_(_as_read(kind.value_type))
    if pt.is_struct(kind):
        fields = (kind.field(i) for i in range(kind.num_fields))
        return pa.struct([field.with_type(_as_read(field.type)) for field in fields])
    return kind


def common_schema(tables: Sequence[InputTable]) -> pa.Schema:
    """Return the columns of all parts, in the order of the first, with one type each.

    Raises
    ------
    InputError
        If parts have other columns.
    """
    first = tables[0]
    check_parts(tables, first.schema.names)
    for table in tables[1:]:
        more = [name for name in table.schema.names if name not in first.schema.names]
        if more:
            raise InputError(
                f"{table.name} has the column{'s' * (len(more) > 1)} {listed(more)}, unlike "
                f"{first.name}.",
                "Export files of different columns one by one.",
            )
    fields = [
        field.with_type(common_type([table.schema.field(field.name).type for table in tables]))
        for field in first.schema
    ]
    return pa.schema(fields, first.schema.metadata)
