"""Scores, severity, and the ranked rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.filters import as_bits
from labelaudit.findings import IssueRows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from labelaudit.audits.filters import RowEvidence
    from labelaudit.audits.second import ChannelFacts, SecondReading

__all__ = ["Ranking", "Scores", "ranked_rows", "scores_of"]

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


def scores_of(
    name: str, evidence: RowEvidence, entropy: npt.NDArray[np.floating], second: SecondReading
) -> Scores:
    """Score every row.

    Parameters
    ----------
    name : str
        ``rcp``, ``self_confidence``, ``normalized_margin`` or ``confidence_weighted_entropy``.
        The second and third use adjusted probabilities where the second reading brought them.
    """
    if name == "rcp" and second.channel is not None:
        return Scores(second.channel.score, np.exp(second.channel.score))
    given: npt.NDArray[np.floating] = evidence.given_prob
    best: npt.NDArray[np.floating] = evidence.best_prob
    if second.adjusted is not None:
        given, best = second.adjusted
    quality = given
    if name == "normalized_margin":
        quality = (given.astype(np.float64) - best + 1.0) / 2.0
    elif name == "confidence_weighted_entropy":
        quality = _confidence_weighted_entropy(entropy, given.astype(np.float64))
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
    """What is known of all N rows before the ranked ones are picked.

    Attributes
    ----------
    evidence : RowEvidence
    entropy : (N,) float
    scores : Scores
    channel : ChannelFacts or None
        What suggests labels; the most probable classes where there is none.
    is_issue : (N,) bool
    at_face_value : (N,) bool
        Among the worst rows, as many as are wrong at face value.
    by_rule : mapping of str to (N,) bool
        Flagged by each of ``FILTERS`` that was computed.
    """

    evidence: RowEvidence
    entropy: npt.NDArray[np.floating]
    scores: Scores
    channel: ChannelFacts | None
    is_issue: npt.NDArray[np.bool_]
    at_face_value: npt.NDArray[np.bool_]
    by_rule: Mapping[str, npt.NDArray[np.bool_]]

    def suggestions(
        self, rows: npt.NDArray[np.intp]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return the class the model would give to each row, and its probability.

        Where that is the given class, -1 and the probability of the best other class.
        """
        evidence = self.evidence
        best = evidence.best_prob[rows].astype(np.float32)
        if self.channel is None:
            found = np.where(evidence.contradicted[rows], evidence.best_class[rows], -1)
            return found.astype(np.int32), best
        found = self.channel.suggested[rows].astype(np.int32)
        agrees = found == evidence.labels[rows]
        prob = np.where(agrees, best, self.channel.suggested_prob[rows])
        return np.where(agrees, np.int32(-1), found), prob


def ranked_rows(ranking: Ranking, every_row: bool, top: int | None) -> IssueRows:
    """Pick the flagged rows, or all that are not left out, worst first; ties by row."""
    rows = np.flatnonzero(ranking.evidence.valid if every_row else ranking.is_issue)
    rows = rows[np.argsort(ranking.scores.order[rows], kind="stable")][:top]
    evidence = ranking.evidence
    given = evidence.given_prob[rows].astype(np.float32)
    is_issue = ranking.is_issue[rows]
    suggested, suggested_prob = ranking.suggestions(rows)
    return IssueRows(
        row=rows.astype(np.int64),
        given=evidence.labels[rows],
        suggested=suggested,
        label_quality=ranking.scores.quality[rows].astype(np.float64),
        is_issue=is_issue,
        given_prob=given,
        suggested_prob=suggested_prob,
        margin=given - evidence.best_prob[rows].astype(np.float32),
        entropy=ranking.entropy[rows].astype(np.float32),
        flagged_by=as_bits({name: mask[rows] for name, mask in ranking.by_rule.items()}),
        severity=_severity(is_issue, ranking.at_face_value[rows], evidence.contradicted[rows]),
    )


def _severity(
    is_issue: npt.NDArray[np.bool_],
    at_face_value: npt.NDArray[np.bool_],
    contradicted: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int8]:
    """Return 2 high, 1 medium, 0 low, -1 none."""
    unflagged = np.where(contradicted, np.int8(0), np.int8(-1))
    return np.where(is_issue, np.int8(1) + at_face_value.astype(np.int8), unflagged)
