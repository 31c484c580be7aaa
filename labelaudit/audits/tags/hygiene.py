"""Is multi-label data fit for an audit at all? Problems stop it, warnings do not."""

from __future__ import annotations

from dataclasses import dataclass
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.blocks import TAG_STATUSES
from labelaudit.errors import InvalidDataError, NothingToAuditError
from labelaudit.findings import Problem
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from labelaudit.blocks import TagBlock
    from labelaudit.summaries.tags import TagTally

__all__ = [
    "BadRows",
    "demand_tags",
    "some_names",
    "tag_problems",
    "tag_warnings",
    "why_not_estimable",
]

FIRST_ROWS = 5
MOST_NAMES = 5
FEW = 5
SOFTMAX = 0.99

_AGAIN = "Predict them again, or pass --skip-invalid."
_WORDS = {
    "null_tag": ("have a null in the list of labels", "Take the nulls out of the lists."),
    "repeated_tag": ("name a label more than once", "Name each label of a row once."),
    "unknown_tag": (
        "have a label that is none of the classes",
        "Name every class with --classes, in the order of the probabilities, or mend the labels.",
    ),
    "not_zero_or_one": (
        "have a number other than 0 and 1 among their labels",
        "Write 1 for a label that is given, 0 for one that is not, null for not annotated.",
    ),
    "null_probabilities": ("have no probabilities, or a null among them", _AGAIN),
    "ragged_probabilities": (
        "have more or fewer probabilities than there are classes",
        "Give every row one probability for each class, in one order.",
    ),
    "repeated_prediction": (
        "name a class more than once among their most probable ones",
        "Give each class of a row once.",
    ),
    "unknown_prediction": (
        "name a most probable class that is none of the classes",
        "Name every class with --classes, or mend the predictions.",
    ),
    "nan": ("have a NaN among their probabilities", _AGAIN),
    "infinite": ("have an infinite probability", _AGAIN),
    "negative": (
        "have a negative probability: these look like logits",
        "Take the sigmoid of each number, 1 / (1 + exp(-x)).",
    ),
    "above_one": (
        "have a probability above 1: these look like logits or percentages",
        "Take the sigmoid of each number, 1 / (1 + exp(-x)), or divide percentages by 100.",
    ),
}


@dataclass(frozen=True, slots=True)
class BadRows:
    """Rows that cannot be used, for each of ``TAG_STATUSES``.

    Attributes
    ----------
    counts : tuple of int
    first : tuple of (m,) int64
        The first few rows of each.
    """

    counts: tuple[int, ...]
    first: tuple[npt.NDArray[np.int64], ...]

    @classmethod
    def none(cls) -> BadRows:
        """Return what is said of no rows."""
        return cls((0,) * len(TAG_STATUSES), (np.empty(0, np.int64),) * len(TAG_STATUSES))

    def with_block(self, block: TagBlock) -> BadRows:
        """Return the same with the rows of a block added."""
        if block.status is None:
            return self
        found = [block.start + np.flatnonzero(block.status == s) for s in range(len(TAG_STATUSES))]
        # The first status is of sound rows.
        found[0] = np.empty(0, np.int64)
        return self + BadRows(tuple(map(len, found)), tuple(rows[:FIRST_ROWS] for rows in found))

    def __add__(self, other: BadRows) -> BadRows:
        return BadRows(
            tuple(map(add, self.counts, other.counts)),
            tuple(
                np.concatenate(both)[:FIRST_ROWS]
                for both in zip(self.first, other.first, strict=True)
            ),
        )

    @property
    def number(self) -> int:
        """How many they are."""
        return sum(self.counts)

    def numbered(self, number: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]]) -> BadRows:
        """Return the same with other numbers of the rows."""
        return BadRows(self.counts, tuple(number(rows) for rows in self.first))


def tag_problems(bad: BadRows, n_rows: int) -> tuple[Problem, ...]:
    """List what is wrong with rows.

    Parameters
    ----------
    bad : BadRows
    n_rows : int
        Rows of the whole input.
    """
    return tuple(
        _problem(kind, count, rows, n_rows)
        for kind, count, rows in zip(TAG_STATUSES, bad.counts, bad.first, strict=True)
        if kind in _WORDS and count
    )


def _problem(kind: str, count: int, rows: npt.NDArray[np.int64], n_rows: int) -> Problem:
    what, remedy = _WORDS[kind]
    if 2 * count <= n_rows and ": these look" in what:
        what, remedy = what.partition(": these look")[0], _AGAIN
    noun = "row" if count == 1 else "rows"
    if count == 1:
        what = what.replace("have ", "has ", 1).replace("name ", "names ", 1)
        what = what.replace("their", "its")
    first = tuple(rows.tolist())
    places = ", ".join(f"{row:,}" for row in first) + (", ..." if count > FIRST_ROWS else "")
    sentence = f"{count:,} {noun} {what} ({noun} {places})."
    return Problem(kind, sentence, count, first, remedy)


def demand_tags(tally: TagTally) -> None:
    """Raise if there is nothing to compare.

    Raises
    ------
    NothingToAuditError
        If no row can be used.
    InvalidDataError
        If no row is annotated, or no annotated row has any label.
    """
    if tally.rows == 0:
        raise NothingToAuditError(
            "No row can be used.", "Mend the rows: labelaudit inspect says what is wrong with them."
        )
    by_given = tally.counts.sum(axis=(0, 2))
    if by_given.sum() == 0:
        raise InvalidDataError(
            ["No row is annotated: the labels of all of them are null."],
            "Give another column with --labels; an empty list is a row without any label.",
        )
    if by_given[1] == 0:
        raise InvalidDataError(
            [f"No row has any label: the lists of all {tally.rows:,} rows are empty."],
            "Give another column with --labels.",
        )


def why_not_estimable(tally: TagTally) -> tuple[str, ...]:
    """Say of each class why nothing can be said of it; empty where something can."""
    known, unknown = tally.known, tally.unknown
    found = []
    for (without, with_it), hidden in zip(known.tolist(), unknown[:, 1].tolist(), strict=True):
        if with_it + hidden == 0:
            found.append("no row has it")
        elif 2 * hidden > with_it + hidden:
            found.append("most rows that have it leave it out of their most probable classes")
        elif without == 0:
            found.append("no row is known to be without it")
        else:
            found.append("")
    return tuple(found)


def tag_warnings(
    tally: TagTally, why_not: Sequence[str], classes: Sequence[str]
) -> tuple[str, ...]:
    """Say what is odd about the data, without stopping."""
    found = []
    for why in dict.fromkeys(why_not):
        if why:
            names = [name for name, each in zip(classes, why_not, strict=True) if each == why]
            found.append(f"Not audited: {some_names(names)} ({why}).")
    if len(classes) > 2 and tally.whole and tally.ones >= SOFTMAX * tally.whole:
        found.append(
            "The probabilities of each row sum to 1: is this single-label data? Probabilities of "
            "several labels are independent of one another, as from sigmoids."
        )
    given = tally.counts.sum(axis=2)
    small = (given.min(axis=1) < FEW) & np.array([not why for why in why_not])
    few = [classes[k] for k in np.flatnonzero(small).tolist()]
    if few:
        found.append(
            f"Fewer than {FEW} rows have, or lack, {some_names(few)}: what is said of them is a "
            "guess."
        )
    return (*found, *_in_sample(tally))


def _in_sample(tally: TagTally) -> list[str]:
    """Warn where hardly any given label is contradicted."""
    half = (tally.counts.shape[2] - 1) // 2
    contradicted = int(tally.counts[:, 0, half + 1 : -1].sum() + tally.counts[:, 1, :half].sum())
    present = int(tally.known[:, 1].sum())
    if present < 100 or contradicted > 0.001 * present:
        return []
    sentence = (
        f"The probabilities contradict {contradicted:,} of {int(tally.known.sum()):,} labels: they "
        "look in-sample, and hide errors. Predict out of sample, by cross-validation."
    )
    return [sentence]


def some_names(names: Sequence[str]) -> str:
    """Return the first few names, fit to be shown, and how many more there are."""
    shown = ", ".join(safe(name, 60) for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown
