"""The rules that flag rows, from a few numbers of each row and the pruning counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.findings import FILTERS
from labelaudit.kernels.joint import EMPTY, UNDECIDED, contested_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from labelaudit.audits.facts import RowFacts
    from labelaudit.audits.ground import Piece

__all__ = [
    "CONTESTED",
    "NUDGE",
    "Contested",
    "RowEvidence",
    "as_bits",
    "contested_of",
    "severity_of",
]

CONTESTED = "contested"
NUDGE = 1e-6
"""What the given class is helped by when it is asked whether it is the most probable one."""


@dataclass(frozen=True, slots=True)
class RowEvidence:
    """What the filters look at, for each of m rows of a piece, none of which is left out.

    Attributes
    ----------
    rows : (m,) int
        Which rows, ascending.
    labels : (m,) int32
    given_prob, best_prob : (m,) float
        Probability of the given class and of the best other one.
    best_class : (m,) int16 or int32
        The best other class; of equal ones the lowest.
    contradicted : (m,) bool
        Rows whose most probable class is another one.
    confident : (m,) int32
        The class a contested row counts for in the confident joint, or negative.
    """

    rows: npt.NDArray[np.signedinteger]
    labels: npt.NDArray[np.int32]
    given_prob: npt.NDArray[np.floating]
    best_prob: npt.NDArray[np.floating]
    best_class: npt.NDArray[np.signedinteger]
    contradicted: npt.NDArray[np.bool_]
    confident: npt.NDArray[np.int32]

    @classmethod
    def of(
        cls,
        facts: RowFacts,
        rows: npt.NDArray[np.signedinteger],
        confident: npt.NDArray[np.int32],
    ) -> RowEvidence:
        """Take from the leading classes of rows the best one that is not the given one."""
        labels = facts.labels.take(rows)
        classes, leading = facts.classes.take(rows, axis=0), facts.leading.take(rows, axis=0)
        contradicted = classes[:, 0] != labels
        return cls(
            rows,
            labels,
            facts.given_prob.take(rows),
            np.where(contradicted, leading[:, 0], leading[:, 1]),
            np.where(contradicted, classes[:, 0], classes[:, 1]),
            contradicted,
            confident,
        )

    def and_of(self, facts: RowFacts, wanted: npt.NDArray[np.bool_]) -> RowEvidence:
        """Add the other wanted rows, (n,) bool, of the piece; they count for no class."""
        others = wanted.copy()
        others[self.rows] = False
        rows = np.flatnonzero(others)
        if not len(rows):
            return self
        more = RowEvidence.of(facts, rows, np.full(len(rows), EMPTY, np.int32))
        names = RowEvidence.__slots__
        both = RowEvidence(*(np.concatenate([getattr(e, n) for e in (self, more)]) for n in names))
        order = np.argsort(both.rows, kind="stable")
        return RowEvidence(*(getattr(both, name)[order] for name in names))

    @property
    def all_of_them(self) -> npt.NDArray[np.bool_]:
        """(m,) bool: True for every row."""
        return np.ones(len(self.rows), np.bool_)

    def opposed(self) -> npt.NDArray[np.bool_]:
        """(m,) bool: contradicted rows that stay so after helping the given class a little."""
        given = self.given_prob + self.given_prob.dtype.type(NUDGE)
        tied = (given == self.best_prob) & (self.best_class < self.labels)
        result: npt.NDArray[np.bool_] = self.contradicted & ((self.best_prob > given) | tied)
        return result

    def counted_off(self, opposed: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """(m,) bool: rows counted for another class that are opposed."""
        result: npt.NDArray[np.bool_] = self.confident != self.labels
        result &= self.confident >= 0
        result &= opposed
        return result

    def margins(self) -> npt.NDArray[np.floating]:
        """(m,) float P(given) - P(best other)."""
        result: npt.NDArray[np.floating] = self.given_prob - self.best_prob
        return result


@dataclass(frozen=True, slots=True)
class Contested:
    """The rows of a piece of which another class is at least as probable as the given one.

    No other row is flagged by a filter that asks for that, so that nothing else has to be kept of
    the many rows that model and label agree on.

    Attributes
    ----------
    evidence : RowEvidence
        Of these rows.
    undecided : (u,) int32
        Rows of the piece, contested or not, that their leading classes do not settle.
    """

    evidence: RowEvidence
    undecided: npt.NDArray[np.int32]

    @classmethod
    def of(cls, facts: RowFacts, confident: npt.NDArray[np.int32]) -> Contested:
        """Find them among the n rows of a piece; (n,) confident classes are given."""
        room = np.empty(len(facts), np.int32)
        rows = room[: contested_rows(facts.labels, facts.classes, facts.leading, room)].copy()
        undecided = np.flatnonzero((confident == UNDECIDED) & (facts.labels >= 0))
        return cls(RowEvidence.of(facts, rows, confident[rows]), undecided.astype(np.int32))

    def settled(self, confident: npt.NDArray[np.int32]) -> Contested:
        """Put in what the undecided rows, (u,) int32, count for."""
        rows, found = self.evidence.rows, self.evidence.confident.copy()
        found[np.isin(rows, self.undecided)] = confident[np.isin(self.undecided, rows)]
        return Contested(replace(self.evidence, confident=found), self.undecided)

    def keep(self, piece: Piece) -> None:
        """Put them on the shelf."""
        piece.put(CONTESTED, self)


def contested_of(piece: Piece) -> Contested:
    """Return the contested rows of a piece."""
    contested: Contested = piece.get(CONTESTED)
    return contested


def as_bits(masks: Mapping[str, npt.NDArray[np.bool_]]) -> npt.NDArray[np.uint8]:
    """Put masks into one (N,) uint8, bit i for the i-th of ``FILTERS``."""
    bits = np.zeros(len(next(iter(masks.values()))), np.uint8)
    for name, mask in masks.items():
        bits |= mask.astype(np.uint8) << np.uint8(FILTERS.index(name))
    return bits


def severity_of(
    is_issue: npt.NDArray[np.bool_],
    at_face_value: npt.NDArray[np.bool_],
    contradicted: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int8]:
    """Say how bad each row or cell is: 2 high, 1 medium, 0 low, -1 none.

    Parameters
    ----------
    is_issue, at_face_value, contradicted : (n,) bool
        Flagged; more probably wrong than not, taking the probabilities at face value; another
        class is more probable.

    Returns
    -------
    (n,) int8
    """
    unflagged = np.where(contradicted, np.int8(0), np.int8(-1))
    return np.where(is_issue, np.int8(1) + at_face_value.astype(np.int8), unflagged)
