"""The rows with the lowest values, of all rows or of each class, without gathering all values.

A bracket around each cut is guessed from some of the rows. One pass over all rows counts what lies
below the bracket, and brings only what lies inside; that it held the cut is then checked, so a
wrong guess costs another pass, never a wrong answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.brackets import (
    Bracket,
    Brought,
    Gather,
    GroupValues,
    Sketch,
    TiedRows,
    Values,
)
from labelaudit.summaries.ordering import grouped_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.audits.brackets import Column, Question
    from labelaudit.audits.ground import Ground

__all__ = ["Cut", "lowest_cuts"]

SKETCHED = 1 << 16
"""Rows that brackets are guessed from, at least; of fewer rows all values are brought."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Which rows are the lowest: those below a value, and of those at it the first ones.

    Attributes
    ----------
    below : (G,) float64
    last : (G,) int64
        The last row that is chosen of those at the value.
    named : (m,) int64
        Further rows at the value that are chosen, ascending.
    """

    below: npt.NDArray[np.float64]
    last: npt.NDArray[np.int64]
    named: npt.NDArray[np.int64]

    def flags(self, column: Column, first_row: int) -> npt.NDArray[np.bool_]:
        """(n,) bool: the rows of a piece that are chosen."""
        below, values = self.below.astype(column.values.dtype), column.values
        cuts = below[0] if column.group is None else below[np.maximum(column.group, 0)]
        chosen: npt.NDArray[np.bool_] = (values < cuts) & column.among
        tied = np.flatnonzero((values == cuts) & column.among)
        if len(tied):
            rows, group = first_row + tied, column.rows(tied)[1]
            chosen[tied] = (rows <= self.last[group]) | np.isin(rows, self.named)
        return chosen


def lowest_cuts(
    ground: Ground, questions: Sequence[Question], n_rows: int, compat: bool = False
) -> list[Cut]:
    """Find the n lowest (value, row) of each group, for several questions at once.

    Parameters
    ----------
    ground : Ground
    questions : sequence of Question
    n_rows : int
        Rows of the whole input.
    compat : bool
        Of rows that tie at the cut, choose those that numpy's default sort of all values of the
        group puts first, as the peer does.
    """
    columns = tuple(question.column for question in questions)
    brackets = [Bracket.open(question) for question in questions]
    every = max(n_rows // SKETCHED, 1)
    if every > 1:
        sketch: Brought = reduce(add, ground.over(Sketch(columns, every)))
        samples = [Values.joined(parts) for parts in sketch.parts]
        brackets = [Bracket.around(*asked) for asked in zip(questions, samples, strict=True)]
    brought: Brought = reduce(add, ground.over(Gather(columns, tuple(brackets))))
    cuts = []
    for place, (question, bracket) in enumerate(zip(questions, brackets, strict=True)):
        search = _Search.of(ground, question, bracket, brought, place, compat)
        cuts.append((search if search.held else _searched_anew(search)).cut())
    return cuts


def _searched_anew(search: _Search) -> _Search:
    """Search without guesses."""
    question = search.question
    bracket = Bracket.open(question)
    brought = reduce(add, search.ground.over(Gather((question.column,), (bracket,))))
    return _Search.of(search.ground, question, bracket, brought, 0, search.compat)


@dataclass(slots=True)
class _Search:
    """Looks for the cuts of one question.

    Attributes
    ----------
    ground : Ground
    question : Question
    bracket : Bracket
    counts : (3, G) int64
    inside : Values
        Sorted by group, value and row.
    compat : bool
    """

    ground: Ground
    question: Question
    bracket: Bracket
    counts: npt.NDArray[np.int64]
    inside: Values
    compat: bool

    @classmethod
    def of(
        cls,
        ground: Ground,
        question: Question,
        bracket: Bracket,
        brought: Brought,
        place: int,
        compat: bool,
    ) -> _Search:
        found = Values.joined(brought.parts[place])
        order = grouped_order(found.group, found.value)  # they came in row order
        inside = Values(*(getattr(found, name)[order] for name in Values.__slots__))
        return cls(ground, question, bracket, brought.counts[place], inside, compat)

    @property
    def held(self) -> bool:
        """Whether the bracket holds the cut of every group."""
        n = np.minimum(self.question.wanted, self.question.size)
        inside = np.bincount(self.inside.group, minlength=len(n))
        enough = self.counts.sum(axis=0) + inside >= n
        return bool((((self.counts[0] < n) & enough) | (n <= 0)).all())

    def cut(self) -> Cut:
        """Return which rows are the lowest."""
        groups = len(self.question.wanted)
        below, last = np.full(groups, -np.inf), np.full(groups, -1, np.int64)
        missing = np.zeros(groups, np.int64)
        named = [np.empty(0, np.int64)]
        start = np.searchsorted(self.inside.group, np.arange(groups + 1))
        for k in np.flatnonzero(self.question.wanted > 0).tolist():
            n = int(min(self.question.wanted[k], self.question.size[k]))
            if n == 0:
                continue
            rows = self.inside.row[start[k] : start[k + 1]]
            below[k], first, tied, wanted = self._value(
                k, n, self.inside.value[start[k] : start[k + 1]]
            )
            if wanted == tied:
                last[k] = np.iinfo(np.int64).max
            elif self.compat:
                named.append(self._as_the_peer(k, float(below[k])))
            elif first is not None:
                last[k] = rows[first + wanted - 1]
            else:
                missing[k] = wanted
        if missing.any():
            self._find_last(below, missing, last)
        return Cut(below, last, np.sort(np.concatenate(named)))

    def _value(
        self, k: int, n: int, values: npt.NDArray[np.floating]
    ) -> tuple[float, int | None, int, int]:
        """Return the value at the cut, how many rows have it, and how many of them are wanted.

        Where these are inside the bracket, say also from which place on.
        """
        below, at_low, at_high = self.counts[:, k].tolist()
        left = n - below - at_low
        if left <= 0:
            return float(self.bracket.low[k]), None, at_low, n - below
        if left <= len(values):
            value = values[left - 1]
            first = int(values.searchsorted(value))
            return (
                float(value),
                first,
                int(values.searchsorted(value, "right")) - first,
                left - first,
            )
        return float(self.bracket.high[k]), None, at_high, left - len(values)

    def _find_last(
        self,
        below: npt.NDArray[np.float64],
        missing: npt.NDArray[np.int64],
        last: npt.NDArray[np.int64],
    ) -> None:
        """Find the last of the rows at the ends of brackets that are wanted, in one pass."""
        step = TiedRows(self.question.column, np.where(missing > 0, below, np.nan))
        tied = Values.joined([part for found in self.ground.over(step) for part in found])
        order = np.argsort(tied.group, kind="stable")
        start = np.searchsorted(tied.group[order], np.arange(len(missing)))
        found = np.flatnonzero(missing)
        last[found] = tied.row[order][start[found] + missing[found] - 1]

    def _as_the_peer(self, k: int, value: float) -> npt.NDArray[np.int64]:
        parts = [
            p for found in self.ground.over(GroupValues(self.question.column, k)) for p in found
        ]
        whole = Values.joined(parts)
        # Not stable on purpose: ties go where the peer's sort puts them.
        chosen = np.argsort(whole.value)[: int(self.question.wanted[k])]
        rows: npt.NDArray[np.int64] = whole.row[chosen[whole.value[chosen] == value]]
        return rows
