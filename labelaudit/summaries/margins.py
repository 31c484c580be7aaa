"""Margins between given and other classes, for every pair that asks for low ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from labelaudit.kernels.margins import low_margins
from labelaudit.kernels.rows import LEADING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.findings import JointCells

__all__ = ["BEYOND", "Cells", "Further", "Leading", "LowMargins", "Margins", "unsettled"]

BEYOND = 2.0**-7
"""How far above the given class a further one is that is kept: so much, that there are few."""


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
class Further:
    """Classes behind the three leading ones that are more than ``BEYOND`` above the given class.

    They are all classes of a row with a margin below -``BEYOND`` but for the leading ones. As
    probabilities sum to 1, a row has fewer than 128 of them, and most rows have none.

    Attributes
    ----------
    row : (m,) int32
        Counted within a piece, ascending.
    other : (m,) int16 or int32
        Class codes, ascending for each row.
    margin : (m,) float, type of the probabilities
        P(given) - P(other).
    """

    row: npt.NDArray[np.int32]
    other: npt.NDArray[np.signedinteger]
    margin: npt.NDArray[np.floating]

    @classmethod
    def of(cls, facts: Leading, probs: npt.NDArray[np.floating], place: int) -> Further:
        """Find them in a block.

        Parameters
        ----------
        facts : Leading
            Of the rows of the block.
        probs : (n, K) float
            Of more than three classes.
        place : int
            Where in its piece the first row is.
        """
        third, given = facts.leading[:, LEADING - 1], facts.given_prob
        rows = np.flatnonzero((given - third < -BEYOND) & (facts.labels >= 0))
        # One long array: twice as fast as rows, which are short.
        margins, n_classes = probs.take(rows, axis=0), probs.shape[1]
        np.subtract(given.take(rows)[:, None], margins, out=margins)
        leading = facts.classes.take(rows, axis=0) + n_classes * np.arange(len(rows))[:, None]
        every = margins.reshape(-1)
        every[leading.reshape(-1)] = 0.0
        found = np.flatnonzero(every < -BEYOND)
        some = found // n_classes
        return cls(
            (place + rows.take(some)).astype(np.int32),
            (found - some * n_classes).astype(facts.classes.dtype),
            every.take(found),
        )

    @classmethod
    def joined(cls, parts: Sequence[Further]) -> Further:
        """Join those of consecutive blocks of a piece, of which there is at least one."""
        return cls(*(np.concatenate([getattr(p, n) for p in parts]) for n in Further.__slots__))

    def of_rows(self, every: int) -> Further:
        """Return those of rows whose number this divides."""
        some = self.row % every == 0
        return Further(self.row[some], self.other[some], self.margin[some])


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
    row : (m,) int32
        Counted within a piece, ascending.
    margin : (m,) float64
    """

    cell: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    margin: npt.NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence[Margins]) -> Margins:
        """Join some of one piece, in any order."""
        found = [part for part in parts if len(part.row)]
        if len(found) == 1:
            return found[0]
        cell = np.concatenate([np.empty(0, np.int32), *(part.cell for part in found)])
        row = np.concatenate([np.empty(0, np.int32), *(part.row for part in found)])
        margin = np.concatenate([np.empty(0), *(part.margin for part in found)])
        order = np.argsort(row, kind="stable")
        return cls(cell[order], row[order], margin[order])


@dataclass(frozen=True, slots=True)
class LowMargins:
    """What is asked of rows: for each cell (given k, other j), margins P_k - P_j up to a cut.

    Attributes
    ----------
    cells : Cells
    cuts : (C,) float64
        No greater margin is asked for.
    """

    cells: Cells
    cuts: npt.NDArray[np.float64]

    @classmethod
    def wanted(cls, pruned: JointCells) -> LowMargins:
        """Ask for all margins of each cell off the diagonal of which rows may be pruned."""
        cells = Cells.of(pruned)
        return cls(cells, np.full(len(cells.wanted), np.inf))

    def bounds(self) -> npt.NDArray[np.float64]:
        """(K,) float64: the greatest margin that any cell of each given class would still take."""
        result = np.full(self.cells.n_classes, -np.inf)
        np.maximum.at(result, self.cells.given, self.cuts)
        return result

    def of_leading(
        self,
        facts: Leading,
        negative: bool,
        rows: npt.NDArray[np.int32] | None = None,
    ) -> Margins:
        """Return margins of a piece's rows by their three leading classes.

        Parameters
        ----------
        facts : Leading
        negative : bool
            Return the negative margins, or the others.
        rows : (m,) int32, optional
            Look at these rows only.
        """
        if not len(self.cuts):
            return Margins.joined(())
        rows = np.arange(len(facts.labels), dtype=np.int32) if rows is None else rows.view()
        rows.flags.writeable = False  # numba compiles apart what can be written to
        most = LEADING * len(rows)
        cell, row, margin = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most)
        known = facts.labels, facts.given_prob, facts.classes, facts.leading
        asked = self.cells.start, self.cells.other, self.cuts
        n = low_margins(rows, *known, *asked, negative, cell, row, margin)
        return Margins(cell[:n].copy(), row[:n].copy(), margin[:n].copy())

    def of_further(self, facts: Leading, further: Further) -> Margins:
        """Return margins of further classes of a piece's rows."""
        if not len(self.cuts):
            return Margins.joined(())
        n_classes, given = self.cells.n_classes, facts.labels[further.row]
        cells = self.cells.given.astype(np.int64) * n_classes + self.cells.other
        key = given.astype(np.int64) * n_classes + further.other
        place = np.minimum(np.searchsorted(cells, key), len(cells) - 1)
        margin = further.margin.astype(np.float64)
        asked = (cells[place] == key) & (margin <= self.cuts[place])
        return Margins(place[asked].astype(np.int32), further.row[asked], margin[asked])

    def of_rows(
        self,
        labels: npt.NDArray[np.int32],
        probs: npt.NDArray[np.floating],
        wanted: npt.NDArray[np.bool_],
        taken: npt.NDArray[np.signedinteger],
        place: int,
        further: bool = False,
    ) -> Margins:
        """Return margins of rows with all their classes but those taken already.

        Parameters
        ----------
        labels : (n,) int32
        probs : (n, K) float
        wanted : (n,) bool
        taken : (n, 3) int
            The leading classes.
        place : int
            Where in its piece the first row is.
        further : bool
            Those of further classes are taken already.
        """
        rows = np.flatnonzero(wanted & (labels >= 0))
        given = labels[rows]
        first = self.cells.start[given]
        number = self.cells.start[given + 1] - first
        cell = np.arange(number.sum()) + np.repeat(first - np.cumsum(number) + number, number)
        row, given, other = (
            np.repeat(rows, number),
            np.repeat(given, number),
            self.cells.other[cell],
        )
        margin = probs[row, given] - probs[row, other]
        new = margin <= self.cuts[cell]
        if further:
            new &= margin >= -BEYOND
        for leader in range(LEADING):
            new &= taken[row, leader] != other
        return Margins(
            cell[new].astype(np.int32),
            (place + row[new]).astype(np.int32),
            margin[new].astype(np.float64),
        )


def unsettled(
    facts: Leading, bounds: npt.NDArray[np.float64], further: bool = False
) -> npt.NDArray[np.bool_]:
    """(n,) bool: rows of which a class that is not known might have a margin that is wanted.

    Any such class has at most the probability of the third.

    Parameters
    ----------
    facts : Leading
    bounds : (K,) float64
        From ``LowMargins.bounds``.
    further : bool
        Further classes are known as well: all that have a margin below -``BEYOND``.
    """
    result = np.zeros(len(facts.labels), np.bool_)
    if further:
        bounds = np.where(bounds < -BEYOND, -np.inf, bounds)
    if len(bounds) <= LEADING:
        return result
    least = facts.given_prob - facts.leading[:, 2]
    # Few rows are below the highest bound, so the others need no look at their own.
    near = np.flatnonzero(least <= bounds.max())
    labels = facts.labels[near]
    result[near] = (least[near] <= bounds[np.maximum(labels, 0)]) & (labels >= 0)
    return result
