"""Which line of a text file a row is, where that can be said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from labelaudit.tables.remote import is_uri
from labelaudit.tables.selecting import SelectedTable, starts_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from labelaudit.tables.table import InputTable

__all__ = ["row_lines"]

_HEADERS = {"csv": 1, "jsonl": 0}
_PIECE = 1 << 20


def row_lines(tables: Iterable[InputTable]) -> dict[str, int]:
    """Return for each file what to add to a row of the whole input to have its line, from 1.

    Only text files with exactly a line for each row are among them: no blank line, and no text
    with a line break in it. (Each of these makes lines more than rows, so none can hide another.)

    Parameters
    ----------
    tables : iterable of InputTable
        In the order of the input.
    """
    found, tables = {}, list(tables)
    for table, start in zip(tables, starts_of(tables).tolist(), strict=True):
        header = _HEADERS.get(table.format)
        rows = table.whole_rows if isinstance(table, SelectedTable) else sum(table.group_rows)
        local = header is not None and table.name != "-" and not is_uri(table.path)
        if header is not None and local and _lines(table.path) == rows + header:
            found[table.name] = 1 + header - start
    return found


def _lines(path: str) -> int:
    """Count lines; the last one need not end."""
    count, last = 0, b"\n"
    with Path(path).open("rb") as file:
        while piece := file.read(_PIECE):
            count += piece.count(b"\n")
            last = piece[-1:]
    return count + (last != b"\n")
