"""The report of an aggregation for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labelaudit.reports.crowd_tasks import changed_tasks, labelled_tasks, mean_confidence
from labelaudit.reports.crowd_understood import votes_understood
from labelaudit.reports.layout import (
    Column,
    Style,
    assembled,
    count,
    next_lines,
    paragraph,
    percent,
    plural,
    remarks,
    table,
    times,
    titled,
    value_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from labelaudit.crowd_findings import CrowdConsensus
    from labelaudit.findings import Estimate

__all__ = ["crowd_report", "weak_workers"]

_WORKERS = 5
_PAIRS = 5
_TASKS = 5
_BLIND = 0.02
"""Spammer score below which votes have next to nothing to do with the class."""


def crowd_report(
    result: CrowdConsensus,
    *,
    limit: int = 80,
    style: Style | None = None,
    written: Sequence[str] = (),
    next_command: str | None = None,
    verbose: bool = False,
) -> str:
    """Return the report of an aggregation.

    Parameters
    ----------
    result : CrowdConsensus
    limit : int
        Cells of a line.
    style : Style or None
        None: no colour.
    written : sequence of str
        One line for each output, already fit to be shown.
    next_command : str or None
        What to type next; broken where it is too long, so that it can still be pasted.
    verbose : bool
        Say more: all files and classes, timings.
    """
    style = style or Style()
    parts = [
        votes_understood(result.understanding, limit, verbose=verbose),
        _verdict(result, limit, style),
        _agreement(result, limit),
        _majority(result, limit),
        _weak_workers(result, limit, style),
        _pairs(result, limit, style),
        _next_votes(result, limit, style),
        _details(result, limit, style) if verbose else [],
        remarks(result.warnings, result.notes, limit, style),
        _work(result, limit),
        [f"Wrote {line}" for line in written],
        next_lines(next_command, limit),
    ]
    return assembled(parts)


def weak_workers(result: CrowdConsensus) -> pa.Table:
    """Return the workers that are right as by chance, or vote as if blind; most votes first."""
    import pyarrow.compute as pc

    chance = 1.0 / max(len(result.understanding.classes), 1)
    workers = result.workers
    if len(result.understanding.classes) < 2:
        return workers.slice(0, 0)
    by_chance = pc.less_equal(workers["accuracy"], chance)
    blind = pc.and_(pc.less(workers["spammer_score"], _BLIND), pc.is_valid(workers["accuracy"]))
    chosen = workers.filter(pc.or_kleene(by_chance, blind))
    return chosen.take(pc.sort_indices(chosen, sort_keys=[("n_votes", "descending")]))


def _verdict(result: CrowdConsensus, limit: int, style: Style) -> list[str]:
    counts, tasks = result.counts, result.consensus.num_rows
    votes, workers = plural(counts.votes, "vote"), plural(result.workers.num_rows, "worker")
    named = labelled_tasks(result)
    headline = f"{votes} by {workers} give {plural(named, 'label')} for {plural(tasks, 'task')}."
    lines = [style.bold(line) for line in paragraph(headline, limit)]
    left = [
        f"{plural(number, noun)}{why}"
        for number, noun, why in (
            (counts.abstained, "abstention", ""),
            (counts.null_labels, "row", " without a label"),
            (counts.nameless, "vote", " without a task or a worker"),
            (counts.dropped, "repeated vote", ""),
        )
        if number
    ]
    if left:
        lines += paragraph(f"Left out: {', '.join(left)}.", limit)
    mean = mean_confidence(result)
    if not math.isnan(mean):
        text = f"Method: {result.method}; mean confidence of the labels {percent(mean)}."
        lines += paragraph(text, limit)
    return lines


def _agreement(result: CrowdConsensus, limit: int) -> list[str]:
    found = result.agreement
    if math.isnan(found.alpha.value):
        return paragraph("Agreement cannot be told: no task has votes that could differ.", limit)
    kappa = found.fleiss_kappa
    fleiss = "" if kappa is None or math.isnan(kappa) else f"; Fleiss' kappa {kappa:.3f}"
    text = (
        f"Agreement: Krippendorff's alpha ({found.level}; 1 is perfect, 0 is chance) "
        f"{found.alpha.value:.3f} ({found.alpha.low:.3f} to {found.alpha.high:.3f}){fleiss}; "
        f"{percent(found.pairwise)} of pairs of votes are equal."
    )
    return paragraph(text, limit)


def _majority(result: CrowdConsensus, limit: int) -> list[str]:
    lines = paragraph(result.certificate.sentence, limit)
    ties, changed = result.certificate.tied, changed_tasks(result)
    text = f"{plural(ties, 'tie')}; {plural(changed, 'label')} not as the majority has it."
    lines += paragraph(text, limit)
    return lines + _gold(result, limit)


def _gold(result: CrowdConsensus, limit: int) -> list[str]:
    gold = result.gold_accuracy
    if gold is None:
        return []
    shares = [f"{result.method} finds {_with_interval(gold.method)}"]
    if result.method != "majority":
        shares.append(f"majority vote {_with_interval(gold.majority)}")
    text = (
        f"Of {plural(gold.tasks, 'known label')}, when they are hidden, {', '.join(shares)}; "
        "above they count as known."
    )
    return paragraph(text, limit)


def _with_interval(share: Estimate) -> str:
    return f"{percent(share.value)} ({percent(share.low)} to {percent(share.high)})"


def _weak_workers(result: CrowdConsensus, limit: int, style: Style) -> list[str]:
    weak = weak_workers(result)
    if weak.num_rows == 0:
        return []
    columns = (
        Column("worker", flexible=True),
        Column("votes", right=True),
        Column("accuracy", right=True),
        Column("95 %", right=True),
        Column("agrees", right=True),
        Column("score", right=True),
        Column("commonest mistake", flexible=True),
    )
    rows = [
        [
            value_text(row["worker"]),
            count(row["n_votes"]),
            percent(row["accuracy"]),
            f"{percent(row['accuracy_low'])} to {percent(row['accuracy_high'])}",
            "-" if row["agreement"] is None else percent(row["agreement"]),
            f"{row['spammer_score']:.4f}",
            "-" if row["worst_pair"] is None else value_text(row["worst_pair"]),
        ]
        for row in weak.slice(0, _WORKERS).to_pylist()
    ]
    lines = titled("Workers at or near chance", table(columns, rows, limit), style)
    return _with_rest(lines, weak.num_rows - len(rows)) + _why_weak(result, limit)


def _why_weak(result: CrowdConsensus, limit: int) -> list[str]:
    classes = len(result.understanding.classes)
    text = (
        f"Listed for an accuracy of at most {percent(1 / classes)}, chance among {classes} "
        f"classes, or a score (0: the votes say nothing of the class; 1: all) below {_BLIND:g}."
    )
    return paragraph(text, limit, "  ")


def _with_rest(lines: list[str], more: int) -> list[str]:
    return [*lines, f"  ... {count(more)} more"] if more > 0 else lines


def _pairs(result: CrowdConsensus, limit: int, style: Style) -> list[str]:
    columns = (
        Column("truly", flexible=True),
        Column("given", flexible=True),
        Column("votes, about", right=True),
        Column("of truly", right=True),
    )
    rows = [
        [
            value_text(row["true"]),
            value_text(row["given"]),
            count(row["expected"]),
            percent(row["share"]),
        ]
        for row in result.pairs.slice(0, _PAIRS).to_pylist()
    ]
    return titled("Most confused", table(columns, rows, limit), style) if rows else []


def _next_votes(result: CrowdConsensus, limit: int, style: Style) -> list[str]:
    columns = (
        Column("task", flexible=True),
        Column("label", flexible=True),
        Column("confidence", right=True),
        Column("error falls by", right=True),
    )
    rows = [
        [
            value_text(row["task"]),
            value_text(row["label"]),
            "-" if row["confidence"] is None else percent(row["confidence"]),
            f"{100 * row['error_reduction']:.1f} points",
        ]
        for row in result.next_votes.slice(0, _TASKS).to_pylist()
    ]
    if not rows:
        return []
    return titled("Most worth another vote", table(columns, rows, limit), style)


def _work(result: CrowdConsensus, limit: int) -> list[str]:
    """Say how votes that did not fit in memory were dealt with."""
    work = result.work
    if not work.temporary_bytes:
        return []
    text = (
        f"The votes were read {_times(work.readings)}, and gone through {_times(work.passes)} in "
        f"temporary files of up to {work.temporary_bytes / 1e6:,.1f} MB."
    )
    return paragraph(text, limit)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _details(result: CrowdConsensus, limit: int, style: Style) -> list[str]:
    lines = times(result.timings, limit)
    return titled("Details", lines, style) if lines else []
