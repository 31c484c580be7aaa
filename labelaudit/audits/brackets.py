"""The passes that selection makes: some values for a guess, then what lies inside brackets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from labelaudit.summaries.ordering import grouped_order

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
    "TiedRows",
    "Values",
]

SLACK = 4
"""Standard deviations of a guess that a bracket is wide, to either side."""


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
    """

    values: npt.NDArray[np.floating]
    among: npt.NDArray[np.bool_]
    group: npt.NDArray[np.signedinteger] | None = None

    def rows(
        self, chosen: npt.NDArray[np.intp]
    ) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int32]]:
        """Return values and groups of some rows."""
        if self.group is None:
            return self.values[chosen], np.zeros(len(chosen), np.int32)
        return self.values[chosen], self.group[chosen].astype(np.int32)


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

    @classmethod
    def around(cls, question: Question, sample: Values) -> Bracket:
        """Guess a bracket from some values: wide enough but for bad luck."""
        bracket = cls.open(question)
        order = grouped_order(sample.group, sample.value)
        value, group = sample.value[order], sample.group[order]
        start = np.searchsorted(group, np.arange(len(question.wanted) + 1))
        some, asked = np.diff(start), question.wanted > 0
        place = some * np.maximum(question.wanted, 0) / np.maximum(question.size, 1)
        slack = SLACK * (np.sqrt(place) + 2.0)
        low, high = np.trunc(place - slack), np.ceil(place + slack)
        for end, at, chosen in (
            (bracket.low, low, asked & (low >= 0) & (low < some)),
            (bracket.high, high, asked & (high < some)),
        ):
            end[chosen] = value[start[:-1][chosen] + at[chosen].astype(np.int64)]
        return bracket


@dataclass(frozen=True, slots=True)
class Values:
    """Some values, their groups and rows."""

    value: npt.NDArray[np.floating]
    group: npt.NDArray[np.int32]
    row: npt.NDArray[np.int64]

    @classmethod
    def of(cls, column: Column, chosen: npt.NDArray[np.intp], first_row: int) -> Values:
        """Take some rows of a piece."""
        return cls(*column.rows(chosen), first_row + chosen)

    @classmethod
    def joined(cls, parts: Sequence[Values]) -> Values:
        """Join values of consecutive rows."""
        return cls(*(np.concatenate([getattr(p, n) for p in parts]) for n in Values.__slots__))


@dataclass(frozen=True, slots=True)
class Brought:
    """What a pass brings for each question, still in parts.

    Attributes
    ----------
    counts : tuple of (3, G) int64
        Rows of each group below the bracket, at its low end, at its high end.
    parts : tuple of tuple of Values
        Rows inside the bracket.
    """

    counts: tuple[npt.NDArray[np.int64], ...]
    parts: tuple[tuple[Values, ...], ...]

    def __add__(self, more: Brought) -> Brought:
        return Brought(
            tuple(a + b for a, b in zip(self.counts, more.counts, strict=True)),
            tuple(a + b for a, b in zip(self.parts, more.parts, strict=True)),
        )


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
        nothing = np.zeros(0, np.int64)
        return Brought(tuple(nothing for _ in parts), tuple(map(tuple, parts)))

    def _some(self, column: Column, piece: Piece) -> Values:
        chosen = np.flatnonzero(column.among[:: self.every]) * self.every
        return Values.of(column, chosen, piece.first_row)


@dataclass(frozen=True, slots=True)
class Gather:
    """The step that counts what is below each bracket, and brings what is inside."""

    columns: tuple[ColumnOf, ...]
    brackets: tuple[Bracket, ...]

    def __call__(self, stretch: Stretch) -> Brought:
        """Look at some pieces."""
        counts, parts = [], []
        for column_of, bracket in zip(self.columns, self.brackets, strict=True):
            count = np.zeros((3, len(bracket.low)), np.int64)
            inside = [
                _inside(column_of(piece), bracket, piece.first_row, count)
                for piece in stretch.pieces
            ]
            counts.append(count)
            parts.append(tuple(inside))
        return Brought(tuple(counts), tuple(parts))


def _inside(
    column: Column, bracket: Bracket, first_row: int, counts: npt.NDArray[np.int64]
) -> Values:
    kind = column.values.dtype
    low, high = bracket.low.astype(kind), bracket.high.astype(kind)
    group = 0 if column.group is None else np.maximum(column.group, 0)
    near = np.flatnonzero((column.values <= high[group]) & column.among)
    values, groups = column.rows(near)
    least, most = low[groups], high[groups]
    # Values at the ends of a bracket may be very many: they are only counted.
    for place, chosen in enumerate(
        (values < least, values == least, (values == most) & (least < most))
    ):
        counts[place] += np.bincount(groups[chosen], minlength=counts.shape[1])
    return Values.of(column, near[(values > least) & (values < most)], first_row)


@dataclass(frozen=True, slots=True)
class TiedRows:
    """The step that brings the rows of some groups that have a certain value.

    Attributes
    ----------
    column : ColumnOf
    values : (G,) float64
        NaN for the other groups.
    """

    column: ColumnOf
    values: npt.NDArray[np.float64]

    def __call__(self, stretch: Stretch) -> tuple[Values, ...]:
        """Look at some pieces."""
        parts = []
        for piece in stretch.pieces:
            column = self.column(piece)
            group = 0 if column.group is None else np.maximum(column.group, 0)
            tied = column.values == self.values.astype(column.values.dtype)[group]
            parts.append(Values.of(column, np.flatnonzero(tied & column.among), piece.first_row))
        return tuple(parts)


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
