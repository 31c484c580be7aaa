"""A file to the table in it, by format; readers are imported when such a file is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from labelaudit.tables.input_file import InputFile
    from labelaudit.tables.table import InputTable
    from labelaudit.tables.text import TextColumns

__all__ = ["open_files"]


def open_files(
    files: Sequence[InputFile], choose: Callable[[pa.Schema], TextColumns]
) -> tuple[InputTable, ...]:
    """Open files of one format.

    Parameters
    ----------
    files : sequence of InputFile
    choose : callable
        Says which columns to look at in a format without types.
    """
    if files[0].format == "parquet":
        from labelaudit.tables.parquet import open_parquet

        return tuple(map(_as_live, map(open_parquet, files), files))
    if files[0].format == "arrow":
        from labelaudit.tables.arrow_ipc import open_arrow

        return tuple(map(open_arrow, files))
    from labelaudit.tables.text import agreed, open_text

    tables = [open_text(file, choose) for file in files]
    return tuple(agreed(tables) if files[0].format == "csv" else tables)


def _as_live(table: InputTable, file: InputFile) -> InputTable:
    """See a file as the versioned table that it belongs to has it, if it belongs to one."""
    if file.part is None:
        return table
    from labelaudit.tables.live import live_table

    return live_table(table, file.part)
