"""Which numbers are there more than once, of more than fit in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.tables.arrays import numbers, viewed
from labelaudit.tables.sorted_runs import SortedRuns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["Repeats"]

_NAME = "number"


class Repeats:
    """Finds numbers that come more than once.

    Parameters
    ----------
    folder : Path
        For what does not fit in memory; nothing else may be in it.
    memory : int
        Bytes to take, about.
    """

    def __init__(self, folder: Path, memory: int) -> None:
        self._runs = SortedRuns(folder, _NAME, memory)

    def add(self, values: npt.NDArray[np.uint64]) -> None:
        """Take some numbers."""
        self._runs.add(pa.Table.from_arrays([numbers(values)], [_NAME]))

    def parts(self, most: int) -> Iterator[npt.NDArray[np.uint64]]:
        """Yield the numbers that came more than once, each once, ascending, so many at a time."""
        held: list[npt.NDArray[np.uint64]] = []
        count = 0
        for found in self._repeated():
            held.append(found)
            count += len(found)
            if count >= most:
                whole = np.concatenate(held)
                yield from np.split(whole, range(most, count + 1, most))[:-1]
                held, count = [whole[count - count % most :]], count % most
        if count:
            yield np.concatenate(held)

    def _repeated(self) -> Iterator[npt.NDArray[np.uint64]]:
        last = np.empty(0, np.uint64)  # the last number of the table before
        reported = np.empty(0, np.uint64)
        for table in self._runs.merged():
            values = np.concatenate([last, viewed(table[_NAME].chunk(0)).astype(np.uint64)])
            found = np.unique(values[1:][values[1:] == values[:-1]])
            yield found[~np.isin(found, reported)]
            last = values[-1:].copy()
            reported = last if len(found) and found[-1] == last[0] else np.empty(0, np.uint64)
