"""Whether a rule makes sense, before anything is measured."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labelaudit.gate.grammar import Metric, Negation, Number, Operation, metrics_in
from labelaudit.gate.metrics import LABELS, METRICS, Kind
from labelaudit.gate.scanner import RuleError
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

    from labelaudit.gate.grammar import Expression, Rule, Selector
    from labelaudit.gate.metrics import Spec

__all__ = ["BASELINE", "Scene", "check_rule", "constant", "did_you_mean", "kind_of", "spec_of"]

BASELINE = "baseline."
_SEVERITIES = ("high", "medium")
_OF_BASELINE = {"issues": ("class", "given")}
_FOUND_IN_BASELINE = ("new_issues", "resolved_issues")


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to be named.

    Attributes
    ----------
    data : str
        ``LABELS`` or ``VOTES``.
    classes : tuple of str
        Class names; empty when they are not known.
    labels : tuple of str
        What can be given or suggested.
    grouped : bool
        Whether there is a ``--group``.
    baseline : frozenset of str or None
        Metrics that the baseline holds; None without one.
    old_classes : tuple of str
        Given labels and classes in the baseline.
    """

    data: str = LABELS
    classes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    grouped: bool = False
    baseline: frozenset[str] | None = None
    old_classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Typed:
    """An expression's kind; of one without metrics also what it comes to, and whether as 0.5."""

    kind: Kind
    value: Fraction | None = None
    pointed: bool = False


def check_rule(rule: Rule, scene: Scene | None) -> None:
    """Check names and kinds; without a scene, as far as that can be done without the data.

    Raises
    ------
    RuleError
        With the place.
    """
    for side in (rule.left, rule.right):
        for metric in metrics_in(side):
            _check_metric(metric, scene)
    if not [*metrics_in(rule.left), *metrics_in(rule.right)]:
        raise RuleError("This rule says nothing about the data: no metric is in it.", 0, 1)
    kind_of(rule)


def kind_of(rule: Rule) -> Kind:
    """Return what the rule compares.

    Raises
    ------
    RuleError
        If its sides are of two kinds.
    """
    return _alike(_typed(rule.left), rule.left, _typed(rule.right), rule.right)


def constant(expression: Expression) -> Fraction | None:
    """Return what an expression of numbers alone comes to; None if a metric is in it."""
    return None if any(True for _ in metrics_in(expression)) else _typed(expression).value


def spec_of(metric: Metric) -> Spec:
    """Return what is known of a metric, or of that which the baseline has."""
    return METRICS[metric.name.removeprefix(BASELINE)]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a sentence that names the nearest word, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean {safe(near[0])}?" if near else ""


def _check_metric(metric: Metric, scene: Scene | None) -> None:
    old = metric.name.startswith(BASELINE)
    name = metric.name.removeprefix(BASELINE)
    end = metric.start + len(metric.name)
    spec = METRICS.get(name)
    if spec is None:
        raise RuleError(_unknown(name, scene), metric.start, end)
    allowed = _OF_BASELINE.get(name, ()) if old else spec.selectors
    for selector in metric.selectors:
        _check_name(metric, selector, allowed)
    missing = [need for need in spec.needed if need not in {each.name for each in metric.selectors}]
    if missing:
        message = f"{name} is of one class: write {name}[class=...] or {name}.max."
        raise RuleError(message, metric.start, end)
    if scene is not None:
        _check_there(metric, name, scene)
        for selector in metric.selectors:
            _check_value(metric, selector, scene)


def _check_there(metric: Metric, name: str, scene: Scene) -> None:
    old, spec = metric.name != name, METRICS[name]
    message = ""
    if scene.data not in spec.data:
        message = f"{name} is measured on {spec.data[0]}, and these are {scene.data}."
    elif (old or name in _FOUND_IN_BASELINE) and scene.baseline is None:
        message = f"{metric.name} needs a baseline: name it with --baseline FILE."
    elif old and (name in _FOUND_IN_BASELINE or name not in (scene.baseline or frozenset())):
        message = f"The baseline does not hold {name}."
    if message:
        raise RuleError(message, metric.start, metric.start + len(metric.name))


def _unknown(name: str, scene: Scene | None) -> str:
    known = [each for each, spec in METRICS.items() if scene is None or scene.data in spec.data]
    hint = did_you_mean(name, known) or f" Metrics are {', '.join(known)}."
    return f"There is no metric '{safe(name)}'.{hint}"


def _check_name(metric: Metric, selector: Selector, allowed: tuple[str, ...]) -> None:
    name = selector.name
    if name not in allowed:
        hint = did_you_mean(name, allowed) or _instead(metric.name, selector)
        what = f"can be asked by {', '.join(allowed)}" if allowed else "is of all rows"
        message = f"{metric.name} {what}, not by {safe(name)}.{hint}"
        raise RuleError(message, selector.start, selector.start + len(name))


def _instead(metric: str, selector: Selector) -> str:
    """Name what says of a class or a group what the error rate says of all rows."""
    if not metric.startswith("error_rate"):
        return ""
    if selector.name == "class":
        return f" Did you mean class_error_rate[class={safe(selector.value, 40)}]?"
    if selector.name == "group":
        group = f"[group={safe(selector.value, 40)}]"
        return f" Did you mean issues{group} / rows{group}?"
    return ""


def _check_value(metric: Metric, selector: Selector, scene: Scene) -> None:
    name, value = selector.name, selector.value
    if name == "group":
        if not scene.grouped:
            raise RuleError("group needs --group COL.", selector.start, selector.stop)
        return
    known = {"severity": _SEVERITIES, "class": scene.classes}.get(name, scene.labels)
    if name in ("class", "given") and _reads_baseline(metric):
        known = (*known, *scene.old_classes)
    if known and value not in known:
        what = {"severity": "flagged row of severity", "class": "class"}.get(name, "label")
        hint = did_you_mean(value, known) or f" There are {_first(known)}."
        message = f"There is no {what} '{safe(value)}'.{hint}"
        raise RuleError(message, selector.start, selector.stop)


def _reads_baseline(metric: Metric) -> bool:
    return metric.name.startswith(BASELINE) or metric.name == "resolved_issues"


def _first(names: tuple[str, ...]) -> str:
    shown = ", ".join(safe(name, 30) for name in names[:5])
    return f"{shown}, ..." if len(names) > 5 else shown


def _typed(expression: Expression) -> _Typed:
    if isinstance(expression, Number):
        return _typed_number(expression)
    if isinstance(expression, Metric):
        return _Typed(spec_of(expression).kind)
    if isinstance(expression, Negation):
        inner = _typed(expression.operand)
        value = None if inner.value is None else -inner.value
        return _Typed(inner.kind, value, inner.pointed)
    left, right = _typed(expression.left), _typed(expression.right)
    if expression.sign in "+-":
        return _added(expression, left, right)
    return _scaled(expression, left, right)


def _typed_number(number: Number) -> _Typed:
    if number.unit in ("%", "pp"):
        return _Typed(Kind.RATIO, number.value)
    kind = Kind.COUNT if number.unit else Kind.NUMBER
    return _Typed(kind, number.value, "." in number.written)


def _added(operation: Operation, left: _Typed, right: _Typed) -> _Typed:
    kind = _alike(left, operation.left, right, operation.right)
    return _Typed(kind, _folded(operation.sign, left, right), left.pointed or right.pointed)


def _scaled(operation: Operation, left: _Typed, right: _Typed) -> _Typed:
    """Multiply or divide: a count over a count is a ratio, a count by a ratio is a count."""
    a, b = left.kind, right.kind
    kind: Kind | None
    if operation.sign == "*":
        kind = a if b is Kind.NUMBER else b if a is Kind.NUMBER or a is Kind.RATIO else None
        kind = Kind.COUNT if (a, b) == (Kind.COUNT, Kind.RATIO) else kind
    elif a is b:
        kind = Kind.RATIO if a is Kind.COUNT else Kind.NUMBER
    else:
        kind = a if b is Kind.NUMBER or a is Kind.COUNT else None
    if kind is None:
        how = "times" if operation.sign == "*" else "over"
        message = f"A {a.value} {how} a {b.value} is neither a count nor a ratio."
        raise RuleError(message, operation.sign_at, operation.sign_at + 1)
    return _Typed(kind, _folded(operation.sign, left, right), left.pointed or right.pointed)


def _folded(sign: str, left: _Typed, right: _Typed) -> Fraction | None:
    if left.value is None or right.value is None or (sign == "/" and right.value == 0):
        return None
    if sign == "/":
        return left.value / right.value
    if sign == "*":
        return left.value * right.value
    return left.value + (right.value if sign == "+" else -right.value)


def _alike(left: _Typed, first: Expression, right: _Typed, second: Expression) -> Kind:
    """Return the kind of both; a plain number takes the kind of the other."""
    if Kind.NUMBER in (left.kind, right.kind):
        number, place, other, where = (left, first, right, second)
        if number.kind is not Kind.NUMBER:
            number, place, other, where = (right, second, left, first)
        if other.kind is Kind.RATIO:
            _demand_ratio(number, place, where)
        return other.kind
    if left.kind is not right.kind:
        raise _unlike(left, first, right, second)
    return left.kind


def _demand_ratio(number: _Typed, place: Expression, ratio: Expression) -> None:
    """Refuse 2 where 2% is meant; 0 and decimals up to 1 say clearly enough what they are."""
    value = number.value
    if value is None or value == 0 or (number.pointed and abs(value) <= 1):
        return
    plain = f"{float(value):g}"
    name = safe(ratio.name) if isinstance(ratio, Metric) else "The other side"
    message = f"{name} is a ratio, and {plain} is a count. Did you mean {plain}%?"
    raise RuleError(message, place.start, place.stop)


def _unlike(left: _Typed, first: Expression, right: _Typed, second: Expression) -> RuleError:
    pairs = ((left, first), (right, second))
    count, _ = next(pair for pair in pairs if pair[0].kind is Kind.COUNT)
    named = [each.name for _, each in pairs if isinstance(each, Metric)]
    hint = " Divide the count by rows."
    if count.value is None and len(named) == 1:
        hint = f" Did you mean {named[0]} / rows?"
    elif count.value is not None:
        hint = f" Did you mean {float(count.value):g}%?"
    place = next((each for _, each in pairs if isinstance(each, Number)), second)
    message = f"A {left.kind.value} stands against a {right.kind.value} here.{hint}"
    return RuleError(message, place.start, place.stop)
