"""Small tables that somebody hands in beside the data: saved issues and decisions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from labelaudit.errors import InputError
from labelaudit.tables.boundary import reading
from labelaudit.tables.csv import header_of
from labelaudit.tables.formats import FORMATS
from labelaudit.tables.opening import open_files
from labelaudit.tables.paths import find_files
from labelaudit.tables.remote import is_uri
from labelaudit.tables.roles import listed
from labelaudit.tables.text import TextColumns, has_rows
from labelaudit.tables.whole import whole_tables
from labelaudit.tables.writing import cell_text
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["column_texts", "read_records"]


def read_records(path: str, required: Sequence[str], what: str) -> tuple[pa.Table, str]:
    """Read a file of any table format whole; every column of CSV is text.

    Parameters
    ----------
    path : str
    required : sequence of str
        Columns that must be there.
    what : str
        What the file should be, in words.

    Returns
    -------
    (pyarrow.Table, str)
        The table, and the file's name fit to be shown.

    Raises
    ------
    InputError
        If it cannot be read, or a column is missing.
    NothingToAuditError
        If there is no such file, or it is empty; one with column names alone has no rows.
    """
    if _is_without_lines(path):
        return _no_rows(required), safe(path, 300)
    (*_, file) = files = find_files([path])
    if len(files) == 1 and file.format == "csv" and not has_rows(file):
        names = header_of(file)
        _demand_columns(names, required, file.name, what)
        return _no_rows(names), file.name
    opened = open_files(files, lambda schema: TextColumns(plain=tuple(schema.names)))
    tables = whole_tables(opened, (), as_written=True)
    name = tables[0].name
    _demand_columns(tables[0].schema.names, required, name, what)
    parts = []
    for table in tables:
        batches = table.read(range(len(table.group_rows)), table.schema.names, 1 << 16)
        with reading(table.name):
            parts.append(pa.Table.from_batches(batches, table.schema))
    return pa.concat_tables(parts, promote_options="permissive"), name


def _is_without_lines(path: str) -> bool:
    """Say whether this is a file of JSON lines without any, as no issues are written."""
    there = not is_uri(path) and Path(path).is_file()
    return (
        there
        and FORMATS.get(Path(path).suffix.lower()) == "jsonl"
        and not Path(path).stat().st_size
    )


def _no_rows(names: Sequence[str]) -> pa.Table:
    return pa.table({name: pa.array([], pa.string()) for name in names})


def _demand_columns(names: Sequence[str], required: Sequence[str], name: str, what: str) -> None:
    missing = [column for column in required if column not in names]
    if missing:
        raise InputError(
            f"{name} has no column {listed(missing)}, so it is not {what}.",
            f"Give {what}.",
        )


def column_texts(table: pa.Table, name: str) -> list[str | None]:
    """Return a column as text; all null where there is no such column."""
    if name not in table.column_names:
        return [None] * table.num_rows
    return [text for chunk in table[name].chunks for text in cell_text(chunk).to_pylist()]
