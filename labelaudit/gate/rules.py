"""From rules and what was measured to a verdict."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from labelaudit.errors import ConfigError
from labelaudit.gate.grammar import Metric, Negation, Number, Rule, metrics_in, parse_rule
from labelaudit.gate.kinds import BASELINE, check_rule, did_you_mean, kind_of, spec_of
from labelaudit.gate.numbers import number_text, pair_text
from labelaudit.gate.scanner import RuleError
from labelaudit.verdicts import RuleOutcome
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from labelaudit.gate.grammar import Expression
    from labelaudit.gate.kinds import Scene
    from labelaudit.gate.measures import Measured

__all__ = ["GateRule", "check_rules", "judged", "parsed_rules"]

ALWAYS = ("rows > 0", "invalid_rows == 0")
_WINDOW = 72
_COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_BECAUSE = {
    "<=": "more than",
    "<": "not less than",
    ">=": "less than",
    ">": "not more than",
    "==": "not",
    "!=": "exactly",
}


@dataclass(frozen=True, slots=True)
class GateRule:
    """A rule and how much hangs on it: ``require``, ``warn`` or ``always``."""

    rule: Rule
    level: str


def parsed_rules(require: Sequence[str], warn: Sequence[str]) -> tuple[GateRule, ...]:
    """Parse all rules, those that are always on before the user's.

    ``invalid_rows == 0`` is not there when a required rule says how many there may be.

    Raises
    ------
    ConfigError
        If some are no rules, or name what never is: all of them at once.
    """
    rules: list[GateRule] = []
    problems: list[str] = []
    for level, text in [*(("require", each) for each in require), *(("warn", w) for w in warn)]:
        try:
            rule = parse_rule(text)
            check_rule(rule, None)
        except RuleError as error:
            problems.append(_pointed(text.strip(), error))
        else:
            rules.append(GateRule(rule, level))
    _refuse(problems)
    required = (each.rule for each in rules if each.level == "require")
    said = any(metric.name == "invalid_rows" for rule in required for metric in _metrics(rule))
    fixed = [GateRule(parse_rule(text), "always") for text in ALWAYS[: 1 if said else 2]]
    return (*fixed, *rules)


def check_rules(rules: Sequence[GateRule], scene: Scene) -> None:
    """Check all rules against what there is to be named.

    Raises
    ------
    ConfigError
        If some cannot be: all of them at once.
    """
    problems: list[str] = []
    for each in rules:
        try:
            check_rule(each.rule, scene)
        except RuleError as error:
            problems.append(_pointed(each.rule.text, error))
    _refuse(problems)


def judged(rules: Sequence[GateRule], measured: Measured) -> tuple[RuleOutcome, ...]:
    """Judge all rules.

    Raises
    ------
    ConfigError
        If some cannot be judged, because a number does not exist: all of them at once.
    """
    outcomes: list[RuleOutcome] = []
    problems: list[str] = []
    for each in rules:
        try:
            outcomes.append(_outcome(each, measured))
        except RuleError as error:
            problems.append(_pointed(each.rule.text, error))
    _refuse(problems, "This cannot pass for green: change the rule or the data.")
    return tuple(outcomes)


def _refuse(problems: Sequence[str], remedy: str = "Mend the rule.") -> None:
    if problems:
        remedy = remedy.replace("the rule.", "the rules.") if len(problems) > 1 else remedy
        raise ConfigError("\n".join(problems), remedy)


def _pointed(text: str, error: RuleError) -> str:
    """Show the place under the rule."""
    start = max(0, error.start - _WINDOW // 2) if len(text) > _WINDOW else 0
    shown = safe(text[start : start + _WINDOW], 10 * _WINDOW)
    before = len(safe(text[start : error.start], 10 * _WINDOW))
    wide = len(safe(text[error.start : min(error.stop, start + _WINDOW)], 10 * _WINDOW))
    return f"{error.message}\n  {shown}\n  {' ' * before}{'^' * max(wide, 1)}"


def _metrics(rule: Rule) -> Iterator[Metric]:
    yield from metrics_in(rule.left)
    yield from metrics_in(rule.right)


def _outcome(each: GateRule, measured: Measured) -> RuleOutcome:
    rule = each.rule
    left, right = _value(rule.left, measured), _value(rule.right, measured)
    passed = _COMPARE[rule.comparison](left, right)
    value, threshold = pair_text(left, right, kind_of(rule))
    what = safe(rule.text[: rule.compared_at].strip(), 200)
    why = f"{what} is {value}"
    if not passed:
        why += f", {_BECAUSE[rule.comparison]} {threshold}"
    parts = _parts(rule, measured)
    return RuleOutcome(rule.text, each.level, passed, value, threshold, f"{why}{parts}.")


def _parts(rule: Rule, measured: Measured) -> str:
    """Name what was measured, where a side is more than one metric."""
    if isinstance(rule.left, Metric) and isinstance(rule.right, Number):
        return ""
    shown: dict[str, str] = {}
    for metric in _metrics(rule):
        name = safe(rule.text[metric.start : metric.stop], 100)
        shown[name] = number_text(_value(metric, measured), spec_of(metric).kind)
    return f" ({', '.join(f'{name} {value}' for name, value in shown.items())})"


def _value(expression: Expression, measured: Measured) -> Fraction:
    if isinstance(expression, Number):
        return expression.value
    if isinstance(expression, Metric):
        return _metric(expression, measured)
    if isinstance(expression, Negation):
        return -_value(expression.operand, measured)
    left, right = _value(expression.left, measured), _value(expression.right, measured)
    if expression.sign == "/":
        if right == 0:
            message = "This divides by zero: what stands behind the / came out as 0."
            raise RuleError(message, expression.right.start, expression.right.stop)
        return left / right
    if expression.sign == "*":
        return left * right
    return left + right if expression.sign == "+" else left - right


def _metric(metric: Metric, measured: Measured) -> Fraction:
    wanted = {each.name: each.value for each in metric.selectors}
    if metric.name in measured.unsaid:
        message = f"{metric.name} cannot be said of these data: {measured.unsaid[metric.name]}."
        raise RuleError(message, metric.start, metric.stop)
    if metric.name.startswith(BASELINE):
        found = _of_baseline(metric.name.removeprefix(BASELINE), wanted, measured)
    elif metric.name in ("issues", "new_issues", "resolved_issues"):
        _demand_group(metric, measured)
        found = Fraction(_counted(metric.name, wanted, measured))
    elif "group" in wanted or len(wanted) > 1:
        found = _rows_of(metric, wanted, measured)
    elif wanted:
        value = next(iter(wanted.values()))
        found = (measured.by_class or {}).get(metric.name, {}).get(value)
    else:
        found = measured.numbers.get(metric.name)
    if found is None:
        name = (
            f"{metric.name} of {safe(next(iter(wanted.values())), 40)}" if wanted else metric.name
        )
        raise RuleError(f"{name} cannot be said of these data.", metric.start, metric.stop)
    return found


def _counted(name: str, wanted: dict[str, str], measured: Measured) -> int:
    issues, baseline = measured.issues, measured.baseline
    if name == "resolved_issues" and baseline is not None and issues is not None:
        flagged = set(issues.table["issue_id"].to_pylist())
        return baseline.count(wanted, (each for each in baseline.ids if each not in flagged))
    return issues.count(wanted, new=name == "new_issues") if issues is not None else 0


def _of_baseline(name: str, wanted: dict[str, str], measured: Measured) -> Fraction | None:
    baseline = measured.baseline
    if baseline is None:
        return None
    if name == "issues":
        return Fraction(baseline.count(wanted))
    return (baseline.metrics or {}).get(name)


def _rows_of(metric: Metric, wanted: dict[str, str], measured: Measured) -> Fraction:
    """Return the rows of a group."""
    _demand_group(metric, measured)
    if len(wanted) > 1:
        message = "rows can be asked by one selector only; issues by several."
        raise RuleError(message, metric.start, metric.stop)
    return Fraction((measured.group_rows or {})[wanted["group"]])


def _demand_group(metric: Metric, measured: Measured) -> None:
    for each in metric.selectors:
        groups = measured.group_rows or {}
        if each.name == "group" and each.value not in groups:
            hint = did_you_mean(each.value, groups)
            message = f"There is no group '{safe(each.value)}'.{hint}"
            raise RuleError(message, each.start, each.stop)
