"""From a finished audit, rules and a baseline to a verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from labelaudit.class_names import named_labels, names_of
from labelaudit.errors import ConfigError
from labelaudit.gate.baseline import Baseline, updated_baseline
from labelaudit.gate.kinds import Scene
from labelaudit.gate.lines import issue_lines
from labelaudit.gate.measures import issues_of, measured_labels, measured_votes
from labelaudit.gate.metrics import METRICS, VOTES
from labelaudit.gate.rules import judged
from labelaudit.verdicts import BaselineMatch, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

    from labelaudit.crowd_findings import CrowdConsensus
    from labelaudit.findings import LabelIssues, Understanding
    from labelaudit.gate.measures import Issues, Measured
    from labelaudit.gate.rules import GateRule
    from labelaudit.tag_findings import TagIssues

__all__ = ["Accepted", "judge_labels", "judge_votes", "scene_of_labels"]

_WORST = 5_000
_TAGS = ("present", "absent")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A baseline, and what is to become of it.

    Attributes
    ----------
    baseline : Baseline
        Empty and without metrics when there is no file yet.
    update, accept_new : bool
        Drop what is resolved; add what is new.
    """

    baseline: Baseline
    update: bool = False
    accept_new: bool = False


def scene_of_labels(
    understanding: Understanding, accepted: Accepted | None, *, grouped: bool
) -> Scene:
    """Return what rules about these data can name."""
    classes = understanding.classes
    metrics: frozenset[str] | None = None
    names: tuple[str, ...] = ()
    if accepted is not None:
        known = accepted.baseline.metrics
        metrics = frozenset(METRICS) if known is None else frozenset(known)
        names = accepted.baseline.names
    labels = _TAGS if understanding.task == "multilabel" else classes
    return Scene(
        classes=classes, labels=labels, grouped=grouped, baseline=metrics, old_classes=names
    )


def judge_labels(
    result: LabelIssues | TagIssues,
    rules: Sequence[GateRule],
    accepted: Accepted | None = None,
    groups_of: Callable[[pa.Table], pa.ChunkedArray] | None = None,
    lines: Mapping[str, int] | None = None,
) -> tuple[Verdict, Baseline | None]:
    """Judge an audit of labels.

    An updating run is judged by the baseline that it writes, so that the next run says the same;
    only what ``baseline.<metric>`` stands for is what it was before.

    Parameters
    ----------
    result : LabelIssues or TagIssues
    rules : sequence of GateRule
    accepted : Accepted or None
    groups_of : callable or None
        Returns the group of each row of an issues table.
    lines : mapping of str to int or None
        For a file whose rows are lines, what to add to the row to have the line.

    Returns
    -------
    verdict : Verdict
    baseline : Baseline or None
        What is to be written.

    Raises
    ------
    ConfigError
        If a rule cannot be judged.
    """
    old = accepted.baseline if accepted is not None else None
    issues = issues_of(named_labels(result.table, names_of(result)), old)
    if groups_of is not None:
        issues = replace(issues, group=groups_of(issues.table))
    measured = measured_labels(result, issues, old)
    new: Baseline | None = None
    match = _match(accepted.baseline, issues) if accepted is not None else None
    if accepted is not None and accepted.update:
        _refuse_unsaid(measured)
        new = updated_baseline(accepted.baseline, issues, measured.numbers, accepted.accept_new)
        match = _told(match, accepted)
        measured = _after(measured, accepted.baseline, new, result)
    files = result.understanding.files
    shown = measured.issues or issues
    verdict = Verdict(
        outcomes=judged(rules, measured),
        data=measured.data,
        files=files,
        rows=result.audit.rows,
        issues=issues.table.num_rows,
        baseline=match,
        worst=issue_lines(shown, files, _WORST, only_new=old is not None, lines=lines),
    )
    return verdict, new


def _refuse_unsaid(measured: Measured) -> None:
    """Keep a baseline whose issues seem resolved because nothing can be seen."""
    if "issues" in measured.unsaid:
        raise ConfigError(
            f"The baseline cannot be updated: {measured.unsaid['issues']}.",
            "Check that rows and probabilities belong together.",
        )


def judge_votes(result: CrowdConsensus, rules: Sequence[GateRule]) -> Verdict:
    """Judge an aggregation of votes.

    Raises
    ------
    ConfigError
        If a rule cannot be judged.
    """
    measured = measured_votes(result)
    files, rows = result.understanding.files, result.counts.rows
    return Verdict(judged(rules, measured), VOTES, files, rows, 0)


def _after(
    measured: Measured, old: Baseline, new: Baseline, result: LabelIssues | TagIssues
) -> Measured:
    issues = issues_of(named_labels(result.table, names_of(result)), new)
    if measured.issues is not None:
        issues = replace(issues, group=measured.issues.group)
    by = replace(new, metrics=new.metrics if old.metrics is None else old.metrics)
    return replace(measured, issues=issues, baseline=by)


def _match(baseline: Baseline, issues: Issues) -> BaselineMatch:
    accepted, new = len(baseline.entries), int(issues.is_new.sum())
    matched = issues.table.num_rows - new
    return BaselineMatch(baseline.path, accepted, matched, accepted - matched, new)


def _told(match: BaselineMatch | None, accepted: Accepted) -> BaselineMatch | None:
    """Say what happens to the file."""
    if match is None:
        return None
    parts = []
    if accepted.baseline.metrics is None:
        parts.append("created")
    if match.resolved:
        parts.append(f"{match.resolved:,} dropped")
    if match.new and accepted.accept_new:
        parts.append(f"{match.new:,} added")
    text = f"Updated: {', '.join(parts) or 'nothing to change'}."
    if match.new and not accepted.accept_new:
        text += f" {match.new:,} new not added, for want of --accept-new."
    return replace(match, written=text)
