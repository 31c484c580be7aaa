"""Which labels are wrong, and how many: the audit of a single-label table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.facts import FURTHER, KEPT, LEADING_CLASSES
from labelaudit.audits.filters import CONTESTED
from labelaudit.audits.flagging import rules_of
from labelaudit.audits.judging import Judge, Tally
from labelaudit.audits.preparing import keeps_further, prepare
from labelaudit.audits.pruning import MARGINS, guessed, lowest_margins
from labelaudit.audits.ranking import flagged_rows, worst_first
from labelaudit.audits.second import (
    ADJUSTED,
    SCORED,
    FindUnsettled,
    Scored,
    TakeFurther,
    TakeLeading,
    TakeRows,
)
from labelaudit.audits.selection import sketch_step
from labelaudit.findings import LabelAudit
from labelaudit.summaries.margins import LowMargins

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from labelaudit.audits.channel import ChannelModel
    from labelaudit.audits.face import FaceValue
    from labelaudit.audits.flagging import Rules
    from labelaudit.audits.ground import Ground
    from labelaudit.audits.preparing import Prepared
    from labelaudit.audits.rows import Rows
    from labelaudit.audits.selection import Cut
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.findings import IssueChunk, IssueSink, Problem

__all__ = ["Audited", "audit_labels"]


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit, with what was wrong with the rows that were left out, and what is odd.

    Attributes
    ----------
    audit : LabelAudit
    flagged, left_out : int64
        Row numbers, ascending; ``flagged`` has all of them, however few are ranked, but none where
        a sink took them.
    problems : tuple of Problem
    warnings : tuple of str
    model : ChannelModel or None
        The fitted channel, where rcp was asked for.
    """

    audit: LabelAudit
    flagged: npt.NDArray[np.int64]
    left_out: npt.NDArray[np.int64]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    model: ChannelModel | None = None


def audit_labels(rows: Rows, settings: AuditSettings, sink: IssueSink | None = None) -> Audited:
    """Audit the labels of a single-label table.

    Parameters
    ----------
    rows : Rows
    settings : AuditSettings
    sink : IssueSink, optional
        Takes the rows to be ranked, in row order; the audit has none of them then.

    Raises
    ------
    InvalidDataError
        If rows cannot be used and ``settings.skip_invalid`` is off, or if all labels are one.
    ClassOrderError
        If the probabilities seem to be in another class order.
    NothingToAuditError
        If no row can be used.
    """
    ground = rows.ground()
    prepared = prepare(ground, rows, settings)
    scored, pruned, readings = _scored(ground, prepared, settings, rows.n_rows)
    rules = rules_of(ground, rows.n_rows, prepared, scored, pruned, settings.compat)
    chunks: list[IssueChunk] = []
    take = chunks.append if sink is None else sink.take
    tally = _judged(ground, Judge.of(rules, settings, len(rows.classes)), take)
    for level in (KEPT, LEADING_CLASSES, FURTHER, CONTESTED, SCORED, ADJUSTED, MARGINS):
        ground.drop(level)  # the table of issues needs the room
    return Audited(
        _audit(settings, prepared, rules, tally, chunks, readings, rows.n_rows),
        flagged_rows(chunks),
        prepared.left_out,
        prepared.problems,
        prepared.warnings + _doubts(prepared.model),
        prepared.model,
    )


def _doubts(model: ChannelModel | None) -> tuple[str, ...]:
    if model is None or model.informative:
        return ()
    sentence = (
        "The probabilities say nothing about the labels beyond how common they are, so nothing "
        "is flagged: check that rows and probabilities belong together."
    )
    return (sentence,)


def _scored(
    ground: Ground, prepared: Prepared, settings: AuditSettings, n_rows: int
) -> tuple[Scored, Cut, int]:
    """Score all rows and find their lowest margins; say how often the rows were read by then."""
    confident, model = prepared.confident, prepared.model
    asked = LowMargins.wanted(confident.pruned)
    sums, cut = _taken(ground, asked, prepared.face, n_rows)
    asked = _up_to(cut, asked, sums.taken)
    bounds = asked.bounds()
    thresholds = confident.to_take_off(settings.compat) if settings.adjust else None
    only, further = None, False
    if model is None and thresholds is None:
        only = reduce(add, ground.over(FindUnsettled(bounds, further)))
    if only and keeps_further(settings, asked.cells.n_classes):
        # They are seldom needed, and spare a reading where they are enough.
        more, further = reduce(add, ground.take(TakeFurther(asked))), True
        sums = sums + more
        if more.taken.any():
            cut = lowest_margins(ground, asked.cells, sums.taken)
            asked = _up_to(cut, asked, sums.taken)
            bounds = asked.bounds()
        only = reduce(add, ground.over(FindUnsettled(bounds, further)))
    if only != ():
        step = TakeRows(asked, bounds, model, thresholds, further)
        none = Scored.none(asked.cells)
        more = reduce(add, ground.read(step, "scoring", only), none)
        sums = sums + more
        if more.taken.any():
            cut = lowest_margins(ground, asked.cells, sums.taken)
    return sums, cut, 1 if only == () else 2


def _taken(
    ground: Ground, asked: LowMargins, face: FaceValue | None, n_rows: int
) -> tuple[Scored, Cut]:
    """Take margins of leading classes, and score rows at face value if that is asked for."""
    guess, first, every = None, asked, sketch_step(n_rows)
    if every > 1:
        guess = guessed(ground, asked, every)
        first = replace(asked, cuts=guess.brackets[0].high)
    # Of contradicted rows nearly always enough: the other margins need no look then.
    sums = reduce(add, ground.take(TakeLeading(first, True, face)))
    if ((sums.taken < asked.cells.wanted) & np.isfinite(first.cuts)).any():
        again = reduce(add, ground.take(TakeLeading(asked, True, None)))
        guess, sums = None, replace(sums, taken=again.taken)
    cut = lowest_margins(ground, asked.cells, sums.taken, guess)
    so_far = _up_to(cut, asked, sums.taken)
    if (so_far.bounds() >= 0.0).any():
        more = reduce(add, ground.take(TakeLeading(so_far, False, None)))
        sums = sums + more
        if more.taken.any():
            cut = lowest_margins(ground, asked.cells, sums.taken)
    return sums, cut


def _up_to(cut: Cut, asked: LowMargins, taken: npt.NDArray[np.int64]) -> LowMargins:
    """Ask for no margins above those that suffice, where enough were taken."""
    return replace(asked, cuts=np.where(taken < asked.cells.wanted, np.inf, cut.below))


def _judged(ground: Ground, judge: Judge, take: Callable[[IssueChunk], None]) -> Tally:
    tally = Tally.none(judge.n_classes)
    for judged in ground.each(judge):
        tally = tally + judged.tally
        for chunk in judged.chunks:
            take(chunk)
    return tally


def _audit(
    settings: AuditSettings,
    prepared: Prepared,
    rules: Rules,
    tally: Tally,
    chunks: list[IssueChunk],
    readings: int,
    n_rows: int,
) -> LabelAudit:
    confident, model = prepared.confident, prepared.model
    return LabelAudit(
        method=settings.method,
        score=settings.ranking,
        rows=n_rows,
        valid_rows=int(confident.counts.sum()),
        counts=confident.counts,
        thresholds=confident.thresholds,
        confident_joint=confident.joint,
        calibrated_joint=confident.calibrated,
        error_rate=rules.error_rate,
        n_issues=tally.n_issues,
        flagged=tally.flagged_by_rule(with_channel=model is not None),
        class_issues=tally.class_issues,
        class_suggested=tally.class_suggested,
        alternatives=tally.alternatives.cells(),
        mean_quality=tally.mean_quality,
        class_quality=tally.class_quality,
        issues=worst_first(chunks, settings.top),
        notes=model.notes if model else (),
        readings=readings,
        calibration=prepared.calibration,
        reliability=prepared.reliability,
        quality=tally.quality_counts.bins(),
        informative=model is None or model.informative,
    )
