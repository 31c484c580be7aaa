"""Arrays longer than memory: a file of plain numbers for each column."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from labelaudit.shelves import spilling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["ColumnFiles"]


@dataclass(slots=True)
class ColumnFiles:
    """Columns of numbers that are written once, from first to last row, and read in parts.

    Attributes
    ----------
    folder : Path
    kinds : mapping of str to dtype
        The columns.
    rows : int
        How many have been written.
    """

    folder: Path
    kinds: Mapping[str, np.dtype[Any]]
    rows: int = 0
    _sinks: dict[str, IO[bytes]] = field(default_factory=dict)

    def append(self, columns: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write the next rows of all columns."""
        try:
            with spilling(self.folder):
                self._append(columns)
        except BaseException:
            self.abandon()
            raise
        self.rows += len(columns[next(iter(self.kinds))])

    def _append(self, columns: Mapping[str, npt.NDArray[Any]]) -> None:
        for name, kind in self.kinds.items():
            if name not in self._sinks:
                self._sinks[name] = self._path(name).open("wb", 1 << 18)
            values = np.ascontiguousarray(columns[name], kind)
            self._sinks[name].write(values.view(np.uint8).data)

    def close(self) -> None:
        """Write what is left; then the columns can be read."""
        with spilling(self.folder):
            for sink in self._sinks.values():
                sink.close()
        self._sinks.clear()

    def abandon(self) -> None:
        """Close the files, however much of them could be written."""
        for sink in self._sinks.values():
            with suppress(OSError):  # what could not be written has been told of
                sink.close()
        self._sinks.clear()

    def read(self, start: int, stop: int) -> dict[str, npt.NDArray[Any]]:
        """Return some rows of all columns."""
        return {name: self.column(name, start, stop) for name in self.kinds}

    def column(self, name: str, start: int, stop: int) -> npt.NDArray[Any]:
        """Return some rows of a column."""
        kind = self.kinds[name]
        count = max(min(stop, self.rows) - start, 0)
        if not count:
            return np.empty(0, kind)
        return np.fromfile(self._path(name), kind, count, offset=start * kind.itemsize)

    def blocks(self, name: str, rows: int) -> Iterator[npt.NDArray[Any]]:
        """Yield a column, some rows at a time."""
        for start in range(0, self.rows, rows):
            yield self.column(name, start, start + rows)

    def mapped(self, name: str) -> npt.NDArray[Any]:
        """Return a column without reading it: the system fetches what is looked at."""
        if not self.rows:
            return np.empty(0, self.kinds[name])
        return np.memmap(self._path(name), self.kinds[name], "r")

    def remove(self) -> None:
        """Remove the files."""
        self.close()
        for name in self.kinds:
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.numbers"
