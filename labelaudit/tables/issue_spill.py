"""Rows to be ranked, as an audit finds them: in memory while they fit, then in files."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.findings import IssueChunk, IssueRows
from labelaudit.shelves import TemporaryFolder
from labelaudit.summaries.ordering import stable_order
from labelaudit.tables.column_files import ColumnFiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

__all__ = [
    "BYTES_PER_ISSUE",
    "NUMBERS",
    "IssueSpill",
    "issues_fit",
    "room_for_issues",
    "room_for_keys",
    "rows_of",
]

_FIELDS = tuple(each.name for each in fields(IssueRows))
NUMBERS: Mapping[str, np.dtype[Any]] = {
    "row": np.dtype(np.int64),
    "given": np.dtype(np.int32),
    "suggested": np.dtype(np.int32),
    "label_quality": np.dtype(np.float64),
    "is_issue": np.dtype(np.bool_),
    "given_prob": np.dtype(np.float32),
    "suggested_prob": np.dtype(np.float32),
    "margin": np.dtype(np.float32),
    "entropy": np.dtype(np.float32),
    "flagged_by": np.dtype(np.uint8),
    "severity": np.dtype(np.int8),
}
"""The fields of ``IssueRows``."""
_TAKEN = {"order": np.dtype(np.float64), **NUMBERS}
# Numbers as they came and ranked, the table made of them, and what makes it.
BYTES_PER_ISSUE = 400
_OURSELVES = 360 << 20
_LEAST_ROOM = 64 << 20


def room_for_issues(memory: int | None) -> int:
    """Return how many bytes ranked rows may take.

    Parameters
    ----------
    memory : int or None
        Bytes that the user allows for everything; None for a quarter of what the machine has.
    """
    if memory is None:
        return int(os.sysconf("SC_PHYS_PAGES")) * int(os.sysconf("SC_PAGE_SIZE")) // 4
    return max((memory - _OURSELVES) // 2, _LEAST_ROOM)


def room_for_keys(memory: int | None) -> int:
    """Return how many bytes comparing keys may take, which is done beside the audit."""
    return room_for_issues(memory) // 4


def issues_fit(
    n_issues: int, bytes_per_issue: int = BYTES_PER_ISSUE, memory: int | None = None
) -> bool:
    """Say whether so many ranked rows can be named and written in memory.

    Parameters
    ----------
    n_issues : int
    bytes_per_issue : int
        With all that is made of it on the way.
    memory : int or None
        Bytes that the user allows for everything.
    """
    return n_issues * bytes_per_issue <= room_for_issues(memory)


class IssueSpill:
    """Takes the rows to be ranked; an ``IssueSink``.

    Parameters
    ----------
    most : int
        Rows to hold in memory.
    top : int or None
        Only so many of the worst are wanted.
    marks : int or None
        Rows of the table, if it is to be known of each whether it is flagged.
    """

    def __init__(self, most: int, top: int | None = None, marks: int | None = None) -> None:
        self.most = most
        self.top = top
        self.marks = None if marks is None else np.zeros(marks // 8 + 1, np.uint8)
        self.folder: TemporaryFolder | None = None
        self.files: ColumnFiles | None = None
        self._held: list[IssueChunk] = []
        self._rows = 0

    def take(self, chunk: IssueChunk) -> None:
        """Take the next rows; each chunk begins behind the last one."""
        if self.marks is not None:
            flagged = chunk.rows.row[chunk.rows.is_issue]
            np.bitwise_or.at(self.marks, flagged >> 3, (1 << (flagged & 7)).astype(np.uint8))
        if self.files is not None:
            self.files.append(_columns(chunk))
            return
        self._held.append(chunk)
        self._rows += len(chunk.order)
        if self._rows > self.most:
            self._make_room()

    def _make_room(self) -> None:
        """Keep the worst if only they are wanted, and go to files if that leaves too many."""
        if self.top is not None and self._rows > self.top:
            self._held = [_worst(_joined(self._held), self.top)]
            self._rows = len(self._held[0].order)
            if 2 * self._rows <= self.most:
                return
        self._spill()

    def _spill(self) -> ColumnFiles:
        self.folder = TemporaryFolder()
        self.files = ColumnFiles(self.folder.path, _TAKEN)
        for chunk in self._held:
            self.files.append(_columns(chunk))
        self._held.clear()
        return self.files

    def in_files(self) -> ColumnFiles:
        """Return everything in files, ready to be read, in row order."""
        files = self.files or self._spill()
        files.close()
        return files

    @property
    def wanted(self) -> int:
        """How many of the rows that are held are to be ranked."""
        return self._rows if self.top is None else min(self._rows, self.top)

    def some_rows(self, most: int) -> npt.NDArray[np.int64]:
        """Return the first of the rows that are held."""
        found = np.concatenate([np.empty(0, np.int64), *(each.rows.row for each in self._held)])
        return found[:most]

    def ranked(self) -> IssueRows:
        """Return what is held, worst first, ties by row."""
        if not self._held:
            return rows_of({name: np.empty(0, kind) for name, kind in NUMBERS.items()})
        whole = _joined(self._held)
        self._held.clear()
        order = stable_order(whole.order)[: self.top]
        return _picked(whole.rows, order)

    def close(self) -> None:
        """Remove what was written, if it is not in use any more."""
        if self.files is not None:
            self.files.abandon()
        if self.folder is not None:
            self.folder.close()


def rows_of(columns: Mapping[str, npt.NDArray[Any]]) -> IssueRows:
    """Return columns of ``NUMBERS`` as rows."""
    return IssueRows(**{name: columns[name] for name in _FIELDS})


def _joined(chunks: Sequence[IssueChunk]) -> IssueChunk:
    """Put chunks together."""
    rows = {
        name: np.concatenate([getattr(chunk.rows, name) for chunk in chunks]) for name in _FIELDS
    }
    return IssueChunk(rows_of(rows), np.concatenate([chunk.order for chunk in chunks]))


def _worst(chunk: IssueChunk, top: int) -> IssueChunk:
    """Keep the worst rows, in row order."""
    kept = np.sort(stable_order(chunk.order)[:top])
    return IssueChunk(_picked(chunk.rows, kept), chunk.order[kept])


def _picked(rows: IssueRows, which: npt.NDArray[np.intp]) -> IssueRows:
    return rows_of({name: getattr(rows, name)[which] for name in _FIELDS})


def _columns(chunk: IssueChunk) -> dict[str, npt.NDArray[Any]]:
    return {"order": chunk.order, **{name: getattr(chunk.rows, name) for name in _FIELDS}}
