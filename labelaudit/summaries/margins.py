"""The rows with the lowest margins, for every pair of given and other class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from labelaudit.kernels.margins import low_margins
from labelaudit.kernels.rows import LEADING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.blocks import LabelBlock
    from labelaudit.findings import JointCells

__all__ = ["Cells", "Leading", "LowestMargins", "Margins", "unsettled"]

SPARE = 1 << 20
FEW = 1 << 10
SLACK = 4
"""Standard deviations that a guessed cut is above what is expected."""


class Leading(Protocol):
    """The three leading classes of rows, as the first reading keeps them."""

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        """(N,) given classes, negative for rows left out."""

    @property
    def given_prob(self) -> npt.NDArray[np.floating]:
        """(N,) probabilities of the given classes."""

    @property
    def classes(self) -> npt.NDArray[np.signedinteger]:
        """(N, 3) classes."""

    @property
    def leading(self) -> npt.NDArray[np.floating]:
        """(N, 3) their probabilities."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Pairs of given and other class, and how many rows each asks for.

    Attributes
    ----------
    start : (K + 1,) int64
        Cells of given class k are ``start[k]:start[k + 1]``.
    given, other : (C,) int32
        Ascending.
    wanted : (C,) int64
        At least 1.
    """

    start: npt.NDArray[np.int64]
    given: npt.NDArray[np.int32]
    other: npt.NDArray[np.int32]
    wanted: npt.NDArray[np.int64]

    @property
    def n_classes(self) -> int:
        """Number of classes K."""
        return len(self.start) - 1

    @classmethod
    def of(cls, pruned: JointCells) -> Cells:
        """Ask for as many rows of each cell off the diagonal as may be pruned."""
        off = pruned.given != pruned.true
        given = pruned.given[off]
        start = np.searchsorted(given, np.arange(pruned.n_classes + 1)).astype(np.int64)
        return cls(start, given, pruned.true[off], pruned.count[off])


@dataclass(frozen=True, slots=True)
class Margins:
    """P(given) - P(other) of some rows and cells.

    Attributes
    ----------
    cell : (m,) int32
    row : (m,) int64
    margin : (m,) float64
    """

    cell: npt.NDArray[np.int32]
    row: npt.NDArray[np.int64]
    margin: npt.NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence[Margins]) -> Margins:
        """Join some, in any order."""
        return cls(
            np.concatenate([np.empty(0, np.int32), *(part.cell for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.row for part in parts)]),
            np.concatenate([np.empty(0), *(part.margin for part in parts)]),
        )

    def only(self, chosen: npt.NDArray[np.bool_]) -> Margins:
        """Return some of them."""
        return Margins(self.cell[chosen], self.row[chosen], self.margin[chosen])

    def cuts(self, wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """(C,) float64: the greatest wanted margin of each cell, infinite where there are fewer."""
        count = np.bincount(self.cell, minlength=len(wanted))
        start, full = np.cumsum(count) - count, np.flatnonzero(count >= wanted)
        last = start[full] + wanted[full] - 1
        if len(self.cell) < FEW * len(wanted):
            margin = self.margin[np.lexsort((self.margin, self.cell))]
        else:
            narrow = self.cell.astype(np.int16) if len(wanted) < 2**15 else self.cell
            margin = self.margin[np.argsort(narrow, kind="stable")]
            for first, place, n in zip(start[full], last, count[full], strict=True):
                margin[first : first + n].partition(place - first)
        result = np.full(len(wanted), np.inf)
        result[full] = margin[last]
        return result

    def lowest(self, wanted: npt.NDArray[np.int64], cuts: npt.NDArray[np.float64]) -> Margins:
        """Return the wanted ones of each cell: up to its cut, of equal ones the first rows."""
        cut = cuts[self.cell]
        chosen = self.margin < cut
        tied = np.flatnonzero(self.margin == cut)
        tied = tied[np.lexsort((self.row[tied], self.cell[tied]))]
        cell = self.cell[tied]
        place = np.arange(len(tied)) - np.searchsorted(cell, cell)
        left = wanted - np.bincount(self.cell[chosen], minlength=len(wanted))
        chosen[tied[place < left[cell]]] = True
        return self.only(chosen)


@dataclass(slots=True)
class LowestMargins:
    """For each cell (given k, other j), the M rows given k with the lowest (P_k - P_j, row).

    Attributes
    ----------
    cells : Cells
    cuts : (C,) float64
        No greater margin is among the lowest ones of all rows.
    parts : list of Margins
        What was taken: the lowest ones, and others.
    size : int
        How many these are.
    pruned : bool
        Only the lowest ones are left.
    """

    cells: Cells
    cuts: npt.NDArray[np.float64]
    parts: list[Margins] = field(default_factory=list)
    size: int = 0
    pruned: bool = False

    @classmethod
    def wanted(cls, pruned: JointCells) -> LowestMargins:
        """Ask for as many rows of each cell off the diagonal as may be pruned."""
        cells = Cells.of(pruned)
        return cls(cells, np.full(len(cells.wanted), np.inf))

    def emptied(self) -> LowestMargins:
        """Return the same cells and cuts with no rows."""
        return LowestMargins(self.cells, self.cuts)

    def bounds(self) -> npt.NDArray[np.float64]:
        """(K,) float64: the greatest margin that any cell of each given class would still take."""
        result = np.full(self.cells.n_classes, -np.inf)
        np.maximum.at(result, self.cells.given, self.cuts)
        return result

    def guessed(self, every: int) -> LowestMargins:
        """Guess cuts from the margins of every so many rows: wide enough but for bad luck.

        What is then taken up to these cuts is to be asked ``held``.
        """
        found = Margins.joined(self.parts)
        place = self.cells.wanted / every
        rank = np.ceil(place + SLACK * (np.sqrt(place) + 2.0)).astype(np.int64)
        return LowestMargins(self.cells, found.cuts(rank))

    def held(self, guess: LowestMargins) -> bool:
        """Whether what was taken up to guessed cuts holds the lowest margins of every cell."""
        count = np.bincount(Margins.joined(self.parts).cell, minlength=len(self.cuts))
        return bool(((count >= self.cells.wanted) | np.isinf(guess.cuts)).all())

    def take_leading(self, facts: Leading, first_row: int, negative: bool) -> None:
        """Take rows in by their three leading classes.

        Parameters
        ----------
        facts : Leading
            Consecutive rows.
        first_row : int
            The row number of the first of them.
        negative : bool
            Take the negative margins, or the others.
        """
        if not len(self.cuts):
            return
        most = LEADING * len(facts.labels)
        cell, row, margin = np.empty(most, np.int32), np.empty(most, np.int64), np.empty(most)
        known = facts.labels, facts.given_prob, facts.classes, facts.leading
        asked = self.cells.start, self.cells.other, self.cuts
        n = low_margins(first_row, *known, *asked, negative, cell, row, margin)
        self.keep(Margins(cell[:n].copy(), row[:n].copy(), margin[:n].copy()))

    def take(
        self,
        block: LabelBlock,
        probs: npt.NDArray[np.floating],
        wanted: npt.NDArray[np.bool_],
        taken: npt.NDArray[np.signedinteger],
    ) -> None:
        """Take rows of a block in, with all their classes but those taken already.

        Parameters
        ----------
        block : LabelBlock
        probs : (n, K) float
        wanted : (n,) bool
        taken : (n, 3) int
            The leading classes.
        """
        rows = np.flatnonzero(wanted & (block.labels >= 0))
        given = block.labels[rows]
        first = self.cells.start[given]
        number = self.cells.start[given + 1] - first
        cell = np.arange(number.sum()) + np.repeat(first - np.cumsum(number) + number, number)
        row = np.repeat(rows, number)
        new = (taken[row] != self.cells.other[cell][:, None]).all(axis=1)
        row, cell, given = row[new], cell[new], np.repeat(given, number)[new]
        margin = probs[row, given] - probs[row, self.cells.other[cell]]
        self.add(Margins(cell.astype(np.int32), block.first_row + row, margin.astype(np.float64)))

    def add(self, taken: Margins) -> None:
        """Take some in."""
        self.keep(taken.only(taken.margin <= self.cuts[taken.cell]))

    def keep(self, taken: Margins) -> None:
        """Take in what is not above the cuts."""
        self.parts.append(taken)
        self.size += len(taken.row)
        self.pruned = False
        if self.size > self._most:
            self.prune()

    @property
    def _most(self) -> int:
        """How many there may be before some are let go."""
        return 2 * int(self.cells.wanted.sum()) + SPARE

    def prune(self) -> None:
        """Let go of what is not among the lowest."""
        if self.size and not self.pruned:
            whole, wanted = Margins.joined(self.parts), self.cells.wanted
            self.cuts = np.minimum(self.cuts, whole.cuts(wanted))
            self.parts = [whole.lowest(wanted, self.cuts)]
            self.size = len(self.parts[0].row)
        self.pruned = True

    def __add__(self, more: LowestMargins) -> LowestMargins:
        parts = [*self.parts, *more.parts]
        cuts = np.minimum(self.cuts, more.cuts)
        both = LowestMargins(self.cells, cuts, parts, self.size + more.size)
        if both.size > self._most:
            both.prune()
        return both

    def rows(self) -> npt.NDArray[np.int64]:
        """Return the rows that are among the lowest of any cell, ascending, each once."""
        self.prune()
        rows = np.concatenate([np.empty(0, np.int64), *(part.row for part in self.parts)])
        if (rows[1:] < rows[:-1]).any():
            rows.sort()
        first = np.ones(len(rows), np.bool_)
        np.not_equal(rows[1:], rows[:-1], out=first[1:])
        return rows[first]


def unsettled(facts: Leading, bounds: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """(n,) bool: rows whose further classes might have a margin that belongs in a cell.

    Any further class has at most the probability of the third.

    Parameters
    ----------
    facts : Leading
    bounds : (K,) float64
        From ``LowestMargins.bounds``.
    """
    if len(bounds) <= LEADING:
        return np.zeros(len(facts.labels), np.bool_)
    least = facts.given_prob - facts.leading[:, 2]
    result: npt.NDArray[np.bool_] = least <= bounds[np.maximum(facts.labels, 0)]
    return result & (facts.labels >= 0)
