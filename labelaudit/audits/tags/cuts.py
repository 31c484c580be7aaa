"""The n lowest cells of each of many groups, by counting: what is held does not grow with cells.

Cells have a key and a place; equal keys are told apart by place. The cut of a group lies between
its n-th lowest cell and the next one. It is looked for among few enough cells to be sorted, which
are found as digits of a number are: cells are counted by the leading bits of their keys, then, in
the bucket where the cut lies, by the next ones; where all keys of a bucket are equal, by places.

Rows with one label each are cut by ``audits/selection.py``, which guesses brackets from a sample of
rows, each with one value in one group, and breaks ties as the peer does. Cells are in several
groups under several keys, and as many in a row as there are classes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.running import each, total

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.running import Executor

    Cells = Callable[[Any], Iterator["Keyed"]]

__all__ = ["Cuts", "Keyed", "cuts_of", "sortable"]

MOST = 1 << 19
"""So many cells are sorted at once."""

BUCKETS = 1 << 17
"""So many counts there are for each part, and some parts at once wait to be added up."""

LEAST_BITS, MOST_BITS = 4, 14
LAST = np.uint64(2**64 - 1)


@dataclass(frozen=True, slots=True)
class Keyed:
    """Some cells.

    Attributes
    ----------
    group : (m,) int64
    key, place : (m,) uint64
        What they are ranked by, below 2**64 - 1.
    """

    group: npt.NDArray[np.int64]
    key: npt.NDArray[np.uint64]
    place: npt.NDArray[np.uint64]

    def chosen(self, which: npt.NDArray[Any]) -> Keyed:
        """Return some of them, by a mask or by number."""
        return Keyed(self.group[which], self.key[which], self.place[which])


@dataclass(frozen=True, slots=True)
class Cuts:
    """The first key and place of each of G groups that are not wanted: (G,) uint64 each."""

    key: npt.NDArray[np.uint64]
    place: npt.NDArray[np.uint64]

    def below(self, cells: Keyed) -> npt.NDArray[np.bool_]:
        """Say which cells are wanted."""
        key = self.key[cells.group]
        tied = (cells.key == key) & (cells.place < self.place[cells.group])
        wanted: npt.NDArray[np.bool_] = (cells.key < key) | tied
        return wanted


def sortable(values: npt.NDArray[np.floating]) -> npt.NDArray[np.uint64]:
    """Return integers in the order of floats, equal where those are; NaN has no meaning."""
    # Adding 0 makes the negative zero, which is equal to the other one, the same.
    bits = (np.ascontiguousarray(values, np.float64) + 0.0).view(np.uint64)
    negative = bits >> np.uint64(63) != 0
    keys: npt.NDArray[np.uint64] = np.where(negative, ~bits, bits | np.uint64(1 << 63))
    return keys


@dataclass(frozen=True, slots=True)
class _Brackets:
    """Where the cuts are looked for; (G,) each.

    Attributes
    ----------
    rank : int64
        Which of the cells in the bracket is the last one wanted, from 1; 0 where the cut is found.
    low, high : uint64
        First and last key of the bracket, or place where all keys in it are equal.
    by_place : bool
    key, place : uint64
        The cut, where it is found; where it is looked for by place, its key.
    """

    rank: npt.NDArray[np.int64]
    low: npt.NDArray[np.uint64]
    high: npt.NDArray[np.uint64]
    by_place: npt.NDArray[np.bool_]
    key: npt.NDArray[np.uint64]
    place: npt.NDArray[np.uint64]

    @classmethod
    def widest(cls, wanted: npt.NDArray[np.int64]) -> _Brackets:
        nothing = np.zeros(len(wanted), np.uint64)
        return cls(
            np.maximum(wanted, 0),
            nothing,
            np.full(len(wanted), LAST - np.uint64(1)),
            np.zeros(len(wanted), np.bool_),
            nothing,
            nothing,
        )

    @property
    def bits(self) -> int:
        """How many bits more are known after counting."""
        room = BUCKETS // max(len(self.rank), 1)
        return min(max(room.bit_length() - 1, LEAST_BITS), MOST_BITS)

    @property
    def shift(self) -> npt.NDArray[np.uint64]:
        """(G,) how far the coordinate in the bracket is shifted to give its bucket."""
        length = _bit_length(self.high - self.low).astype(np.int64)
        return np.maximum(length - self.bits, 0).astype(np.uint64)

    def inside(self, cells: Keyed) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.uint64]]:
        """Return which cells are in the brackets, and how far from their lower ends."""
        group, coordinate = cells.group, cells.key
        here = self.rank[group] > 0
        if self.by_place.any():
            by_place = self.by_place[group]
            coordinate = np.where(by_place, cells.place, cells.key)
            here &= ~by_place | (cells.key == self.key[group])
        here &= (coordinate >= self.low[group]) & (coordinate <= self.high[group])
        which = np.flatnonzero(here)
        return which, coordinate[which] - self.low[group[which]]

    def counted(self, cells: Keyed, counts: npt.NDArray[np.int64]) -> None:
        """Add the cells in the brackets to the counts of their buckets, (G, 2**bits) int64."""
        which, distance = self.inside(cells)
        group = cells.group[which]
        bucket = (distance >> self.shift[group]).astype(np.int64)
        np.add.at(counts.reshape(-1), group * counts.shape[1] + bucket, 1)

    def narrowed(self, counts: npt.NDArray[np.int64]) -> tuple[_Brackets, int]:
        """Return the brackets that are one bucket each, and how many cells are in them."""
        ends = np.cumsum(counts, axis=1)
        open_ = self.rank > 0
        # Of the widest bracket alone: those within it are chosen so that they hold the cut.
        every = open_ & (ends[:, -1] <= self.rank)
        at = np.argmax(ends >= self.rank[:, None], axis=1)
        here = np.arange(len(at))
        size = counts[here, at]
        rank = np.where(open_ & ~every, self.rank - (ends[here, at] - size), 0)
        low = self.low + (at.astype(np.uint64) << self.shift)
        step = (np.uint64(1) << self.shift) - np.uint64(1)
        high = np.minimum(np.where(low > LAST - step, LAST, low + step), self.high)
        key = np.where(every, LAST, self.key)
        found = _Brackets(rank, low, high, self.by_place, key, self.place)
        found = found.without_whole(size).by_place_where_equal()
        return found, int(size[found.rank > 0].sum())

    def without_whole(self, size: npt.NDArray[np.int64]) -> _Brackets:
        """Where all cells of a bracket are wanted, the cut is behind it."""
        whole, behind = (self.rank > 0) & (size == self.rank), self.high + np.uint64(1)
        return replace(
            self,
            rank=np.where(whole, 0, self.rank),
            key=np.where(whole & ~self.by_place, behind, self.key),
            place=np.where(whole & self.by_place, behind, self.place),
        )

    def by_place_where_equal(self) -> _Brackets:
        equal = (self.rank > 0) & ~self.by_place & (self.low == self.high)
        return replace(
            self,
            by_place=self.by_place | equal,
            key=np.where(equal, self.low, self.key),
            low=np.where(equal, np.uint64(0), self.low),
            high=np.where(equal, LAST - np.uint64(1), self.high),
        )

    def cuts(self, cells: Keyed) -> Cuts:
        """Return the cuts, given all cells in the brackets."""
        ordered = cells.chosen(np.lexsort((cells.place, cells.key, cells.group)))
        starts = np.searchsorted(ordered.group, np.arange(len(self.rank) + 1))
        sizes = np.diff(starts)
        key, place = self.key.copy(), self.place.copy()
        every = (self.rank > 0) & (sizes <= self.rank)
        key[every] = LAST
        some = np.flatnonzero((self.rank > 0) & ~every)
        # The cell behind the last one that is wanted.
        at = starts[some] + self.rank[some]
        key[some], place[some] = ordered.key[at], ordered.place[at]
        return Cuts(key, place)


def _bit_length(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    length = np.zeros(len(numbers), np.uint64)
    rest = numbers.copy()
    for step in (32, 16, 8, 4, 2, 1):
        large = rest >= np.uint64(1 << step)
        length += np.where(large, np.uint64(step), np.uint64(0))
        rest = np.where(large, rest >> np.uint64(step), rest)
    bits: npt.NDArray[np.uint64] = length + rest
    return bits


def cuts_of(
    parts: Sequence[Any],
    cells: Cells,
    wanted: npt.NDArray[np.int64],
    n_cells: int,
    on: Executor | None = None,
) -> Cuts:
    """Find the cuts below which each group has as many cells as are wanted, or all of its own.

    Parameters
    ----------
    parts : sequence
        What the cells are of, in the order in which they are read.
    cells : callable
        Gives the cells of a part, some at a time, the same ones each time; picklable.
    wanted : (G,) int64
    n_cells : int
        Of all groups together, or more.
    on : Executor, optional
    """
    brackets, inside = _Brackets.widest(wanted), n_cells
    while inside > MOST and (brackets.rank > 0).any():
        counts = total(partial(_counted, cells=cells, brackets=brackets), parts, on)
        brackets, inside = brackets.narrowed(counts)
    found = list(each(partial(_gathered, cells=cells, brackets=brackets), parts, on))
    return brackets.cuts(_joined(found))


def _counted(part: Any, cells: Cells, brackets: _Brackets) -> npt.NDArray[np.int64]:
    counts = np.zeros((len(brackets.rank), 1 << brackets.bits), np.int64)
    for some in cells(part):
        brackets.counted(some, counts)
    return counts


def _gathered(part: Any, cells: Cells, brackets: _Brackets) -> Keyed:
    return _joined(some.chosen(brackets.inside(some)[0]) for some in cells(part))


def _joined(parts: Iterable[Keyed]) -> Keyed:
    none = np.zeros(0, np.uint64)
    every = [Keyed(none.astype(np.int64), none, none), *parts]
    columns = ([getattr(part, name) for part in every] for name in Keyed.__slots__)
    return Keyed(*map(np.concatenate, columns))
