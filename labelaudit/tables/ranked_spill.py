"""Lines as an audit finds them: in memory while they fit, then in files; to be ranked or not."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.running import each
from labelaudit.shelves import TemporaryFolder
from labelaudit.summaries.ordering import stable_order
from labelaudit.tables.column_files import ColumnFiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from labelaudit.running import Executor

    Columns = Mapping[str, npt.NDArray[Any]]

__all__ = ["ORDER", "RankedSpill", "Spill", "mark"]

ORDER = "order"
"""What lines are sorted by, beside their own columns: low is worst."""


def mark(marks: npt.NDArray[np.uint8] | None, rows: npt.NDArray[np.int64]) -> None:
    """Set the bits of some rows, if there are any bits."""
    if marks is not None:
        np.bitwise_or.at(marks, rows >> 3, (1 << (rows & 7)).astype(np.uint8))


class Spill:
    """Takes lines in the order of their rows, and gives them back as they came.

    Parameters
    ----------
    kinds : mapping of str to dtype
        The columns of a line, one of them ``row``.
    most : int
        Lines to hold in memory.
    """

    def __init__(self, kinds: Mapping[str, np.dtype[Any]], most: int) -> None:
        self.kinds = kinds
        self.most = most
        self.folder: TemporaryFolder | None = None
        self.files: ColumnFiles | None = None
        self._held: list[Columns] = []
        self._lines = 0

    def add(self, lines: Columns) -> None:
        """Take the next lines."""
        if self.files is not None:
            self.files.append(lines)
            return
        self._held.append(lines)
        self._lines += len(lines["row"])
        if self._lines > self.most and not self._made_room():
            self._spill()

    def _made_room(self) -> bool:
        """Let go of what is not wanted; say whether that is enough."""
        return False

    def _spill(self) -> ColumnFiles:
        self.folder = TemporaryFolder()
        self.files = ColumnFiles(self.folder.path, self.kinds)
        for lines in self._held:
            self.files.append(lines)
        self._held.clear()
        return self.files

    def in_files(self) -> ColumnFiles:
        """Return everything in files, ready to be read, as it came."""
        files = self.files or self._spill()
        files.close()
        return files

    def as_they_came(self) -> dict[str, npt.NDArray[Any]]:
        """Return all lines, and let go of what is held.

        Those in files are read where they are looked at.
        """
        if self.files is not None:
            files = self.in_files()
            return {name: files.mapped(name) for name in self.kinds}
        whole = self._whole()
        self._held.clear()
        return whole

    def _whole(self) -> dict[str, npt.NDArray[Any]]:
        return {name: self._column(name) for name in self.kinds}

    def _column(self, name: str) -> npt.NDArray[Any]:
        return np.concatenate([lines[name] for lines in self._held] or [self._none(name)])

    def _none(self, name: str) -> npt.NDArray[Any]:
        return np.empty(0, self.kinds[name])

    @property
    def temporary_bytes(self) -> int:
        """What stands in files."""
        return 0 if self.folder is None else self.folder.bytes

    def close(self) -> None:
        """Remove what was written, if it is not in use any more."""
        if self.files is not None:
            self.files.abandon()
        if self.folder is not None:
            self.folder.close()


class RankedSpill(Spill):
    """Gives them back worst first.

    Parameters
    ----------
    kinds : mapping of str to dtype
        The columns of a line, one of them ``row``, besides ``ORDER``.
    most : int
        Lines to hold in memory.
    top : int or None
        Only so many of the worst are wanted.
    """

    def __init__(
        self, kinds: Mapping[str, np.dtype[Any]], most: int, top: int | None = None
    ) -> None:
        super().__init__({ORDER: np.dtype(np.float64), **kinds}, most)
        self.top = top

    def _made_room(self) -> bool:
        """Keep the worst if only they are wanted."""
        if self.top is None or self._lines <= self.top:
            return False
        whole = self._whole()
        self._held = [_picked(whole, np.sort(stable_order(whole[ORDER])[: self.top]))]
        self._lines = len(self._held[0][ORDER])
        return 2 * self._lines <= self.most

    @property
    def wanted(self) -> int:
        """How many of the lines that are held are to be ranked."""
        return self._lines if self.top is None else min(self._lines, self.top)

    def some_rows(self, most: int) -> npt.NDArray[np.int64]:
        """Return the rows of the first lines that are held."""
        found = np.concatenate([np.empty(0, np.int64), *(lines["row"] for lines in self._held)])
        return found[:most]

    def ranked_columns(self, on: Executor | None = None) -> Columns:
        """Return what is held, worst first, ties as they came, and let go of it."""
        if self.files is not None:
            whole = self.as_they_came()
            order = stable_order(whole.pop(ORDER))[: self.top]
        else:
            names = [name for name in self.kinds if name != ORDER]
            columns = each(self._column, names, on)  # where there are threads, beside the sorting
            order = stable_order(self._column(ORDER))[: self.top]
            whole = dict(zip(names, columns, strict=True))
            self._held.clear()
        picked = each(itemgetter(order), whole.values(), on)
        return dict(zip(whole, picked, strict=True))


def _picked(lines: Columns, which: npt.NDArray[np.int64]) -> Columns:
    return {name: values[which] for name, values in lines.items()}
