"""Rules that hold whatever the data are: a gate of these would be green for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelaudit.gate.grammar import Metric
from labelaudit.gate.kinds import constant, spec_of
from labelaudit.gate.metrics import Kind
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from labelaudit.gate.grammar import Rule
    from labelaudit.gate.rules import GateRule

__all__ = ["idle_rules"]

_TURNED = {"<=": ">=", ">=": "<=", "<": ">", ">": "<", "!=": "!=", "==": "=="}


def idle_rules(rules: Sequence[GateRule]) -> Iterator[str]:
    """Yield a sentence for each rule that compares a metric with a number it never passes."""
    for each in rules:
        if _is_idle(each.rule):
            yield f"The rule {safe(each.rule.text, 200)} holds whatever the data are."


def _is_idle(rule: Rule) -> bool:
    metric, number, comparison = rule.left, constant(rule.right), rule.comparison
    if number is None:
        metric, number, comparison = rule.right, constant(rule.left), _TURNED[comparison]
    if number is None or not isinstance(metric, Metric):
        return False
    kind = spec_of(metric).kind
    if kind is Kind.NUMBER:
        return False
    below = number < 0 or (number == 0 and comparison == ">=")
    return (comparison in (">", ">=", "!=") and below) or (
        kind is Kind.RATIO and _above_one(number, comparison)
    )


def _above_one(number: Fraction, comparison: str) -> bool:
    above = number > 1 or (number == 1 and comparison == "<=")
    return comparison in ("<", "<=", "!=") and above
