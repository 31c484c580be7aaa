"""What is to be done with each row of a table: which labels are replaced, which rows go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = [
    "DECISIONS",
    "DROP",
    "KEEP",
    "POLICIES",
    "RELABEL",
    "SOURCES",
    "Changes",
    "Quality",
]

POLICIES = ("drop", "relabel", "flag", "reviewed")
DECISIONS = ("fix", "keep", "drop", "unsure")

KEEP, RELABEL, DROP = range(3)
"""What is done with a row."""

SOURCES = ("given", "suggested", "reviewed")
"""Where the label of a row comes from: the input, the model's suggestion, a reviewer."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is done with the rows that are not simply carried over, by ascending row.

    Attributes
    ----------
    row : (m,) int64
        0-based in the whole input, each once.
    action : (m,) int8
        ``KEEP``, ``RELABEL`` or ``DROP``.
    given, new : (m,) int32
        Class codes before and after; ``new`` is -1 where the label stays.
    source : (m,) int8
        Index into ``SOURCES``.
    issue_id : tuple of str
    """

    row: npt.NDArray[np.int64]
    action: npt.NDArray[np.int8]
    given: npt.NDArray[np.int32]
    new: npt.NDArray[np.int32]
    source: npt.NDArray[np.int8]
    issue_id: tuple[str, ...]

    @classmethod
    def none(cls) -> Changes:
        """Nothing is changed."""
        return cls.of((), (), (), (), (), ())

    @classmethod
    def of(
        cls,
        row: Sequence[int],
        action: Sequence[int],
        given: Sequence[int],
        new: Sequence[int],
        source: Sequence[int],
        issue_id: Sequence[str],
    ) -> Changes:
        """Make arrays of sequences."""
        return cls(
            np.asarray(row, np.int64),
            np.asarray(action, np.int8),
            np.asarray(given, np.int32),
            np.asarray(new, np.int32),
            np.asarray(source, np.int8),
            tuple(issue_id),
        )

    def __len__(self) -> int:
        return len(self.row)

    def chosen(self, which: npt.NDArray[np.intp]) -> Changes:
        """Return some of the lines."""
        return Changes(
            self.row[which],
            self.action[which],
            self.given[which],
            self.new[which],
            self.source[which],
            tuple(self.issue_id[i] for i in which.tolist()),
        )

    def within(self, first_row: int, rows: int) -> Changes:
        """Return the lines about ``rows`` rows from ``first_row`` on."""
        low, high = np.searchsorted(self.row, (first_row, first_row + rows))
        return self.chosen(np.arange(low, high))

    @property
    def edits(self) -> Changes:
        """The lines that change or drop a row."""
        return self.chosen(np.flatnonzero(self.action != KEEP))

    @property
    def relabelled(self) -> int:
        """How many labels are replaced."""
        return int(np.count_nonzero(self.action == RELABEL))

    @property
    def dropped(self) -> int:
        """How many rows go."""
        return int(np.count_nonzero(self.action == DROP))


@dataclass(frozen=True, slots=True)
class Quality:
    """Label quality of the rows for which it is known, by ascending row.

    Attributes
    ----------
    row : (m,) int64
    value : (m,) float64
    """

    row: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]

    @classmethod
    def of(cls, row: npt.NDArray[np.int64], value: npt.NDArray[np.float64]) -> Quality:
        """Sort the rows; of one that is there twice the lowest value counts."""
        order = np.lexsort((value, row))
        row, value = row[order], value[order]
        first = np.ones(len(row), np.bool_)
        first[1:] = row[1:] != row[:-1]
        return cls(row[first], value[first])

    def within(
        self, first_row: int, rows: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Return the quality of consecutive rows, and which of them are unknown."""
        low, high = np.searchsorted(self.row, (first_row, first_row + rows))
        at = self.row[low:high] - first_row
        value, unknown = np.zeros(rows), np.ones(rows, np.bool_)
        value[at], unknown[at] = self.value[low:high], False
        return value, unknown
