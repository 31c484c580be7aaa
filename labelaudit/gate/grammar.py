"""From the text of a rule to what it says.

::

    rule   = expr cmp expr ;   cmp = "<=" | ">=" | "==" | "!=" | "<" | ">" ;
    expr   = term { ("+"|"-") term } ;   term = factor { ("*"|"/") factor } ;
    factor = "-" factor | "(" expr ")" | number [ "%" | "pp" | "k" | "M" ] | metric ;
    metric = NAME { "." NAME } [ "[" NAME "=" VALUE { "," NAME "=" VALUE } "]" ] ;
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from labelaudit.gate.scanner import RuleError, Scanner
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "COMPARISONS",
    "Expression",
    "Metric",
    "Negation",
    "Number",
    "Operation",
    "Rule",
    "Selector",
    "metrics_in",
    "parse_rule",
]

COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")
_HUNDREDTH = Fraction(1, 100)
UNITS = {
    "": Fraction(1),
    "%": _HUNDREDTH,
    "pp": _HUNDREDTH,
    "k": Fraction(1_000),
    "M": Fraction(1_000_000),
}
_LONGEST = 500
_DEEPEST = 20
_SLIPS = {"=<": "<=", "=>": ">=", "≤": "<=", "≥": ">=", "≠": "!=", "<>": "!=", "=": "=="}


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written; ``value`` has its unit in it."""

    value: Fraction
    unit: str
    written: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Selector:
    """One ``name=value`` in brackets."""

    name: str
    value: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Metric:
    """Something measured, of all rows or of those that the selectors pick."""

    name: str
    selectors: tuple[Selector, ...]
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Negation:
    """Minus an expression."""

    operand: Expression
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Operation:
    """Two expressions with ``+``, ``-``, ``*`` or ``/`` between them, at ``sign_at``."""

    sign: str
    left: Expression
    right: Expression
    sign_at: int
    start: int
    stop: int


Expression = Number | Metric | Negation | Operation


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold.

    Attributes
    ----------
    text : str
        As the user wrote it.
    left, right : Expression
    comparison : str
        One of ``COMPARISONS``.
    compared_at : int
        Its place in the text.
    """

    text: str
    left: Expression
    comparison: str
    right: Expression
    compared_at: int


def parse_rule(text: str) -> Rule:
    """Parse the text of one rule.

    Raises
    ------
    RuleError
        If it is not a rule; with the place.
    """
    if len(text) > _LONGEST:
        message = f"This rule is longer than {_LONGEST} characters."
        raise RuleError(message, _LONGEST, _LONGEST)
    text = text.strip()
    words = Scanner(text)
    if not words.rest():
        raise RuleError("This rule is empty; write one such as 'error_rate.low <= 2%'.", 0, 0)
    left = _expression(words, 0)
    comparison = _comparison(words)
    at = words.place - len(comparison)
    right = _expression(words, 0)
    if words.rest():
        raise _left_over(words)
    return Rule(text, left, comparison, right, at)


def metrics_in(expression: Expression) -> Iterator[Metric]:
    """Yield the metrics of an expression, from left to right."""
    if isinstance(expression, Metric):
        yield expression
    elif isinstance(expression, Negation):
        yield from metrics_in(expression.operand)
    elif isinstance(expression, Operation):
        yield from metrics_in(expression.left)
        yield from metrics_in(expression.right)


def _comparison(words: Scanner) -> str:
    rest, at = words.rest(), words.place
    slip = next((each for each in _SLIPS if rest.startswith(each)), None)
    if slip is not None and not rest.startswith("=="):
        message = f"{slip} compares nothing here. Did you mean {_SLIPS[slip]}?"
        raise RuleError(message, at, at + len(slip))
    found = words.take(*COMPARISONS)
    if found is None:
        what = "the rule ends" if not rest else f"'{safe(rest[0])}' stands"
        raise RuleError(f"One of {' '.join(COMPARISONS)} is needed where {what}.", at, at)
    return found


def _left_over(words: Scanner) -> RuleError:
    rest, at = words.rest(), words.place
    if rest.startswith((*COMPARISONS, *_SLIPS)):
        return RuleError("A rule compares once; write two rules.", at, at + 1)
    if rest.lower().startswith(("and", "or", "&&", "||", ";", ",")):
        return RuleError("A rule says one thing; write one rule for each.", at, at + 1)
    return RuleError(f"'{safe(rest[0])}' is not expected here.", at, at + 1)


def _expression(words: Scanner, depth: int) -> Expression:
    left = _term(words, depth)
    while sign := words.take("+", "-"):
        at = words.place - 1
        right = _term(words, depth)
        left = Operation(sign, left, right, at, left.start, right.stop)
    return left


def _term(words: Scanner, depth: int) -> Expression:
    left = _factor(words, depth)
    while sign := words.take("*", "/"):
        at = words.place - 1
        right = _factor(words, depth)
        left = Operation(sign, left, right, at, left.start, right.stop)
    return left


def _factor(words: Scanner, depth: int) -> Expression:
    words.rest()
    start = words.place
    if depth > _DEEPEST:
        raise RuleError(f"This is nested more than {_DEEPEST} levels deep.", start, start)
    if words.take("-"):
        operand = _factor(words, depth + 1)
        return Negation(operand, start, operand.stop)
    if words.take("("):
        inner = _expression(words, depth + 1)
        if not words.take(")"):
            raise RuleError("This parenthesis is not closed.", start, start + 1)
        return inner
    return _number(words, start) or _metric(words, start)


def _number(words: Scanner, start: int) -> Number | None:
    found = words.number()
    if found is None:
        return None
    value, unit = found
    written = words.text[start : words.place]
    return Number(value * UNITS[unit], unit, written, start, words.place)


def _metric(words: Scanner, start: int) -> Metric:
    name = words.name()
    if name is None:
        rest = words.rest()
        what = f"not '{safe(rest[0])}'" if rest else "but the rule ends"
        raise RuleError(f"A number or a metric is expected here, {what}.", start, start + 1)
    stop = words.place
    if not words.take("["):
        return Metric(name, (), start, stop)
    selectors = tuple(_selectors(words))
    return Metric(name, selectors, start, words.place)


def _selectors(words: Scanner) -> Iterator[Selector]:
    opened = words.place - 1
    seen: set[str] = set()
    while True:
        words.rest()
        start = words.place
        name = words.word()
        if name is None or not words.take("="):
            message = "A selector is written name=value, such as class=cat."
            raise RuleError(message, start, words.place)
        if name in seen:
            raise RuleError(f"{name} is selected twice.", start, words.place)
        seen.add(name)
        yield Selector(name, words.value(), start, words.place)
        if words.take("]"):
            return
        if not words.take(","):
            at = words.place
            if at >= len(words.text):
                raise RuleError("This bracket is not closed.", opened, opened + 1)
            message = (
                "A comma or a bracket is expected; put quotes around a value with marks in it."
            )
            raise RuleError(message, at, at + 1)
