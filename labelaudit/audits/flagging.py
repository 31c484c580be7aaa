"""Which rows each rule flags, and how many labels are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits import joint
from labelaudit.audits.brackets import Column, Question
from labelaudit.audits.channel import count, drawn_interval, error_interval
from labelaudit.audits.confident import by_leading, reach_of
from labelaudit.audits.facts import facts_of, kept_of
from labelaudit.audits.filters import contested_of
from labelaudit.audits.hygiene import FEW_ROWS
from labelaudit.audits.pruning import taken_rows
from labelaudit.audits.second import SCORED
from labelaudit.audits.selection import lowest_cuts
from labelaudit.findings import ErrorRate, Estimate
from labelaudit.summaries.pair_counts import PairCounts

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.filters import RowEvidence
    from labelaudit.audits.ground import Ground, Piece, Stretch
    from labelaudit.audits.preparing import Prepared
    from labelaudit.audits.second import Scored
    from labelaudit.audits.selection import Cut

__all__ = [
    "CountRecalibrated",
    "Rules",
    "by_every_margin",
    "by_given_prob",
    "by_given_prob_of_each_class",
    "by_margin",
    "by_score",
    "rules_of",
]


def by_given_prob(piece: Piece) -> Column:
    """Return P(given) of a piece's rows."""
    kept = kept_of(piece)
    return Column(kept.given_prob, kept.labels >= 0)


def by_given_prob_of_each_class(piece: Piece) -> Column:
    """Return P(given) of a piece's rows, class by class."""
    kept = kept_of(piece)
    return Column(kept.given_prob, kept.labels >= 0, kept.labels)


def by_margin(piece: Piece) -> Column:
    """Return P(given) - P(best other) of a piece's contested rows.

    Those of all others are greater than 0 and theirs are not.
    """
    evidence = contested_of(piece).evidence
    return _of_evidence(evidence, evidence.margins())


def by_every_margin(piece: Piece) -> Column:
    """Return P(given) - P(best other) of all rows of a piece."""
    facts = facts_of(piece)
    return Column(facts.given_prob - facts.best_other_prob(), facts.labels >= 0)


def _of_evidence(
    evidence: RowEvidence,
    values: npt.NDArray[np.floating],
    group: npt.NDArray[np.signedinteger] | None = None,
) -> Column:
    return Column(values, evidence.all_of_them, group, evidence.rows)


def by_score(piece: Piece) -> Column:
    """Return the logarithms of the label quality that the channel found."""
    return Column(piece.get(SCORED).score, kept_of(piece).labels >= 0)


@dataclass(frozen=True, slots=True)
class Rules:
    """What tells flagged rows from others, once all rows have been looked at.

    The seven filters are those of Northcutt, Jiang, Chuang 2021, section 3.2.

    Attributes
    ----------
    by_class, self_confidence, margin : Cut
    channel : Cut or None
        Where rcp was asked for.
    face : Cut
        Among the worst rows, as many as are wrong at face value.
    by_noise_rate : Cut
        Among the lowest margins of each cell, as many as pruning may take from it.
    error_rate : ErrorRate
    """

    by_class: Cut
    self_confidence: Cut
    margin: Cut
    channel: Cut | None
    face: Cut
    by_noise_rate: Cut
    error_rate: ErrorRate

    def evidence(self, piece: Piece, every_row: bool) -> RowEvidence:
        """Return what is known of the rows of a piece that any rule may flag, or of all rows."""
        facts, contested, at = facts_of(piece), contested_of(piece), piece.first_row
        if every_row:
            wanted = facts.labels >= 0
        else:
            wanted = self.self_confidence.flags(by_given_prob(piece), at)
        if self.channel is not None:
            wanted |= self.channel.flags(by_score(piece), at)
        return contested.evidence.and_of(facts, wanted)

    def masks(self, piece: Piece, evidence: RowEvidence) -> dict[str, npt.NDArray[np.bool_]]:
        """Flag m rows of a piece, all that may be flagged, by every rule that was prepared for."""
        at, rows, given = piece.first_row, evidence.rows, evidence.given_prob
        veto = evidence.opposed()
        by_class = self.by_class.flags(_of_evidence(evidence, given, evidence.labels), at)
        by_noise_rate = taken_rows(piece, self.by_noise_rate)[rows]
        masks = {
            "prune_by_class": by_class & veto,
            "prune_by_noise_rate": by_noise_rate & veto,
            "both": by_class & by_noise_rate & veto,
            "confident_learning": evidence.counted_off(veto),
            "predicted_neq_given": veto,
            "low_self_confidence": self.self_confidence.flags(_of_evidence(evidence, given), at),
            "low_normalized_margin": self.margin.flags(
                _of_evidence(evidence, evidence.margins()), at
            ),
        }
        if self.channel is not None:
            masks["rcp"] = self.channel.flags(_score_of(piece, evidence), at)
        return masks

    def at_face_value(self, piece: Piece, evidence: RowEvidence) -> npt.NDArray[np.bool_]:
        """Flag the rows of a piece that are wrong at face value."""
        return self.face.flags(_score_of(piece, evidence), piece.first_row)


def _score_of(piece: Piece, evidence: RowEvidence) -> Column:
    return _of_evidence(evidence, piece.get(SCORED).score.take(evidence.rows))


def rules_of(
    ground: Ground,
    n_rows: int,
    prepared: Prepared,
    scored: Scored,
    by_noise_rate: Cut,
    compat_rules: bool,
) -> Rules:
    """Find out what each rule flags.

    Parameters
    ----------
    ground : Ground
        Where evidence and scores of all rows are.
    n_rows : int
    prepared : Prepared
    scored : Scored
    by_noise_rate : Cut
    compat_rules : bool
    """
    confident, model = prepared.confident, prepared.model
    n_valid, off = int(confident.counts.sum()), confident.counted_off
    wanted = confident.counts - joint.diagonal(confident.pruned)
    if compat_rules:  # one row of each class stays
        wanted = np.minimum(wanted, confident.counts - 1)
    by_class, self_confidence, margin = lowest_cuts(
        ground,
        [
            Question(by_given_prob_of_each_class, wanted, confident.counts),
            Question.of(by_given_prob, off, n_valid),
            # Of rows that tie, the peer's sort chooses by what else it sorts.
            Question.of(by_every_margin, off, n_valid)
            if compat_rules
            else Question.of(by_margin, off, confident.contested),
        ],
        n_rows,
        compat_rules,
    )
    most = _most(ground, prepared, scored)
    face = round(float(scored.doubt.value()[0]))
    asked = [Question.of(by_score, face, n_valid)]
    if model is not None:
        asked.append(Question.of(by_score, most.errors, n_valid))
    at_face, *channel = lowest_cuts(ground, asked, n_rows)
    return Rules(
        by_class,
        self_confidence,
        margin,
        channel[0] if channel else None,
        at_face,
        by_noise_rate,
        ErrorRate(_face_value(scored, most, prepared.fitted_rows), most.estimate()),
    )


@dataclass(frozen=True, slots=True)
class _Count:
    """A number of errors among rows, the doubts it came from, and rows it was learnt from."""

    errors: int
    doubt: float
    squares: float
    rows: int
    learnt: int

    def estimate(self) -> Estimate:
        low, high = error_interval(self.errors, self.doubt, self.squares, self.rows, self.learnt)
        return Estimate(self.errors / self.rows, low, high)


def _most(ground: Ground, prepared: Prepared, scored: Scored) -> _Count:
    """Count errors if the model is as sharp as it can be; by the confident joint without rcp."""
    confident, model = prepared.confident, prepared.model
    n_valid = int(confident.counts.sum())
    if model is None:
        n = joint.off_diagonal_total(confident.calibrated)
        return _Count(n, float(n), float(n), n_valid, n_valid)
    _, _, twice, squares = scored.doubt.value().tolist()
    n = _rcp_count(ground, scored, twice, n_valid) if model.informative else 0
    return _Count(n, twice, squares, n_valid, prepared.fitted_rows)


def _face_value(scored: Scored, most: _Count, fitted: int) -> Estimate:
    """Estimate the share of errors at face value, which is no more than the most."""
    face, squares = scored.doubt.value()[:2].tolist()
    low, high = drawn_interval(min(face, most.errors), squares, most.rows, fitted)
    ceiling = most.estimate()
    return Estimate(
        min(face, most.errors) / most.rows, min(low, ceiling.low), min(high, ceiling.high)
    )


def _rcp_count(ground: Ground, scored: Scored, twice: float, n_valid: int) -> int:
    """Average the doubt at twice the sharpness and the confident joint after recalibration.

    A row that its three leading classes do not settle is not counted in that joint. The threshold
    of a class of a few rows is a guess, and where those rows are wrong, or the model never saw the
    class, it is so low that right rows of other classes pass it; such a class gets none.
    """
    counts = scored.recalibrated.count
    reach = reach_of(scored.recalibrated.thresholds())
    enough = counts >= FEW_ROWS
    if np.count_nonzero(enough) > 1:
        reach = np.where(enough, reach, np.inf)
    counted: PairCounts = reduce(add, ground.over(CountRecalibrated(reach)))
    cells = joint.confident_joint(counted.cells(), counts > 0)
    return count(twice, joint.off_diagonal_total(joint.calibrated(cells, counts)), n_valid)


@dataclass(frozen=True, slots=True)
class CountRecalibrated:
    """The step that counts rows by given class and confident class after recalibration.

    Attributes
    ----------
    reach : (K,) float64
        From ``reach_of``.
    """

    reach: npt.NDArray[np.float64]

    def __call__(self, stretch: Stretch) -> PairCounts:
        """Count the rows of some pieces."""
        counts = PairCounts.none(len(self.reach))
        for piece in stretch.pieces:
            channel = piece.get(SCORED)
            decided = by_leading(channel.classes, channel.leading, self.reach, False)
            counts = counts + PairCounts.of(kept_of(piece).labels, decided, len(self.reach))
        return counts
