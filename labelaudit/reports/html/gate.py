"""What a page says of a gate: passed or failed, by which rules, against which baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelaudit.reports.verdict import baseline_sentence, headline
from labelaudit.wording import safe

if TYPE_CHECKING:
    from labelaudit.verdicts import Verdict

__all__ = ["gate_view"]

_RULES = 30


def gate_view(verdict: Verdict) -> dict[str, Any]:
    """Return what the top of a page shows of a verdict: rules that fail first."""
    order = {"failed": 0, "warning": 1, "passed": 2}
    rules = sorted(verdict.outcomes, key=lambda each: order[each.result])
    return {
        "passed": verdict.passed,
        "headline": headline(verdict),
        "baseline": None if verdict.baseline is None else baseline_sentence(verdict.baseline),
        "rules": [
            {"result": each.result, "rule": safe(each.rule, 120), "why": safe(each.why, 200)}
            for each in rules[:_RULES]
        ],
    }
