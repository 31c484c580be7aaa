"""Scores, severity, and the ranked rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.findings import IssueRows

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.filters import RowEvidence
    from labelaudit.audits.second import SecondReading

__all__ = ["Ranking", "Scores", "ranked_rows", "scores_of"]

LEAST_GIVEN = 1e-6
TINY = 1e-8


@dataclass(frozen=True, slots=True)
class Scores:
    """What ranks rows, low is bad.

    Attributes
    ----------
    order : (N,) float64
        What is sorted by.
    quality : (N,) float64
        What is shown, 0..1. For rcp the exponential of ``order``, which tells rows apart where
        the quality is 0 or 1 to the last digit.
    """

    order: npt.NDArray[np.float64]
    quality: npt.NDArray[np.float64]


def scores_of(
    name: str, evidence: RowEvidence, entropy: npt.NDArray[np.float64], second: SecondReading
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
    if second.adjusted is not None:
        given, best = second.adjusted
    else:
        given = evidence.given_prob.astype(np.float64)
        best = evidence.best_prob.astype(np.float64)
    if name == "self_confidence":
        quality = given
    elif name == "normalized_margin":
        quality = (given - best + 1.0) / 2.0
    else:
        quality = _confidence_weighted_entropy(entropy, given)
    return Scores(quality, quality)


def _confidence_weighted_entropy(
    entropy: npt.NDArray[np.float64], given: npt.NDArray[np.float64]
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
    entropy : (N,) float64
    scores : Scores
    suggested : (N,) int16 or int32
        Class the model would give, -1 where it is the given one.
    suggested_prob : (N,) float32
        Its probability; of the best other class where there is no suggestion.
    is_issue : (N,) bool
    at_face_value : (N,) bool
        Flagged with the probabilities taken at face value.
    flagged_by : (N,) uint8
    """

    evidence: RowEvidence
    entropy: npt.NDArray[np.float64]
    scores: Scores
    suggested: npt.NDArray[np.signedinteger]
    suggested_prob: npt.NDArray[np.float32]
    is_issue: npt.NDArray[np.bool_]
    at_face_value: npt.NDArray[np.bool_]
    flagged_by: npt.NDArray[np.uint8]


def ranked_rows(ranking: Ranking, every_row: bool, top: int | None) -> IssueRows:
    """Pick the flagged rows, or all that are not left out, worst first; ties by row."""
    rows = np.flatnonzero(ranking.evidence.valid if every_row else ranking.is_issue)
    rows = rows[np.argsort(ranking.scores.order[rows], kind="stable")][:top]
    evidence = ranking.evidence
    given = evidence.given_prob[rows].astype(np.float32)
    is_issue = ranking.is_issue[rows]
    return IssueRows(
        row=rows.astype(np.int64),
        given=evidence.labels[rows],
        suggested=ranking.suggested[rows].astype(np.int32),
        label_quality=ranking.scores.quality[rows],
        is_issue=is_issue,
        given_prob=given,
        suggested_prob=ranking.suggested_prob[rows],
        margin=given - evidence.best_prob[rows].astype(np.float32),
        entropy=ranking.entropy[rows].astype(np.float32),
        flagged_by=ranking.flagged_by[rows],
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
