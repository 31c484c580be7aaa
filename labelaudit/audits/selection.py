"""The rows with the lowest values, of all rows or of each class, without gathering all values.

A bracket around each cut is guessed from some of the rows. One pass over all rows counts what lies
below the bracket, and brings only what lies inside; that it held the cut is then checked, so a
wrong guess costs another pass, never a wrong answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.brackets import (
    SLACK,
    Bracket,
    Brought,
    Gather,
    GroupValues,
    Question,
    Sketch,
    Tied,
    Values,
)
from labelaudit.summaries.ordering import grouped_order, order_around

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.audits.brackets import Column
    from labelaudit.audits.ground import Ground

__all__ = ["Cut", "Guess", "cuts_within", "lowest_cuts", "sketch_step"]

SKETCHED = 1 << 15
"""Rows that brackets are guessed from, at least; of fewer rows all values are brought."""
MANY_SKETCHED = 1 << 16
"""The same of very many rows: wide brackets cost more there than a second look at the guess."""
MANY_ROWS = 1 << 22
MOST = 1 << 18
"""Values that may come from inside brackets, about; of more, some come for a narrower guess."""
PATIENCE = 8.0
"""How much wider brackets are guessed after others did not hold."""
MOST_SLACK = 256.0


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
        cuts = column.of_groups(below)
        chosen: npt.NDArray[np.bool_] = (values < cuts) & column.among
        tied = np.flatnonzero((values == cuts) & column.among)
        if len(tied):
            rows, group = column.numbered(tied, first_row), column.rows(tied)[1]
            chosen[tied] = (rows <= self.last[group]) | np.isin(rows, self.named)
        return chosen


@dataclass(frozen=True, slots=True)
class Guess:
    """Where cuts are looked for.

    Attributes
    ----------
    brackets : tuple of Bracket
        For each question.
    expected : int
        How many values are inside, about; 0 if all of them are to come, however many.
    """

    brackets: tuple[Bracket, ...]
    expected: int

    @classmethod
    def open(cls, questions: Sequence[Question]) -> Guess:
        """Look everywhere."""
        size = sum(int(question.size.sum()) for question in questions)
        return cls(tuple(Bracket.open(question) for question in questions), size)

    def narrowed(
        self,
        questions: Sequence[Question],
        counts: Sequence[npt.NDArray[np.int64]],
        samples: Sequence[Sequence[Values]],
        slack: float,
    ) -> Guess:
        """Look where some of the values say that the cuts are."""
        found = [
            bracket.narrowed(question, count, Values.joined(some), slack)
            for bracket, question, count, some in zip(
                self.brackets, questions, counts, samples, strict=True
            )
        ]
        return Guess(tuple(each for each, _ in found), sum(expected for _, expected in found))


def sketch_step(n_rows: int) -> int:
    """Return of how many rows one is in a sketch."""
    return n_rows // (SKETCHED if n_rows < MANY_ROWS else MANY_SKETCHED)


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
    return _searched(ground, questions, n_rows, compat, SLACK)


def cuts_within(
    ground: Ground,
    questions: Sequence[Question],
    guess: Guess,
    n_rows: int,
    compat: bool = False,
    slack: float = SLACK,
) -> list[Cut]:
    """Do the same, beginning with brackets that were guessed elsewhere."""
    guess, brought = _narrowed(ground, questions, guess, slack)
    cuts = []
    for place, (question, bracket) in enumerate(zip(questions, guess.brackets, strict=True)):
        search = _Search.of(ground, question, bracket, brought, place, compat)
        if search.held:
            cuts.append(search.cut())
        else:
            cuts += _searched(ground, [question], n_rows, compat, PATIENCE * slack)
    return cuts


def _order(
    found: Values, question: Question, counts: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Order values, which come in row order, by group and value."""
    if len(question.wanted) != 1:
        return grouped_order(found.group, found.value)
    left = int(np.minimum(question.wanted, question.size)[0] - counts[:2].sum())
    inside = 0 < left <= len(found.value)
    return order_around(found.value, left - 1) if inside else np.arange(len(found.value))


def _searched(
    ground: Ground, questions: Sequence[Question], n_rows: int, compat: bool, slack: float
) -> list[Cut]:
    """Search with guesses from every so many rows; without, where these have misled before."""
    guess, every = Guess.open(questions), sketch_step(n_rows)
    if every > 1 and slack <= MOST_SLACK:
        columns = tuple(question.column for question in questions)
        sketch: Brought = reduce(add, ground.over(Sketch(columns, every)))
        counts = [np.zeros((4, len(question.size)), np.int64) for question in questions]
        for count, question in zip(counts, questions, strict=True):
            count[3] = question.size
        guess = guess.narrowed(questions, counts, sketch.parts, slack)
    elif every > 1:
        guess = replace(guess, expected=0)  # all of it has to come
    return cuts_within(ground, questions, guess, n_rows, compat, slack)


def _narrowed(
    ground: Ground, questions: Sequence[Question], guess: Guess, slack: float
) -> tuple[Guess, Brought]:
    """Count what is inside brackets, and guess narrower ones, until what is inside may come."""
    columns = tuple(question.column for question in questions)
    while True:
        every = max(guess.expected // MOST, 1)
        brought = reduce(add, ground.over(Gather(columns, guess.brackets, every)))
        if every == 1:
            return guess, brought
        narrower = guess.narrowed(questions, brought.counts, brought.parts, slack)
        stuck = 2 * narrower.expected > guess.expected
        guess = replace(narrower, expected=0) if stuck else narrower


@dataclass(frozen=True, slots=True)
class _Found:
    """The value at the cut of each of G groups.

    Attributes
    ----------
    value : (G,) float64
    first : (G,) int64
        Where rows with this value begin inside the bracket; -1 where it is an end of the bracket.
    tied, wanted : (G,) int64
        How many rows have it, and how many of them are wanted.
    """

    value: npt.NDArray[np.float64]
    first: npt.NDArray[np.int64]
    tied: npt.NDArray[np.int64]
    wanted: npt.NDArray[np.int64]


def _tied(
    values: Values, place: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return where the run of equal values around each place begins, and how long it is."""
    new = np.ones(len(values.value), np.bool_)
    same_group = values.group[1:] == values.group[:-1]
    new[1:] = ~(same_group & (values.value[1:] == values.value[:-1]))
    bounds = np.append(np.flatnonzero(new), len(new))
    run = np.searchsorted(bounds, place, "right") - 1
    return bounds[run], bounds[run + 1] - bounds[run]


@dataclass(slots=True)
class _Search:
    """Looks for the cuts of one question.

    Attributes
    ----------
    ground : Ground
    question : Question
    bracket : Bracket
    counts : (4, G) int64
    inside : Values
        Sorted by group, value and row; of one group alone, as far as its cut needs it.
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
        found, counts = Values.joined(brought.parts[place]), brought.counts[place]
        order = _order(found, question, counts)
        inside = Values(*(getattr(found, name)[order] for name in Values.__slots__))
        return cls(ground, question, bracket, counts, inside, compat)

    @property
    def held(self) -> bool:
        """Whether the bracket holds the cut of every group."""
        n = np.minimum(self.question.wanted, self.question.size)
        enough = self.counts.sum(axis=0) >= n
        return bool((((self.counts[0] < n) & enough) | (n <= 0)).all())

    def cut(self) -> Cut:
        """Return which rows are the lowest."""
        wanted, found = np.minimum(self.question.wanted, self.question.size), self._found()
        asked = wanted > 0
        below = np.where(asked, found.value, -np.inf)
        last = np.full(len(wanted), -1, np.int64)
        last[asked & (found.wanted == found.tied)] = np.iinfo(np.int64).max
        some, named = asked & (found.wanted != found.tied), [np.empty(0, np.int64)]
        if self.compat:
            named += [self._as_the_peer(k, float(below[k])) for k in np.flatnonzero(some).tolist()]
            return Cut(below, last, np.sort(np.concatenate(named)))
        inside = np.flatnonzero(some & (found.first >= 0))
        last[inside] = self.inside.row[found.first[inside] + found.wanted[inside] - 1]
        missing = np.where(some & (found.first < 0), found.wanted, 0)
        if missing.any():
            self._find_last(below, missing, found.tied, last)
        return Cut(below, last, named[0])

    def _found(self) -> _Found:
        """Find the values at the cuts, which the brackets hold."""
        below, at_low, at_high, _ = self.counts
        n = np.minimum(self.question.wanted, self.question.size)
        start = np.searchsorted(self.inside.group, np.arange(len(n) + 1))
        left, size = n - below - at_low, np.diff(start)
        inside = (left > 0) & (left <= size)
        place = start[:-1][inside] + left[inside] - 1
        value = np.where(left > 0, self.bracket.high, self.bracket.low)
        value[inside] = self.inside.value[place]
        first, tied = np.full(len(n), -1, np.int64), np.where(left > 0, at_high, at_low)
        first[inside], tied[inside] = _tied(self.inside, place)
        wanted = np.where(left > 0, left - size, n - below)
        wanted[inside] = place + 1 - first[inside]
        return _Found(value, first, tied, wanted)

    def _find_last(
        self,
        below: npt.NDArray[np.float64],
        missing: npt.NDArray[np.int64],
        tied: npt.NDArray[np.int64],
        last: npt.NDArray[np.int64],
    ) -> None:
        """Find the last of the rows at the ends of brackets that are wanted.

        That is the search for the lowest of their row numbers, of which no two are the same.
        """
        asked = missing > 0
        numbers = Tied(self.question.column, np.where(asked, below, np.nan))
        question = Question(numbers, missing, np.where(asked, tied, 0))
        (found,) = lowest_cuts(self.ground, [question], int(question.size.sum()))
        last[asked] = found.below[asked].astype(np.int64)

    def _as_the_peer(self, k: int, value: float) -> npt.NDArray[np.int64]:
        parts = [
            p for found in self.ground.over(GroupValues(self.question.column, k)) for p in found
        ]
        whole = Values.joined(parts)
        # Not stable on purpose: ties go where the peer's sort puts them.
        chosen = np.argsort(whole.value)[: int(self.question.wanted[k])]
        rows: npt.NDArray[np.int64] = whole.row[chosen[whole.value[chosen] == value]]
        return rows
