"""Scores, severity, and the ranked rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.facts import facts_of
from labelaudit.audits.filters import as_bits, severity_of
from labelaudit.audits.second import ADJUSTED, SCORED
from labelaudit.findings import IssueChunk, IssueRows
from labelaudit.summaries.ordering import stable_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from labelaudit.audits.facts import RowFacts
    from labelaudit.audits.filters import RowEvidence
    from labelaudit.audits.flagging import Rules
    from labelaudit.audits.ground import Piece
    from labelaudit.audits.second import ChannelFacts

__all__ = ["Ranking", "Scores", "flagged_rows", "scores_of", "worst_first"]

LEAST_GIVEN = 1e-6
TINY = 1e-8


@dataclass(frozen=True, slots=True)
class Scores:
    """What ranks rows, low is bad.

    Attributes
    ----------
    order : (N,) float
        What is sorted by.
    quality : (N,) float
        What is shown, 0..1. For rcp the exponential of ``order``, which tells rows apart where
        the quality is 0 or 1 to the last digit.
    """

    order: npt.NDArray[np.floating]
    quality: npt.NDArray[np.floating]


def scores_of(name: str, facts: RowFacts, piece: Piece) -> Scores:
    """Score all n rows of a piece.

    Parameters
    ----------
    name : str
        ``rcp``, ``self_confidence``, ``normalized_margin`` or ``confidence_weighted_entropy``.
        The second and third use adjusted probabilities where there are any.
    facts : RowFacts
    piece : Piece
    """
    if name == "rcp":
        order = piece.get(SCORED).score
        return Scores(order, np.exp(order))
    adjusted = piece.look(ADJUSTED)
    given: npt.NDArray[np.floating] = facts.given_prob if adjusted is None else adjusted.given
    quality = given
    if name == "normalized_margin":
        best = facts.best_other_prob() if adjusted is None else adjusted.best
        quality = (given.astype(np.float64) - best + 1.0) / 2.0
    elif name == "confidence_weighted_entropy":
        quality = _confidence_weighted_entropy(facts.entropy, given.astype(np.float64))
    return Scores(quality, quality)


def _confidence_weighted_entropy(
    entropy: npt.NDArray[np.floating], given: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """ln(1 + w) / w with w = entropy / P(given): 1 for a sure and undisputed label."""
    weight = entropy / np.maximum(given, LEAST_GIVEN)
    # Below TINY the quotient loses its digits; the first terms of its series do not.
    large = np.maximum(weight, TINY)
    return np.where(weight < TINY, 1.0 - weight / 2.0, np.log1p(large) / large)


@dataclass(frozen=True, slots=True)
class Ranking:
    """What is known of the rows of a piece before the ranked ones are picked.

    Attributes
    ----------
    first_row : int
    labels : (n,) int32
        Of all its rows; negative where left out.
    scores : Scores
        Of all its rows.
    doubts : (n,) float64
        Probability that a label is wrong at face value: the channel's, where there is one.
    channel : ChannelFacts or None
        What suggests labels; the most probable classes where there is none.
    evidence : RowEvidence
        Of m rows: all that are flagged by any rule, or all that are not left out.
    entropy : (m,) float
    is_issue : (m,) bool
    at_face_value : (m,) bool
        Among the worst rows, as many as are wrong at face value.
    by_rule : mapping of str to (m,) bool
        Flagged by each of ``FILTERS`` that was computed.
    """

    first_row: int
    labels: npt.NDArray[np.int32]
    scores: Scores
    doubts: npt.NDArray[np.float64]
    channel: ChannelFacts | None
    evidence: RowEvidence
    entropy: npt.NDArray[np.floating]
    is_issue: npt.NDArray[np.bool_]
    at_face_value: npt.NDArray[np.bool_]
    by_rule: Mapping[str, npt.NDArray[np.bool_]]

    @classmethod
    def of(cls, piece: Piece, rules: Rules, method: str, score: str, *, every_row: bool) -> Ranking:
        """Score the rows of a piece, and flag them."""
        facts, scored = facts_of(piece), piece.get(SCORED)
        evidence = rules.evidence(piece, every_row)
        by_rule = rules.masks(piece, evidence)
        return cls(
            piece.first_row,
            facts.labels,
            scores_of(score, facts, piece),
            scored.doubts(),
            scored if score == "rcp" else None,
            evidence,
            facts.entropy.take(evidence.rows),
            by_rule[method],
            rules.at_face_value(piece, evidence),
            by_rule,
        )

    def flagged(self) -> npt.NDArray[np.bool_]:
        """(n,) bool: which of all rows the method flags."""
        flagged = np.zeros(len(self.labels), np.bool_)
        flagged[self.evidence.rows[self.is_issue]] = True
        return flagged

    def suggestions(
        self, picked: npt.NDArray[np.intp]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return the class the model would give to some of the m rows, and its probability.

        Where that is the given class, -1 and the probability of the best other class.
        """
        evidence = self.evidence
        best = evidence.best_prob[picked].astype(np.float32)
        if self.channel is None:
            found = np.where(evidence.contradicted[picked], evidence.best_class[picked], -1)
            return found.astype(np.int32), best
        rows = evidence.rows[picked]
        found = self.channel.suggested[rows].astype(np.int32)
        agrees = found == evidence.labels[picked]
        prob = np.where(agrees, best, self.channel.suggested_prob[rows])
        return np.where(agrees, np.int32(-1), found), prob

    def chunk(self, every_row: bool) -> IssueChunk:
        """Pick the flagged rows, or all that are not left out."""
        evidence = self.evidence
        picked = np.arange(len(evidence.rows)) if every_row else np.flatnonzero(self.is_issue)
        rows = evidence.rows[picked]
        given = evidence.given_prob[picked].astype(np.float32)
        is_issue = self.is_issue[picked]
        suggested, suggested_prob = self.suggestions(picked)
        found = IssueRows(
            row=self.first_row + rows.astype(np.int64),
            given=evidence.labels[picked],
            suggested=suggested,
            label_quality=self.scores.quality[rows].astype(np.float64),
            is_issue=is_issue,
            given_prob=given,
            suggested_prob=suggested_prob,
            margin=given - evidence.best_prob[picked].astype(np.float32),
            entropy=self.entropy[picked].astype(np.float32),
            flagged_by=as_bits({name: mask[picked] for name, mask in self.by_rule.items()}),
            severity=severity_of(
                is_issue, self.at_face_value[picked], evidence.contradicted[picked]
            ),
        )
        return IssueChunk(found, self.scores.order[rows])


_TYPES = {
    "row": np.int64,
    "given": np.int32,
    "suggested": np.int32,
    "label_quality": np.float64,
    "is_issue": np.bool_,
    "flagged_by": np.uint8,
    "severity": np.int8,
}


def worst_first(chunks: Sequence[IssueChunk], top: int | None) -> IssueRows:
    """Sort rows by what ranks them, ties by row, and keep the first ``top``."""
    if not chunks:
        return IssueRows(
            *(np.empty(0, _TYPES.get(name, np.float32)) for name in IssueRows.__slots__)
        )
    order = np.concatenate([chunk.order for chunk in chunks])
    place = stable_order(order)[:top]
    return IssueRows(
        *(
            np.concatenate([getattr(chunk.rows, name) for chunk in chunks])[place]
            for name in IssueRows.__slots__
        )
    )


def flagged_rows(chunks: Sequence[IssueChunk]) -> npt.NDArray[np.int64]:
    """Return the rows that are flagged, ascending."""
    found = [chunk.rows.row[chunk.rows.is_issue] for chunk in chunks]
    return np.concatenate([np.empty(0, np.int64), *found])
