"""A verdict as Markdown, for step summaries and comments on pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelaudit.reports.inert import inert
from labelaudit.reports.layout import assembled, count, plural, quality_text
from labelaudit.reports.verdict import headline

if TYPE_CHECKING:
    from labelaudit.verdicts import BaselineMatch, IssueLine, RuleOutcome, Verdict

__all__ = ["markdown"]

_SIGNS = {"passed": "✅ pass", "warning": "⚠️ warning", "failed": "❌ **fail**"}
_WORST = 100


def markdown(verdict: Verdict, most: int = _WORST) -> str:
    """Return the verdict as Markdown; text from data is inert in it.

    Parameters
    ----------
    verdict : Verdict
    most : int
        Issues that are listed.
    """
    parts = [
        [f"## Labels: {headline(verdict)}"],
        [f"{plural(verdict.rows, 'row')} in {_files(verdict)}"],
        _baseline(verdict.baseline),
        ["| | rule | value |", "|---|---|---|", *map(_rule, verdict.outcomes)],
        [f"- {inert(each.why, 500)}" for each in (*verdict.failed, *verdict.warned)],
        _issues(verdict, most),
    ]
    return assembled(parts)


def _files(verdict: Verdict) -> str:
    names = ", ".join(inert(name, 200) for name in verdict.files[:5])
    more = len(verdict.files) - 5
    return f"{names} and {more} more" if more > 0 else names or "memory"


def _baseline(match: BaselineMatch | None) -> list[str]:
    if match is None:
        return []
    ids = plural(match.accepted, "id")
    counts = f"{count(match.matched)} of {ids} matched, {count(match.resolved)} resolved"
    return [f"Baseline {inert(match.path, 200)}: {counts}, {plural(match.new, 'new issue')}."]


def _rule(outcome: RuleOutcome) -> str:
    return f"| {_SIGNS[outcome.result]} | {inert(outcome.rule, 200)} | {inert(outcome.value)} |"


def _issues(verdict: Verdict, most: int) -> list[str]:
    shown = verdict.worst[:most]
    if not shown:
        return []
    number = verdict.baseline.new if verdict.baseline is not None else verdict.issues
    what = "new issue" if verdict.baseline is not None else "issue"
    return [
        f"### Worst of {plural(number, what)}",
        "",
        "| key | given | suggested | quality | severity |",
        "|---|---|---|---:|---|",
        *map(_issue, shown),
    ]


def _issue(line: IssueLine) -> str:
    cells = (inert(line.key), inert(line.given or ""), _suggested(line))
    return f"| {' | '.join(cells)} | {quality_text(line.quality)} | {line.severity} |"


def _suggested(line: IssueLine) -> str:
    if line.kind == "missing_label":
        return "add it"
    if line.kind == "extra_label":
        return "remove it"
    return "uncertain" if line.suggested is None else inert(line.suggested)
