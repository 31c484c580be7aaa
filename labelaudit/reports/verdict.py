"""What a gate says, for people: every rule, why it fails, the worst issues, what to type next."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from labelaudit.reports.layout import (
    Column,
    Style,
    assembled,
    count,
    entry,
    next_lines,
    paragraph,
    plural,
    quality_text,
    remarks,
    table,
    titled,
    value_text,
)
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelaudit.verdicts import BaselineMatch, IssueLine, RuleOutcome, Verdict

__all__ = [
    "baseline_sentence",
    "fingerprint",
    "headline",
    "issue_sentence",
    "verdict_document",
    "verdict_report",
]

_WORST = 5
_WORDS = {"passed": "pass", "warning": "warn", "failed": "FAIL"}


def verdict_report(
    verdict: Verdict,
    *,
    limit: int = 80,
    style: Style | None = None,
    warnings: Sequence[str] = (),
    written: Sequence[str] = (),
    next_command: str | None = None,
) -> str:
    """Return the report of a gate.

    Parameters
    ----------
    verdict : Verdict
    limit : int
        Cells of a line.
    style : Style or None
        None: no colour.
    warnings : sequence of str
        Of the audit.
    written : sequence of str
        One line for each output, already fit to be shown.
    next_command : str or None
        What to type next.
    """
    style = style or Style()
    parts = [
        _head(verdict, limit),
        _rules(verdict, limit, style),
        _why(verdict, limit, style),
        _worst(verdict, limit, style),
        remarks(warnings, (), limit, style),
        [f"Wrote {line}" for line in written],
        next_lines(next_command, limit),
    ]
    return assembled(parts)


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as JSON can hold it; issues have outputs of their own."""
    return {
        "passed": verdict.passed,
        "rules": [{**asdict(each), "result": each.result} for each in verdict.outcomes],
        "baseline": None if verdict.baseline is None else asdict(verdict.baseline),
    }


def headline(verdict: Verdict) -> str:
    """Return the verdict in one sentence."""
    rules = len([each for each in verdict.outcomes if each.level != "warn"])
    failed, warned = len(verdict.failed), len(verdict.warned)
    warning = f" {plural(warned, 'warning')}." if warned else ""
    if failed:
        verb = "does" if failed == 1 else "do"
        return f"FAILED: {failed} of {plural(rules, 'required rule')} {verb} not hold.{warning}"
    return f"PASSED: {plural(rules, 'required rule')} {'holds' if rules == 1 else 'hold'}.{warning}"


def baseline_sentence(match: BaselineMatch) -> str:
    """Say which baseline was used and what became of its ids."""
    ids = plural(match.accepted, "id")
    text = (
        f"{safe(match.path, 200)}: {count(match.matched)} of {ids} matched, "
        f"{count(match.resolved)} resolved, {plural(match.new, 'new issue')}."
    )
    return f"{text} {match.written}" if match.written else text


def fingerprint(outcome: RuleOutcome) -> str:
    """Name a rule by what it says, as an issue is named by its id."""
    told = f"{outcome.level}:{outcome.rule}".encode("utf-8", "surrogatepass")
    return blake2b(told, digest_size=8).hexdigest()


def issue_sentence(line: IssueLine) -> str:
    """Say what is wrong with one label."""
    given = safe(_named(line.given), 60)
    if line.kind == "missing_label":
        return f"The label '{given}' is probably missing"
    if line.kind == "extra_label":
        return f"The label '{given}' is probably too many"
    if line.suggested is None:
        return f"The label '{given}' is probably wrong"
    return f"The label '{given}' is probably wrong: '{safe(line.suggested, 60)}' fits better"


def _named(text: str | None) -> str:
    return "(null)" if text is None else text


def _head(verdict: Verdict, limit: int) -> list[str]:
    files = ", ".join(safe(name, 300) for name in verdict.files[:3])
    more = f", ... {len(verdict.files) - 3} more" if len(verdict.files) > 3 else ""
    lines = entry("Data", f"{files}{more} ({plural(verdict.rows, 'row')})", limit)
    if verdict.baseline is not None:
        lines += entry("Baseline", baseline_sentence(verdict.baseline), limit)
    return lines


def _rules(verdict: Verdict, limit: int, style: Style) -> list[str]:
    columns = (Column(""), Column("rule", flexible=True), Column("value", right=True))
    rows = [
        [_WORDS[each.result], safe(each.rule, 200), safe(each.value)] for each in verdict.outcomes
    ]
    lines = table(columns, rows, limit)
    shown = [
        _colored(each, line, style) for each, line in zip(verdict.outcomes, lines[1:], strict=True)
    ]
    return [style.bold(headline(verdict)), "", style.dim(lines[0]), *shown]


def _colored(outcome: RuleOutcome, line: str, style: Style) -> str:
    if outcome.passed:
        return line
    return style.bad(line) if outcome.failed else style.warn(line)


def _why(verdict: Verdict, limit: int, style: Style) -> list[str]:
    lines = []
    for each in (*verdict.failed, *verdict.warned):
        look = style.bad if each.failed else style.warn
        lines += [look(line) for line in paragraph(_reason(each), limit)]
    return lines


def _reason(outcome: RuleOutcome) -> str:
    return f"{'Failed' if outcome.failed else 'Warning'}: {safe(outcome.why, 500)}"


def _worst(verdict: Verdict, limit: int, style: Style) -> list[str]:
    lines = verdict.worst[:_WORST]
    if not lines:
        return []
    columns = (
        Column("key", flexible=True),
        Column("given", flexible=True),
        Column("suggested", flexible=True),
        Column("quality", right=True),
        Column("severity"),
    )
    rows = [
        [
            value_text(each.key),
            value_text(each.given),
            _suggested(each),
            quality_text(each.quality),
            each.severity,
        ]
        for each in lines
    ]
    number = verdict.baseline.new if verdict.baseline is not None else verdict.issues
    what = "new issue" if verdict.baseline is not None else "issue"
    title = f"Worst of {plural(number, what)}"
    return titled(title, table(columns, rows, limit), style)


def _suggested(line: IssueLine) -> str:
    if line.kind == "missing_label":
        return "(add it)"
    if line.kind == "extra_label":
        return "(remove it)"
    return "(uncertain)" if line.suggested is None else value_text(line.suggested)
