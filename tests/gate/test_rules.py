"""Rules: what they say, where they are wrong, and whether they hold."""

from __future__ import annotations

import operator
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.errors import ConfigError
from labelaudit.gate.grammar import Number, Operation, parse_rule
from labelaudit.gate.idle import idle_rules
from labelaudit.gate.judging import judge_labels
from labelaudit.gate.kinds import Scene
from labelaudit.gate.measures import exact
from labelaudit.gate.metrics import Kind
from labelaudit.gate.numbers import pair_text
from labelaudit.gate.rules import check_rules, parsed_rules
from labelaudit.gate.scanner import RuleError
from tests.reports import builders

if TYPE_CHECKING:
    from labelaudit.verdicts import RuleOutcome

SCENE = Scene(classes=("cat", "dog", "fox"), labels=("cat", "dog", "fox"))


def outcome(rule: str, result: Any = None) -> RuleOutcome:
    """Judge one rule on the audit made by hand."""
    rules = parsed_rules([rule], [])
    return judge_labels(result or builders.result(), rules)[0].outcomes[-1]


def refusal(rule: str, scene: Scene | None = SCENE) -> str:
    """What is said of a rule that cannot be, its place included."""
    with pytest.raises(ConfigError) as caught:
        checked(rule, scene)
    return caught.value.found


def checked(rule: str, scene: Scene | None) -> None:
    """Parse a rule and look up its names."""
    rules = parsed_rules([rule], [])
    if scene is not None:
        check_rules(rules, scene)


@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        ("issues == 3", True),
        ("issues != 3", False),
        ("rows >= 1k", True),
        ("rows > 1k", False),
        ("rows < .001M", False),
        ("error_rate.low <= 0.2%", True),
        ("error_rate.low < 0.2 %", False),
        ("error_rate.low <= 0.002", True),
        ("error_rate.low < 0.2pp", False),
        ("error_rate == error_rate.point", True),
        ("error_rate.high >= 4%", True),
        ("issues / rows <= 0.3%", True),
        ("issues / rows < 0.3%", False),
        ("rows * 0.3% == issues", True),
        ("-error_rate.low > -1%", True),
        ("2 * (issues + 1) - 1 == 7", True),
        ("1 - error_rate.low == 99.8%", False),
        ("100% - error_rate.low == 99.8%", True),
        ("8 / 2 / 2 * issues == 6", True),
        ("10 - 4 - 3 == issues", True),
        ("error_rate.high / error_rate.low == 20", True),
        ("invalid_rows <= 2", True),
        ("issues[class=cat] == 3", True),
        ("issues[class=dog] == 0", True),
        ("issues[given='cat', suggested=\"dog\"] == 2", True),
        ("issues[ severity = high ] == 2", True),
        ("issues[severity=medium,class=cat] == 1", True),
        ("rows[class=dog] == 300", True),
        ("class_error_rate[class=cat] == 6%", True),
        ("class_error_rate.max <= 6%", True),
        ("class_error_rate.max < 6%", False),
        ("min_class_rows == 198", True),
        ("mean_quality > 0.9", True),
        ("mean_quality[class=dog] == 98%", True),
    ],
)
def test_rule_holds_or_not(rule: str, passes: bool) -> None:
    if "1 - error" in rule:
        assert "Did you mean 1%?" in refusal(rule)
    else:
        assert outcome(rule).passed is passes


def test_thresholds_are_exact() -> None:
    assert 0.07 * 100 > 7  # a float would fail 7 of 100 rows against 7%
    table = builders.class_table().set_column(5, "given_noise", pa.array([0.07, 0.0, 0.0]))
    result = replace(builders.result(), classes=table)
    assert outcome("class_error_rate.max * 100 <= 700%", result).passed
    assert outcome("class_error_rate.max == 7%", result).passed


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (
            "eror_rate.low <= 2%",
            (
                "There is no metric 'eror_rate.low'. Did you mean error_rate.low?\n"
                "  eror_rate.low <= 2%\n"
                "  ^^^^^^^^^^^^^"
            ),
        ),
        (
            "error_rate <= 2",
            (
                "error_rate is a ratio, and 2 is a count. Did you mean 2%?\n"
                "  error_rate <= 2\n"
                "                ^"
            ),
        ),
        (
            "issues <= 2%",
            (
                "A count stands against a ratio here. Did you mean issues / rows?\n"
                "  issues <= 2%\n"
                "            ^^"
            ),
        ),
        (
            "rows >",
            "A number or a metric is expected here, but the rule ends.\n  rows >\n        ^",
        ),
        (
            "issues[clas=cat] < 3",
            (
                "issues can be asked by class, given, suggested, severity, group, not by clas. "
                "Did you mean class?\n"
                "  issues[clas=cat] < 3\n"
                "         ^^^^"
            ),
        ),
        (
            "issues[class=cot] < 3",
            (
                "There is no class 'cot'. Did you mean cat?\n"
                "  issues[class=cot] < 3\n"
                "         ^^^^^^^^^"
            ),
        ),
    ],
)
def test_caret_stands_under_the_place(rule: str, found: str) -> None:
    assert refusal(rule) == found


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("", "This rule is empty"),
        ("   ", "This rule is empty"),
        ("rows", "is needed where the rule ends"),
        ("rows = 3", "Did you mean ==?"),
        ("rows =< 3", "Did you mean <=?"),
        ("rows ≥ 3", "Did you mean >=?"),
        ("1 <= rows <= 3", "A rule compares once"),
        ("rows > 1 and issues < 3", "one rule for each"),
        ("rows > 1, issues < 3", "one rule for each"),
        ("rows > \x1b[1m", "expected here, not '\\x1b'"),
        ("rows > 1 issues", "'i' is not expected here"),
        ("(rows > 1", "This parenthesis is not closed"),
        ("rows > 1)", "')' is not expected here"),
        ("rows[class=cat > 1", "This bracket is not closed"),
        ("rows[class=cat class=dog] > 1", "A comma or a bracket is expected"),
        ("rows[class=cat, class=dog] > 1", "class is selected twice"),
        ("rows[] > 1", "A selector is written name=value"),
        ("rows[class] > 1", "A selector is written name=value"),
        ("rows[class=] > 1", "A value is missing"),
        ("rows[class='cat] > 1", "These quotes do not end"),
        ("* rows > 1", "A number or a metric is expected here, not '*'"),
        ("rows % 2 == 1", "One of <= >= == != < > is needed where '%' stands"),
        ("1 < 2", "no metric is in it"),
        ("error_rate <= 100", "Did you mean 100%?"),
        ("error_rate <= 1", "Did you mean 1%?"),
        ("error_rate <= 1.5", "Did you mean 1.5%?"),
        ("error_rate + 1 <= 2%", "Did you mean 1%?"),
        ("error_rate <= 2k", "Did you mean 2000%?"),
        ("issues * rows > 3", "A count times a count"),
        ("error_rate / rows > 3", "A ratio over a count"),
        ("issues / rows <= 3", "Did you mean 3%?"),
        ("issues[severity=low] == 0", "no flagged row of severity 'low'"),
        ("issues[group=a] == 0", "group needs --group COL"),
        ("error_rate[class=cat] < 3%", "by class. Did you mean class_error_rate[class=cat]?"),
        ("error_rate.low[group=a] < 3%", "Did you mean issues[group=a] / rows[group=a]?"),
        ("error_rate[given=cat] < 3%", "is of all rows, not by given."),
        ("class_error_rate < 3%", "class_error_rate.max"),
        ("new_issues == 0", "new_issues needs a baseline"),
        ("issues <= baseline.issues", "baseline.issues needs a baseline"),
        ("agreement.mean > 50%", "is measured on votes, and these are labels"),
        ("nonsense > 5", "Metrics are rows, invalid_rows, issues,"),
        ("(" * 30 + "rows" + ")" * 30 + " > 1", "nested more than 20 levels"),
        ("rows > " + "1" * 600, "longer than 500 characters"),
        ("rows \x1b[31m> 3", "where '\\x1b' stands"),
    ],
)
def test_rules_that_cannot_be(rule: str, says: str) -> None:
    found = refusal(rule)
    assert says in found
    assert found.splitlines()[-1].strip("^ ") == ""
    assert "\x1b" not in found


def test_all_errors_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parsed_rules(["eror_rate < 2%", "rows > 0", "rows >"], ["issues <= 2%"])
    assert caught.value.found.count("^\n") == 2
    assert caught.value.found.count("There is no metric") == 1
    assert caught.value.remedy == "Mend the rules."


def test_place_in_a_long_rule_is_shown() -> None:
    found = refusal(" + ".join(["rows"] * 40) + " + raws > 3", None)
    text, carets = found.splitlines()[-2:]
    assert len(text) <= 80
    assert text[carets.index("^") : carets.rindex("^") + 1] == "raws"


def test_class_with_marks_in_its_name() -> None:
    names = ("a,b]=c", "it's", 'say "x" \\')
    result = builders.result(classes=names)
    assert outcome("issues[class='a,b]=c'] == 3", result).passed
    assert outcome("issues[class=\"a,b]=c\", suggested='it\\'s'] == 2", result).passed
    assert outcome(r"rows[class='say \"x\" \\'] == 198", result).passed


def test_numbers_that_do_not_exist_are_no_pass() -> None:
    result = builders.result()
    for rule in ("mean_quality[class=fox] >= 0", "issues / issues[class=dog] >= 0"):
        with pytest.raises(ConfigError) as caught:
            outcome(rule, result)
        assert caught.value.remedy.startswith("This cannot pass for green")
    unsaid = replace(result, audit=builders.audit(mean_quality=float("nan")))
    with pytest.raises(ConfigError, match="mean_quality cannot be said of these data"):
        outcome("mean_quality >= 0", unsaid)


def test_groups() -> None:
    groups = pa.table({"group": ["a", None], "rows": [600, 398], "issues": [2, 1]})
    result = builders.result(groups=groups)
    column = pa.chunked_array([["a", None, "a"]])

    def judge(rule: str) -> bool:
        verdict, _ = judge_labels(result, parsed_rules([rule], []), None, lambda _: column)
        return verdict.passed

    verdict, _ = judge_labels(
        result,
        parsed_rules(["issues[group=a] == 2", "rows[group='(null)'] == 398"], []),
        None,
        lambda _: column,
    )
    assert [each.passed for each in verdict.outcomes] == [True, False, True, True]
    with pytest.raises(ConfigError, match="There is no group 'b'"):
        judge("issues[group=b] == 0")


def test_always_on() -> None:
    verdict, _ = judge_labels(builders.result(), parsed_rules(["issues < 9"], []))
    assert [(each.rule, each.level, each.passed) for each in verdict.outcomes] == [
        ("rows > 0", "always", True),
        ("invalid_rows == 0", "always", False),
        ("issues < 9", "require", True),
    ]
    assert not verdict.passed
    own, _ = judge_labels(builders.result(), parsed_rules(["invalid_rows / rows < 1%"], []))
    assert [each.rule for each in own.outcomes] == ["rows > 0", "invalid_rows / rows < 1%"]
    warned = parsed_rules([], ["invalid_rows < 5"])
    assert [each.rule.text for each in warned][:2] == ["rows > 0", "invalid_rows == 0"]


def test_why() -> None:
    assert outcome("error_rate.low <= 0.1%").why == "error_rate.low is 0.2 %, more than 0.1 %."
    assert outcome("issues > 3").why == "issues is 3, not more than 3."
    assert outcome("issues / rows < 0.1%").why == (
        "issues / rows is 0.3 %, not less than 0.1 % (issues 3, rows 1,000)."
    )


def test_values_are_shown_with_the_digits_that_tell_them_apart() -> None:
    assert pair_text(Fraction(200001, 10**7), Fraction(2, 100), Kind.RATIO) == (
        "2.00001 %",
        "2 %",
    )
    assert pair_text(Fraction(2675, 1000), Fraction(-5, 2), Kind.COUNT) == ("2.68", "-2.5")
    assert pair_text(Fraction(1, 10**30), Fraction(0), Kind.COUNT)[0].endswith("(exactly)")


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_share_is_exactly_what_its_decimals_say(part: int, whole: int) -> None:
    share = min(part, whole) / whole
    found = exact(share)
    assert found is not None
    assert float(found) == share
    if whole in (1, 10, 100, 1000, 10_000):
        assert found == Fraction(min(part, whole), whole)


def test_measured_numbers_that_are_none() -> None:
    assert exact(float("nan")) is None
    assert exact(float("inf")) is None
    assert exact(None) is None
    assert exact(0.35) == Fraction(35, 100)
    assert exact(2**60 + 1) == 2**60 + 1


@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_refused_with_a_place(text: str) -> None:
    text = text.strip()
    try:
        start, stop = 0, len(parse_rule(text).text)
    except RuleError as error:
        start, stop = error.start, error.stop
    assert 0 <= start <= len(text)
    assert stop > start


@given(st.lists(st.tuples(st.sampled_from("+-*/"), st.integers(1, 99)), max_size=6))
def test_arithmetic_goes_from_left_to_right_products_first(steps: list[tuple[str, int]]) -> None:
    rule = parse_rule("7" + "".join(f" {sign} {number}" for sign, number in steps) + " < rows")
    terms = [Fraction(7)]
    for sign, number in steps:
        if sign == "*":
            terms[-1] *= number
        elif sign == "/":
            terms[-1] /= number
        else:
            terms.append(Fraction(number if sign == "+" else -number))
    assert value(rule.left) == sum(terms)


def value(expression: Any) -> Fraction:
    """What an expression of numbers comes to."""
    if isinstance(expression, Number):
        return expression.value
    assert isinstance(expression, Operation)
    work = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
    found: Fraction = work[expression.sign](value(expression.left), value(expression.right))
    return found


@pytest.mark.parametrize(
    ("rule", "idle"),
    [
        ("rows == rows", True),
        ("rows < rows", False),
        ("issues * 0 == 0", True),
        ("rows >= 0 * rows", True),
        ("-issues <= 0", True),
        ("issues / rows >= 0", True),
        ("error_rate + error_rate.low <= 200%", True),
        ("error_rate + error_rate.low < 200%", False),
        ("error_rate.high - error_rate.low <= 100%", True),
        ("issues - rows <= 0", False),
        ("issues[class='a b'] == issues[class=ab]", False),
        ("issues >= 0", True),
        ("issues > 0", False),
        ("issues > -1", True),
        ("issues != -1", True),
        ("issues <= 1000000", False),
        ("error_rate <= 100%", True),
        ("error_rate < 100%", False),
        ("error_rate < 101%", True),
        ("50% + 50% >= error_rate", True),
        ("0 <= mean_quality", True),
        ("mean_quality >= 0.1%", False),
        ("error_rate == 0", False),
        ("issues / rows <= 100%", False),
        ("error_rate / error_rate.high >= 0", True),
    ],
)
def test_rules_that_no_data_can_break(rule: str, idle: bool) -> None:
    found = list(idle_rules(parsed_rules([rule], [])))
    assert found == ([f"The rule {rule} holds whatever the data are."] if idle else [])
