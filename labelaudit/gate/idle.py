"""Rules that hold whatever the data are: a gate of these would be green for nothing."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from labelaudit.gate.grammar import Metric, Negation, Number
from labelaudit.gate.kinds import spec_of
from labelaudit.gate.metrics import Kind
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelaudit.gate.grammar import Expression, Rule
    from labelaudit.gate.rules import GateRule

__all__ = ["idle_rules"]

_End = Fraction | float
_BOUNDS: dict[Kind, tuple[_End, _End]] = {
    Kind.COUNT: (Fraction(0), math.inf),
    Kind.RATIO: (Fraction(0), Fraction(1)),
    Kind.NUMBER: (-math.inf, math.inf),
}


def idle_rules(rules: Sequence[GateRule]) -> Iterator[str]:
    """Yield a sentence for each rule whose sides can never stand otherwise than it says."""
    for each in rules:
        if _is_idle(each.rule):
            yield f"The rule {safe(each.rule.text, 200)} holds whatever the data are."


def _is_idle(rule: Rule) -> bool:
    comparison = rule.comparison
    if _said(rule, rule.left) == _said(rule, rule.right):
        return comparison in ("<=", ">=", "==")
    (low, high), (least, most) = _bounds(rule.left), _bounds(rule.right)
    return {
        "<=": high <= least,
        "<": high < least,
        ">=": low >= most,
        ">": low > most,
        "==": low == high == least == most,
        "!=": high < least or low > most,
    }[comparison]


def _said(rule: Rule, side: Expression) -> str:
    return rule.text[side.start : side.stop]


def _bounds(side: Expression) -> tuple[_End, _End]:
    """Return the least and the most that an expression can be, each metric taken for itself."""
    if isinstance(side, Number):
        return side.value, side.value
    if isinstance(side, Metric):
        return _BOUNDS[spec_of(side).kind]
    if isinstance(side, Negation):
        low, high = _bounds(side.operand)
        return -high, -low
    (low, high), (least, most) = _bounds(side.left), _bounds(side.right)
    if side.sign in "+-":
        return (low + least, high + most) if side.sign == "+" else (low - most, high - least)
    if side.sign == "*":
        corners = [_product(a, b) for a in (low, high) for b in (least, most)]
        return min(corners), max(corners)
    # A division by zero is an error, so what divides is not 0.
    return (Fraction(0), math.inf) if low >= 0 and least >= 0 else (-math.inf, math.inf)


def _product(a: _End, b: _End) -> _End:
    return Fraction(0) if 0 in (a, b) else a * b
