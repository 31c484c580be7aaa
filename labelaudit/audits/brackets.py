"""The passes that selection makes: some values for a guess, then what lies inside brackets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from labelaudit.summaries.ordering import values_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.audits.ground import Piece, Stretch

__all__ = [
    "Bracket",
    "Brought",
    "Column",
    "ColumnOf",
    "Gather",
    "GroupValues",
    "Question",
    "Sketch",
    "Tied",
    "Values",
]

SLACK = 4.0
"""Standard deviations of a guess that a bracket is wide, to either side."""
NOT_COUNTED = np.zeros((4, 0), np.int64)


class ColumnOf(Protocol):
    """Something picklable that finds the values of a piece's rows."""

    def __call__(self, piece: Piece) -> Column:
        """Return the values of a piece."""


@dataclass(frozen=True, slots=True)
class Column:
    """Values of n rows.

    Attributes
    ----------
    values : (n,) float
    among : (n,) bool
        Rows that are asked about.
    group : (n,) int or None
        Which of G groups each row is in; None where there is one.
    places : (n,) int or None
        Which row of the piece each value is of, ascending; None where each row has one.
    """

    values: npt.NDArray[np.floating]
    among: npt.NDArray[np.bool_]
    group: npt.NDArray[np.signedinteger] | None = None
    places: npt.NDArray[np.signedinteger] | None = None

    def of_groups(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Give each row the value of its group; rows that are not asked about may have any."""
        # Half the time of ``values[group]``, and no group is out of bounds.
        return values if self.group is None else values.take(self.group, mode="wrap")

    def rows(
        self, chosen: npt.NDArray[np.intp]
    ) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int32]]:
        """Return values and groups of some rows."""
        if self.group is None:
            return self.values[chosen], np.zeros(len(chosen), np.int32)
        return self.values[chosen], self.group[chosen].astype(np.int32)

    def numbered(self, chosen: npt.NDArray[np.intp], first_row: int) -> npt.NDArray[np.int64]:
        """Return the row numbers of some values of a piece that begins there."""
        places = chosen if self.places is None else self.places[chosen]
        return first_row + places.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Question:
    """How many of the lowest rows are wanted.

    Attributes
    ----------
    column : ColumnOf
    wanted : (G,) int64
    size : (G,) int64
        How many rows there are to choose from.
    """

    column: ColumnOf
    wanted: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]

    @classmethod
    def of(cls, column: ColumnOf, wanted: int, size: int) -> Question:
        """Ask about all rows alike."""
        return cls(column, np.array([wanted], np.int64), np.array([size], np.int64))


@dataclass(frozen=True, slots=True)
class Bracket:
    """Where the cut of each group is looked for.

    Attributes
    ----------
    low, high : (G,) float64
        Both ends belong to it; a group with the high one below the low one has no rows in it.
    """

    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]

    @classmethod
    def open(cls, question: Question) -> Bracket:
        """Hold all values of the groups that any rows are wanted of."""
        idle = question.wanted <= 0
        return cls(np.where(idle, math.inf, -math.inf), np.where(idle, -math.inf, math.inf))

    def narrowed(
        self,
        question: Question,
        counts: npt.NDArray[np.int64],
        sample: Values,
        slack: float = SLACK,
    ) -> tuple[Bracket, int]:
        """Guess a narrower bracket from some of the values inside this one.

        It is wide enough but for bad luck.

        Parameters
        ----------
        question : Question
        counts : (4, G) int64
            As ``Brought`` has them.
        sample : Values
        slack : float
            Standard deviations of the guess.

        Returns
        -------
        Bracket
        int
            How many values are expected inside.
        """
        some, inside = np.bincount(sample.group, minlength=len(question.wanted)), counts[3]
        start = np.cumsum(some) - some
        left = np.minimum(question.wanted, question.size) - counts[0] - counts[1]
        asked = (question.wanted > 0) & (left > 0) & (left <= inside)
        place = some * (left / np.maximum(inside, 1))
        room = slack * (np.sqrt(np.maximum(place, 0.0)) + 2.0)
        first, last = np.trunc(place - room), np.ceil(place + room)
        bracket = self._closed(question.wanted > 0, left, inside)
        low, high = (asked & (at >= 0) & (at < some) for at in (first, last))
        places = np.concatenate([(start + first)[low], (start + last)[high]]).astype(np.int64)
        found = values_at(sample.group, sample.value, places)
        bracket.low[low], bracket.high[high] = np.split(found, [np.count_nonzero(low)])
        share = (np.minimum(last, some) - np.maximum(first, 0.0)) / np.maximum(some, 1)
        expected = np.where(some > 0, share, 1.0) * inside
        return bracket, int(expected[asked].sum())

    def _closed(
        self,
        asked: npt.NDArray[np.bool_],
        left: npt.NDArray[np.int64],
        inside: npt.NDArray[np.int64],
    ) -> Bracket:
        """Leave nothing inside where the cut is known to be one of the ends."""
        low = np.where(asked & (left > inside), self.high, self.low)
        return Bracket(low, np.where(asked & (left <= 0), self.low, self.high))


@dataclass(frozen=True, slots=True)
class Values:
    """Some values, their groups and rows."""

    value: npt.NDArray[np.floating]
    group: npt.NDArray[np.int32]
    row: npt.NDArray[np.int64]

    @classmethod
    def of(cls, column: Column, chosen: npt.NDArray[np.intp], first_row: int) -> Values:
        """Take some rows of a piece."""
        return cls(*column.rows(chosen), column.numbered(chosen, first_row))

    @classmethod
    def joined(cls, parts: Sequence[Values]) -> Values:
        """Join values of consecutive rows."""
        return cls(*(np.concatenate([getattr(p, n) for p in parts]) for n in Values.__slots__))


@dataclass(frozen=True, slots=True)
class Brought:
    """What a pass brings for each question, still in parts.

    Attributes
    ----------
    counts : tuple of (4, G) int64
        Values of each group below the bracket, at its low end, at its high end, inside.
    parts : tuple of tuple of Values
        What is inside, or some of it.
    """

    counts: tuple[npt.NDArray[np.int64], ...]
    parts: tuple[tuple[Values, ...], ...]

    def __add__(self, more: Brought) -> Brought:
        return Brought(
            tuple(a + b for a, b in zip(self.counts, more.counts, strict=True)),
            tuple(a + b for a, b in zip(self.parts, more.parts, strict=True)),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel in one part."""
        return Brought, (self.counts, tuple((Values.joined(part),) for part in self.parts if part))


@dataclass(frozen=True, slots=True)
class Sketch:
    """The step that takes every so many rows."""

    columns: tuple[ColumnOf, ...]
    every: int

    def __call__(self, stretch: Stretch) -> Brought:
        """Take some rows of the pieces; count none."""
        parts = [
            [self._some(column_of(piece), piece) for piece in stretch.pieces]
            for column_of in self.columns
        ]
        return Brought(tuple(NOT_COUNTED for _ in parts), tuple(map(tuple, parts)))

    def _some(self, column: Column, piece: Piece) -> Values:
        chosen = np.flatnonzero(column.among[:: self.every]) * self.every
        return Values.of(column, chosen, piece.first_row)


@dataclass(frozen=True, slots=True)
class Gather:
    """The step that counts what is below each bracket and inside, and brings what is inside.

    Attributes
    ----------
    columns : tuple of ColumnOf
    brackets : tuple of Bracket
    every : int
        Bring of what is inside only rows whose number this divides.
    """

    columns: tuple[ColumnOf, ...]
    brackets: tuple[Bracket, ...]
    every: int = 1

    def __call__(self, stretch: Stretch) -> Brought:
        """Look at some pieces."""
        counts, parts = [], []
        for column_of, bracket in zip(self.columns, self.brackets, strict=True):
            count = np.zeros((4, len(bracket.low)), np.int64)
            inside = [
                _inside(column_of(piece), bracket, piece.first_row, count, self.every)
                for piece in stretch.pieces
            ]
            counts.append(count)
            parts.append(tuple(inside))
        return Brought(tuple(counts), tuple(parts))


def _inside(
    column: Column,
    bracket: Bracket,
    first_row: int,
    counts: npt.NDArray[np.int64],
    every: int,
) -> Values:
    kind = column.values.dtype
    low, high = bracket.low.astype(kind), bracket.high.astype(kind)
    near = np.flatnonzero((column.values <= column.of_groups(high)) & column.among)
    values, groups = column.rows(near)
    alone = column.group is None
    least, most = (low[0], high[0]) if alone else (low[groups], high[groups])
    # Values at the ends of a bracket may be very many: they are only counted.
    not_below, above = values >= least, values > least
    inside = above & (values < most)
    # 0 below, 1 at the low end, 2 at the high one, 3 inside.
    where = not_below.astype(np.int64) + above + inside
    n_groups = counts.shape[1]
    counts += np.bincount(where * n_groups + groups, minlength=4 * n_groups).reshape(4, -1)
    found = near[inside]
    if every > 1:
        found = found[column.numbered(found, first_row) % every == 0]
    return Values.of(column, found, first_row)


@dataclass(frozen=True, slots=True)
class Tied:
    """The row numbers, as values, of rows that have a certain value.

    Attributes
    ----------
    column : ColumnOf
    values : (G,) float64
        NaN for groups that are not asked about.
    """

    column: ColumnOf
    values: npt.NDArray[np.float64]

    def __call__(self, piece: Piece) -> Column:
        """Return the rows of a piece."""
        column = self.column(piece)
        tied = column.values == column.of_groups(self.values.astype(column.values.dtype))
        rows = column.numbered(np.arange(len(tied)), piece.first_row).astype(np.float64)
        return Column(rows, tied & column.among, column.group, column.places)


@dataclass(frozen=True, slots=True)
class GroupValues:
    """The step that brings all values of a group."""

    column: ColumnOf
    group: int

    def __call__(self, stretch: Stretch) -> tuple[Values, ...]:
        """Look at some pieces."""
        parts = []
        for piece in stretch.pieces:
            column = self.column(piece)
            among = column.among if column.group is None else column.group == self.group
            parts.append(Values.of(column, np.flatnonzero(among), piece.first_row))
        return tuple(parts)
