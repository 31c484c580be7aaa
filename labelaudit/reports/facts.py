"""The few figures of a result that travel with the data, for people and for machines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labelaudit.crowd_findings import CrowdConsensus
from labelaudit.reports.crowd_tasks import labelled_tasks, mean_confidence
from labelaudit.reports.crowd_text import weak_workers
from labelaudit.reports.layout import count, percent, plural
from labelaudit.reports.text import headline

if TYPE_CHECKING:
    from labelaudit.findings import LabelIssues

__all__ = ["Figure", "figures", "verdict"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its names.

    Attributes
    ----------
    name : str
        For machines: as in the summary.
    title : str
        For people.
    value : float
        NaN where there is none.
    text : str
        The value, for people.
    """

    name: str
    title: str
    value: float
    text: str


def verdict(result: LabelIssues | CrowdConsensus) -> str:
    """Return the result in one sentence."""
    if isinstance(result, CrowdConsensus):
        tasks = result.consensus.num_rows
        named = labelled_tasks(result)
        workers = plural(result.workers.num_rows, "worker")
        return (
            f"{plural(result.counts.votes, 'vote')} by {workers} give "
            f"{plural(named, 'label')} for {plural(tasks, 'task')}."
        )
    rate = result.audit.error_rate
    return headline(rate.face_value.value, rate.most.value, result.audit.valid_rows)


def figures(result: LabelIssues | CrowdConsensus) -> tuple[Figure, ...]:
    """Return the figures of a result."""
    return _of_crowd(result) if isinstance(result, CrowdConsensus) else _of_labels(result)


def _number(name: str, title: str, value: float) -> Figure:
    return Figure(name, title, value, count(value))


def _share(name: str, title: str, value: float) -> Figure:
    return Figure(name, title, value, percent(value))


def _of_labels(result: LabelIssues) -> tuple[Figure, ...]:
    audit, rate = result.audit, result.audit.error_rate
    return (
        _number("rows", "Rows", audit.rows),
        _number("classes", "Classes", len(result.understanding.classes)),
        _share("error_rate.low", "Wrong labels, lower 95 % margin", rate.low),
        _share("error_rate.face_value", "Wrong labels, at face value", rate.face_value.value),
        _share("error_rate.most", "Wrong labels, at the most", rate.most.value),
        _share("error_rate.high", "Wrong labels, upper 95 % margin", rate.high),
        _number("issues", "Rows flagged", audit.n_issues),
        _share("mean_quality", "Mean label quality", audit.mean_quality),
        _number("invalid_rows", "Rows left out", audit.rows - audit.valid_rows),
    )


def _of_crowd(result: CrowdConsensus) -> tuple[Figure, ...]:
    alpha = result.agreement.alpha
    return (
        _number("tasks", "Tasks", result.consensus.num_rows),
        _number("votes", "Votes", result.counts.votes),
        _number("workers", "Workers", result.workers.num_rows),
        _number("classes", "Classes", len(result.understanding.classes)),
        _share("confidence.mean", "Mean confidence of the labels", mean_confidence(result)),
        *(
            Figure(f"agreement.{name}", title, value, "-" if math.isnan(value) else f"{value:.3f}")
            for name, title, value in (
                ("low", "Krippendorff's alpha, lower 95 % margin", alpha.low),
                ("alpha", "Krippendorff's alpha", alpha.value),
                ("high", "Krippendorff's alpha, upper 95 % margin", alpha.high),
            )
        ),
        _number("ties", "Ties", result.certificate.tied),
        _number("weak_workers", "Workers at or near chance", weak_workers(result).num_rows),
    )
