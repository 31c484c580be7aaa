"""Which labels are wrong, and how many: the audit of a single-label table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.audits import hygiene
from labelaudit.audits.channel import ChannelModel, fit, sample_bound
from labelaudit.audits.confident import confident_learning
from labelaudit.audits.face import face_sample_bound, fit_face_value
from labelaudit.audits.facts import ReadingPlan, first_reading
from labelaudit.audits.filters import as_bits
from labelaudit.audits.flagging import flags_of, tied_at_cut
from labelaudit.audits.joint import cells_of
from labelaudit.audits.ranking import Ranking, ranked_rows, scores_of
from labelaudit.audits.second import SecondPlan, second_reading
from labelaudit.findings import FILTERS, LabelAudit
from labelaudit.running import Executor, Here, together
from labelaudit.summaries.exact import ExactSum
from labelaudit.summaries.margins import LowestMargins
from labelaudit.summaries.self_confidence import SelfConfidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.audits.confident import ConfidentLearning
    from labelaudit.audits.face import FaceValue
    from labelaudit.audits.facts import FirstReading, RowFacts
    from labelaudit.audits.flagging import Flags
    from labelaudit.audits.second import SecondReading
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.blocks import LabelBlock, Partition
    from labelaudit.findings import Problem

__all__ = ["Audited", "Rows", "audit_labels", "look_at_rows"]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows to audit, and where to work on them.

    Attributes
    ----------
    partitions : sequence of Partition of LabelBlock
        In row order.
    n_rows : int
    classes : tuple of str
        Names in the order of the probabilities.
    n_members : int
        How many models' probabilities there are.
    on : Executor
    progress : callable or None
        Told the stage, how many partitions are done, and how many there are.
    """

    partitions: Sequence[Partition[LabelBlock]]
    n_rows: int
    classes: tuple[str, ...]
    n_members: int = 1
    on: Executor = field(default_factory=Here)
    progress: Callable[[str, int, int], None] | None = None

    def told(self, stage: str) -> Executor:
        """Return the executor, telling the progress of this stage."""
        return self.on if self.progress is None else _Told(self, stage, self.progress)


@dataclass(frozen=True, slots=True)
class _Told:
    rows: Rows
    stage: str
    progress: Callable[[str, int, int], None]

    def map(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        total = len(self.rows.partitions)
        self.progress(self.stage, 0, total)
        for done, result in enumerate(self.rows.on.map(function, *iterables), 1):
            self.progress(self.stage, done, total)
            yield result


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit, with what was wrong with the rows that were left out, and what is odd.

    Attributes
    ----------
    audit : LabelAudit
    flagged, left_out : int64
        Row numbers, ascending; ``flagged`` has all of them, however few are ranked.
    problems : tuple of Problem
    warnings : tuple of str
    """

    audit: LabelAudit
    flagged: npt.NDArray[np.int64]
    left_out: npt.NDArray[np.int64]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


def look_at_rows(rows: Rows, settings: AuditSettings) -> tuple[FirstReading, tuple[Problem, ...]]:
    """Read all rows once, and list what is wrong with them."""
    thorough = ("low_self_confidence", "low_normalized_margin", "rcp")
    bound = sample_bound if _wants_channel(settings) else face_sample_bound
    plan = ReadingPlan(
        n_rows=rows.n_rows,
        n_classes=len(rows.classes),
        sample_bound=bound(rows.n_rows, len(rows.classes), rows.n_members),
        seed=settings.seed,
        every_entropy=settings.every_row
        or settings.method in thorough
        or settings.ranking in ("rcp", "confidence_weighted_entropy"),
    )
    first = first_reading(rows.partitions, plan, rows.told("reading"))
    return first, hygiene.row_problems(first.facts)


def audit_labels(rows: Rows, settings: AuditSettings) -> Audited:
    """Audit the labels of a single-label table.

    Raises
    ------
    InvalidDataError
        If rows cannot be used and ``settings.skip_invalid`` is off, or if all labels are one.
    ClassOrderError
        If the probabilities seem to be in another class order.
    NothingToAuditError
        If no row can be used.
    """
    first, problems = look_at_rows(rows, settings)
    facts = first.facts
    if not settings.skip_invalid:
        hygiene.demand_no_problems(problems)
    confidence = SelfConfidence.of(facts.labels, facts.given_prob, len(rows.classes))
    hygiene.demand_two_labels(confidence.count, rows.classes)
    hygiene.demand_class_order(facts, rows.classes)
    prepared = _prepared(rows, settings, first, confidence)
    confident, margins, unsettled = prepared.confident, prepared.margins, prepared.unsettled
    model = prepared.scorer if isinstance(prepared.scorer, ChannelModel) else None
    plan = SecondPlan(
        n_rows=rows.n_rows,
        left_out=np.flatnonzero(facts.labels < 0),
        margins=margins.emptied(),
        unsettled=unsettled,
        scorer=prepared.scorer,
        thresholds=confident.to_take_off(settings.compat) if settings.adjust else None,
    )
    second = second_reading(rows.partitions, plan, rows.told("scoring"))
    margins = margins + second.margins
    by_noise_rate = (
        tied_at_cut(margins, confident.pruned, rows.partitions, rows.on)
        if settings.compat
        else margins.flags(rows.n_rows)
    )
    flags = flags_of(confident, second, model, by_noise_rate, settings.compat, rows.on)
    ranking = _ranking(settings, facts, confident, second, flags)
    audit = _audit(settings, confident, flags, ranking)
    audit = replace(
        audit,
        notes=model.notes if model else (),
        calibration=prepared.calibration,
    )
    warnings = hygiene.warnings_about(facts, confident.counts, rows.classes)
    flagged = np.flatnonzero(ranking.is_issue)
    return Audited(audit, flagged, plan.left_out, problems, warnings + _doubts(model))


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What can be said between the readings."""

    confident: ConfidentLearning
    margins: LowestMargins
    unsettled: npt.NDArray[np.bool_]
    scorer: ChannelModel | FaceValue
    calibration: dict[str, float]


def _prepared(
    rows: Rows, settings: AuditSettings, first: FirstReading, confidence: SelfConfidence
) -> _Prepared:
    facts, sample, counts = first.facts, first.sample, confidence.count

    def learn() -> tuple[ConfidentLearning, LowestMargins, npt.NDArray[np.bool_]]:
        confident = confident_learning(facts, confidence, settings, rows.partitions)
        return confident, *_margins_so_far(facts, confident)

    def measure() -> tuple[FaceValue | None, dict[str, float]]:
        face = None if _wants_channel(settings) else fit_face_value(sample, settings.seed, counts)
        return face, hygiene.calibration(sample, len(counts))

    found: list[Any] = together(rows.on, learn, measure)
    (confident, margins, unsettled), (face, calibration) = found
    scorer = face or fit(
        sample.labels,
        sample.members,
        sample.rows,
        settings.seed,
        counts,
        int(counts.sum()),
        rows.on,
    )
    return _Prepared(confident, margins, unsettled, scorer, calibration)


def _wants_channel(settings: AuditSettings) -> bool:
    return "rcp" in (settings.method, settings.ranking)


def _margins_so_far(
    facts: RowFacts, confident: ConfidentLearning
) -> tuple[LowestMargins, npt.NDArray[np.bool_]]:
    """Find the lowest margins of each cell among leading classes, and who must be read again."""
    every = np.ones(len(facts), np.bool_)
    margins = LowestMargins.wanted(confident.pruned)
    margins.take_leading(facts, every)
    unsettled = margins.unsettled(facts)
    if unsettled.any():
        margins = margins.emptied()
        margins.take_leading(facts, ~unsettled)
    return margins, unsettled


def _doubts(model: ChannelModel | None) -> tuple[str, ...]:
    if model is None or model.informative:
        return ()
    sentence = (
        "The probabilities say nothing about the labels beyond how common they are, so nothing "
        "is flagged: check that rows and probabilities belong together."
    )
    return (sentence,)


def _ranking(
    settings: AuditSettings,
    facts: RowFacts,
    confident: ConfidentLearning,
    second: SecondReading,
    flags: Flags,
) -> Ranking:
    evidence = confident.evidence
    suggested = np.where(
        evidence.contradicted, evidence.best_class, evidence.best_class.dtype.type(-1)
    )
    suggested_prob = evidence.best_prob.astype(np.float32)
    if second.channel is not None and settings.ranking == "rcp":
        found = second.channel.suggested
        agrees = found == evidence.labels
        suggested = np.where(agrees, found.dtype.type(-1), found)
        suggested_prob = np.where(agrees, suggested_prob, second.channel.suggested_prob)
    return Ranking(
        evidence,
        facts.entropy,
        scores_of(settings.ranking, evidence, facts, second),
        suggested,
        suggested_prob,
        flags.by_rule[settings.method],
        flags.at_face_value,
        as_bits(flags.by_rule),
    )


def _audit(
    settings: AuditSettings, confident: ConfidentLearning, flags: Flags, ranking: Ranking
) -> LabelAudit:
    evidence, n_classes = confident.evidence, len(confident.counts)
    issue = ranking.is_issue
    quality = SelfConfidence.of(evidence.labels, ranking.scores.quality, n_classes)
    mean = np.full(n_classes, np.nan)
    np.divide(quality.total.value(), quality.count, out=mean, where=quality.count > 0)
    suggested = ranking.suggested[issue]
    return LabelAudit(
        method=settings.method,
        score=settings.ranking,
        rows=len(evidence.labels),
        valid_rows=int(confident.counts.sum()),
        counts=confident.counts,
        thresholds=confident.thresholds,
        confident_joint=confident.joint,
        calibrated_joint=confident.calibrated,
        error_rate=flags.error_rate,
        n_issues=int(issue.sum()),
        flagged={name: int(flags.by_rule[name].sum()) for name in FILTERS if name in flags.by_rule},
        class_issues=np.bincount(evidence.labels[issue], minlength=n_classes),
        class_suggested=np.bincount(suggested[suggested >= 0], minlength=n_classes),
        alternatives=cells_of(evidence.labels[issue], _alternatives(ranking)[issue], n_classes),
        mean_quality=_mean_of_all(quality),
        class_quality=mean,
        issues=ranked_rows(ranking, settings.every_row, settings.top),
        notes=(),
        readings=2,
        calibration={},
    )


def _alternatives(ranking: Ranking) -> npt.NDArray[np.int32]:
    """Return what each row would be if its label is wrong: the suggestion, or the best other."""
    best = ranking.evidence.best_class
    return np.where(ranking.suggested >= 0, ranking.suggested, best).astype(np.int32)


def _mean_of_all(sums: SelfConfidence) -> float:
    whole = ExactSum(sums.total.high.sum(keepdims=True), sums.total.low.sum(keepdims=True))
    return float(whole.value()[0]) / int(sums.count.sum())
