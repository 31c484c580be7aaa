"""A file to the table in it, by format; readers are imported when such a file is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labelaudit.tables.paths import InputFile
    from labelaudit.tables.table import InputTable

__all__ = ["open_file"]


def open_file(file: InputFile) -> InputTable:
    """Open a file of any format that can be read."""
    from labelaudit.tables.parquet import open_parquet

    return open_parquet(file)
