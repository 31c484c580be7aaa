"""Row numbers in a table that another engine holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.errors import InputError
from labelaudit.tables.arrays import viewed
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    import pyarrow as pa

__all__ = ["Numbering", "row_numbers", "runs_of"]

_FEWEST = 64
_REMEDY = (
    "Number the rows after everything else, with numbers that are never the same and go up by one "
    "within each partition."
)


@dataclass(frozen=True, slots=True)
class Numbering:
    """Where numbers that have gaps between runs of rows come to stand without them.

    Attributes
    ----------
    starts : (R,) int64
        First number of each run, ascending.
    ends : (R,) int64
        One more than the last.
    """

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    @classmethod
    def of(cls, runs: Iterable[npt.NDArray[np.int64]], column: str) -> Numbering:
        """Put the runs of all batches in order, and join those that are neighbours.

        Raises
        ------
        InputError
            If a number is there twice.
        """
        bounds = np.concatenate([np.empty((0, 2), np.int64), *runs])
        bounds = bounds[np.argsort(bounds[:, 0], kind="stable")]
        starts, ends = bounds[:, 0], bounds[:, 1]
        twice = np.flatnonzero(starts[1:] < np.maximum.accumulate(ends)[:-1])
        if len(twice):
            raise InputError(
                f"Column {safe(column)} holds the row number {starts[1:][twice[0]]:,} twice.",
                _REMEDY,
            )
        apart = np.flatnonzero(starts[1:] != ends[:-1])
        begin = np.append(starts[:1], starts[apart + 1])
        return cls(begin, np.append(ends[apart], ends[-1:]))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int((self.ends - self.starts).sum())

    def dense(self, number: int) -> int:
        """Return how many rows have a lower number.

        Raises
        ------
        InputError
            If there was no such row when they were numbered.
        """
        at = int(np.searchsorted(self.starts, number, side="right")) - 1
        if at < 0 or number >= self.ends[at]:
            raise InputError(
                f"The engine gives row {number:,}, which was not there before.",
                "Have it give the same rows each time: keep the table before the audit.",
            )
        before = int((self.ends[:at] - self.starts[:at]).sum())
        return before + number - int(self.starts[at])


def row_numbers(batch: pa.RecordBatch, column: str) -> npt.NDArray[np.int64]:
    """Return the row numbers of a batch.

    Raises
    ------
    InputError
        If a row has none.
    """
    numbers = batch.column(column)
    if numbers.null_count:
        raise InputError(f"Column {safe(column)} holds no number in some rows.", _REMEDY)
    return viewed(numbers).astype(np.int64)


def runs_of(numbers: npt.NDArray[np.int64], column: str) -> npt.NDArray[np.int64]:
    """Return the runs of a batch's numbers that go up by one, as (R, 2) bounds.

    Raises
    ------
    InputError
        If they hardly ever do.
    """
    cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
    if len(cuts) > max(_FEWEST, len(numbers) // 16):
        raise InputError(
            f"The numbers in column {safe(column)} do not go up by one from row to row.", _REMEDY
        )
    first = np.concatenate(([0], cuts))[: len(numbers)]
    last = np.concatenate((cuts, [len(numbers)]))[: len(first)] - 1
    return np.stack([numbers[first], numbers[last] + 1], axis=1)
