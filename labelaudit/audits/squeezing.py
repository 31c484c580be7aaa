"""Ranked rows in few bytes, as they travel: without what follows from the rest."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.findings import IssueChunk, IssueRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["Squeezed", "joined_chunks"]


def joined_chunks(chunks: Sequence[IssueChunk]) -> IssueChunk:
    """Put chunks together, of which there is at least one."""
    rows = {
        each.name: np.concatenate([getattr(chunk.rows, each.name) for chunk in chunks])
        for each in fields(IssueRows)
    }
    return IssueChunk(IssueRows(**rows), np.concatenate([chunk.order for chunk in chunks]))


@dataclass(frozen=True, slots=True)
class Squeezed:
    """The columns of a chunk of m rows.

    Attributes
    ----------
    first_row : int
    steps : (m,) unsigned int
        From row to row.
    given, suggested : (m,) unsigned int
        One more than the codes.
    order : (m,) float
    quality : (m,) float64 or None
        Where it is neither the order nor its exponential.
    is_issue : (m,) bool or None
        Where not all are.
    given_prob, suggested_prob, entropy : (m,) float32
    margin_at, margin : (n,) int64, float32
        Where it is not the difference of these probabilities.
    flagged_by : (m,) uint8
    severity : (m,) int8
    """

    first_row: int
    steps: npt.NDArray[np.unsignedinteger]
    given: npt.NDArray[np.unsignedinteger]
    suggested: npt.NDArray[np.unsignedinteger]
    order: npt.NDArray[np.floating]
    quality: npt.NDArray[np.float64] | None
    is_issue: npt.NDArray[np.bool_] | None
    given_prob: npt.NDArray[np.float32]
    suggested_prob: npt.NDArray[np.float32]
    entropy: npt.NDArray[np.float32]
    margin_at: npt.NDArray[np.int64]
    margin: npt.NDArray[np.float32]
    flagged_by: npt.NDArray[np.uint8]
    severity: npt.NDArray[np.int8]

    @classmethod
    def of(cls, chunk: IssueChunk) -> Squeezed:
        """Leave out what ``whole`` finds again, bit for bit."""
        rows = chunk.rows
        first_row = int(rows.row[0]) if len(rows.row) else 0
        other = np.flatnonzero(rows.given_prob - rows.suggested_prob != rows.margin)
        return cls(
            first_row,
            _narrow(np.diff(rows.row, prepend=first_row)),
            _narrow(rows.given + 1),
            _narrow(rows.suggested + 1),
            chunk.order,
            None if _same(_quality(chunk.order), rows.label_quality) else rows.label_quality,
            None if rows.is_issue.all() else rows.is_issue,
            rows.given_prob,
            rows.suggested_prob,
            rows.entropy,
            other,
            rows.margin[other],
            rows.flagged_by,
            rows.severity,
        )

    def whole(self) -> IssueChunk:
        """Return the chunk as it was."""
        margin = self.given_prob - self.suggested_prob
        margin[self.margin_at] = self.margin
        quality, all_issues = self.quality, np.ones(len(self.order), np.bool_)
        rows = IssueRows(
            row=self.first_row + np.cumsum(self.steps, dtype=np.int64),
            given=_codes(self.given),
            suggested=_codes(self.suggested),
            label_quality=_quality(self.order) if quality is None else quality,
            is_issue=all_issues if self.is_issue is None else self.is_issue,
            given_prob=self.given_prob,
            suggested_prob=self.suggested_prob,
            margin=margin,
            entropy=self.entropy,
            flagged_by=self.flagged_by,
            severity=self.severity,
        )
        return IssueChunk(rows, self.order)


def _quality(order: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the quality of most scores: the order itself, or the exponential of logarithms."""
    values = order.astype(np.float64)
    quality: npt.NDArray[np.float64] = np.exp(values) if (values <= 0.0).all() else values
    return quality


def _same(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> bool:
    return first.tobytes() == second.tobytes()


def _narrow(values: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.unsignedinteger]:
    """Return whole numbers from 0 in the narrowest type that holds them."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))


def _codes(narrow: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.int32]:
    return narrow.astype(np.int32) - np.int32(1)
