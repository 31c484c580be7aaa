"""What every file format offers: schema, row groups, batches of some columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from labelaudit.tables.input_file import InputFile

__all__ = ["FileTable", "InputTable", "TableView"]


class InputTable(Protocol):
    """One file, or one table in memory: picklable, and cheap to make."""

    @property
    def name(self) -> str:
        """The file as the user named it, fit to be shown."""

    @property
    def path(self) -> str:
        """Where the file is; empty for a table in memory."""

    @property
    def format(self) -> str:
        """``parquet``, ``arrow``, ``csv``, ``jsonl`` or ``memory``."""

    @property
    def schema(self) -> pa.Schema:
        """Columns and types as in the input."""

    @property
    def group_rows(self) -> tuple[int, ...]:
        """Rows of each row group."""

    def group_bytes(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Return the stored bytes of these columns in each row group."""

    def read(
        self, groups: range, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Read these columns of consecutive row groups, in order."""

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Return these columns of these rows (sorted, 0-based in this table)."""


@dataclass(frozen=True, slots=True)
class FileTable:
    """A table that is a file."""

    file: InputFile

    @property
    def name(self) -> str:
        """The file as the user named it, fit to be shown."""
        return self.file.name

    @property
    def path(self) -> str:
        """Where the file is."""
        return self.file.path


@dataclass(frozen=True, slots=True)
class TableView:
    """A table seen in another way: it is called as it is, and lies where it lies."""

    table: InputTable

    @property
    def name(self) -> str:
        """The file as the user named it, fit to be shown."""
        return self.table.name

    @property
    def path(self) -> str:
        """Where the file is."""
        return self.table.path

    @property
    def format(self) -> str:
        """Format of the file."""
        return self.table.format
