"""Rows to be ranked, as an audit finds them: in memory while they fit, then in files."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.findings import IssueRows
from labelaudit.tables.ranked_spill import ORDER, RankedSpill, mark

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from labelaudit.findings import IssueChunk
    from labelaudit.running import Executor

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


class IssueSpill(RankedSpill):
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
        super().__init__(NUMBERS, most, top)
        self.marks = None if marks is None else np.zeros(marks // 8 + 1, np.uint8)

    def take(self, chunk: IssueChunk) -> None:
        """Take the next rows; each chunk begins behind the last one."""
        mark(self.marks, chunk.rows.row[chunk.rows.is_issue])
        lines = {name: getattr(chunk.rows, name) for name in _FIELDS}
        self.add({ORDER: chunk.order, **lines})

    def ranked(self, on: Executor | None = None) -> IssueRows:
        """Return what is held, worst first, ties by row."""
        return rows_of(self.ranked_columns(on))


def rows_of(columns: Mapping[str, npt.NDArray[Any]]) -> IssueRows:
    """Return columns of ``NUMBERS`` as rows."""
    return IssueRows(**{name: columns[name] for name in _FIELDS})
