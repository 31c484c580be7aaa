"""The rules that flag rows, from a few numbers of each row and the pruning counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.facts import kept_of
from labelaudit.findings import FILTERS
from labelaudit.kernels.joint import best_others

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from labelaudit.audits.facts import RowFacts
    from labelaudit.audits.ground import Piece

__all__ = ["NUDGE", "RowEvidence", "as_bits", "evidence_of", "severity_of"]

EVIDENCE = "evidence"
NUDGE = 1e-6
"""What the given class is helped by when it is asked whether it is the most probable one."""


@dataclass(frozen=True, slots=True)
class _Found:
    best_prob: npt.NDArray[np.floating]
    best_class: npt.NDArray[np.signedinteger]
    contradicted: npt.NDArray[np.bool_]
    confident: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class RowEvidence:
    """What the filters look at, for each of n rows.

    Attributes
    ----------
    labels : (n,) int32
        Negative for a row that is left out; no filter flags it.
    given_prob, best_prob : (n,) float
        Probability of the given class and of the best other one.
    best_class : (n,) int16 or int32
        The best other class; of equal ones the lowest.
    contradicted : (n,) bool
        Rows whose most probable class is another one.
    confident : (n,) int32
        The class the row counts for in the confident joint, or negative.
    """

    labels: npt.NDArray[np.int32]
    given_prob: npt.NDArray[np.floating]
    best_prob: npt.NDArray[np.floating]
    best_class: npt.NDArray[np.signedinteger]
    contradicted: npt.NDArray[np.bool_]
    confident: npt.NDArray[np.int32]

    @classmethod
    def of(cls, facts: RowFacts, confident: npt.NDArray[np.int32]) -> RowEvidence:
        """Take from the leading classes the best one that is not the given one."""
        n = len(facts)
        best, prob = np.empty(n, facts.classes.dtype), np.empty(n, facts.leading.dtype)
        contradicted = np.empty(n, np.bool_)
        best_others(facts.labels, facts.classes, facts.leading, best, prob, contradicted)
        return cls(facts.labels, facts.given_prob, prob, best, contradicted, confident)

    def keep(self, piece: Piece) -> None:
        """Put on the shelf what is not there yet."""
        found = _Found(self.best_prob, self.best_class, self.contradicted, self.confident)
        piece.put(EVIDENCE, found)

    def at(self, rows: npt.NDArray[np.intp]) -> RowEvidence:
        """Return some rows."""
        return RowEvidence(*(getattr(self, name)[rows] for name in RowEvidence.__slots__))

    @property
    def valid(self) -> npt.NDArray[np.bool_]:
        """(n,) bool: rows that are not left out."""
        return self.labels >= 0

    def opposed(self) -> npt.NDArray[np.bool_]:
        """(n,) bool: contradicted rows that stay so after helping the given class a little."""
        given = self.given_prob + self.given_prob.dtype.type(NUDGE)
        tied = (given == self.best_prob) & (self.best_class < self.labels)
        result: npt.NDArray[np.bool_] = self.contradicted & ((self.best_prob > given) | tied)
        return result

    def counted_off(self, opposed: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """(n,) bool: rows counted for another class that are opposed."""
        result: npt.NDArray[np.bool_] = self.confident != self.labels
        result &= self.confident >= 0
        result &= opposed
        return result

    def margins(self) -> npt.NDArray[np.floating]:
        """(n,) float P(given) - P(best other)."""
        result: npt.NDArray[np.floating] = self.given_prob - self.best_prob
        return result


def evidence_of(piece: Piece) -> RowEvidence:
    """Return the evidence of a piece."""
    kept, found = kept_of(piece), piece.get(EVIDENCE)
    return RowEvidence(
        kept.labels,
        kept.given_prob,
        found.best_prob,
        found.best_class,
        found.contradicted,
        found.confident,
    )


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
