"""Conditions: what is understood, what is refused, and which rows they hold for."""

from __future__ import annotations

import datetime as dt
import operator
from decimal import Decimal

import duckdb
import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from labelaudit.errors import UsageError
from labelaudit.tables.conditions import (
    Comparison,
    Junction,
    Membership,
    NullTest,
    columns_of,
    parse_condition,
)
from labelaudit.tables.exact_numbers import exact_comparison
from labelaudit.tables.matching import Bounds, Matcher, can_match

A, B = Comparison("a", "=", 1), Comparison("b", "<", 2.5)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("a = 1", A),
        ("a==1", A),
        (" `a` = +1 ", A),
        ("a <> -1", Comparison("a", "!=", -1)),
        ("\"a b\" = 'it''s'", Comparison("a b", "=", "it's")),
        ('split = "train"', Comparison("split", "=", "train")),
        ("meta.year >= 1e3", Comparison("meta.year", ">=", 1000.0)),
        ("größe is not null", NullTest("größe", negated=True)),
        ("a IS NULL", NullTest("a")),
        ("a in (1, 'x', true)", Membership("a", (1, "x", True))),
        ("a not in (1)", Membership("a", (1,), negated=True)),
        ("a = 1 and b < 2.5", Junction(True, (A, B))),
        ("a = 1 or a = 1 and b < 2.5", Junction(False, (A, Junction(True, (A, B))))),
        ("(a = 1 or a = 1) and b < 2.5", Junction(True, (Junction(False, (A, A)), B))),
        (
            "not (a = 1 and b < 2.5)",
            Junction(False, (Comparison("a", "!=", 1), Comparison("b", ">=", 2.5))),
        ),
        ("not a is null", NullTest("a", negated=True)),
        ("not not a = 1", A),
    ],
)
def test_conditions(text, condition):
    assert parse_condition(text) == condition


@pytest.mark.parametrize(
    ("text", "found", "remedy"),
    [
        ("", "character 1 stands its end, where the name of a column was", "Write it like"),
        ("a", "character 2 stands its end, where =, !=, <, <=, >, >=, in or is was", "Write"),
        ("a = b", "character 5 stands b, where a value was expected", "Did you mean 'b'?"),
        ("a = null", "stands null, where a value was expected", "Ask for nulls with is null."),
        ("'a' = 1", "character 1 stands 'a', where the name of a column was", "double quotes"),
        ("a = 1 b = 2", "character 7 stands b, where and, or or the end was", "Write it like"),
        ("a in 1", "stands 1, where an opening parenthesis was", "Write it like"),
        ("a in (1 2)", "stands 2, where a comma or a closing parenthesis was", "Write it like"),
        ("a not = 1", "stands =, where in was", "Write it like"),
        ("a = 'x", "stands 'x, where a value was", "Write it like"),
        ("a = 1; drop", "stands ; drop, where and, or or the end was", "Write it like"),
        ("(" * 60 + "a = 1" + ")" * 60, "where less nesting was expected", "at most 50 levels"),
        ("not " * 5000 + "a = 1", "where less nesting was expected", "at most 50 levels"),
        ("a = 12x", "stands 12x, where a value was", "Write it like"),
    ],
)
def test_no_conditions(text, found, remedy):
    with pytest.raises(UsageError) as error:
        parse_condition(text)
    assert found in error.value.found
    assert remedy in error.value.remedy


def test_columns():
    assert columns_of(parse_condition("a = 1 and (b is null or a in (2))")) == ("a", "b")


COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TABLE = pa.table(
    {
        "n": pa.array([1, 2, None, 4], pa.int8()),
        "x": pa.array([0.1, None, 2.5, -1.0], pa.float32()),
        "s": ["a", "b", None, "it's"],
        "d": pa.array(["a", "b", None, "a"]).dictionary_encode(),
        "t": pa.array([True, False, None, True]),
        "day": pa.array([dt.date(2020, 1, day) for day in (1, 2, 3, 4)]),
        "none": pa.nulls(4),
        "list": [[1], [2], None, []],
        "price": pa.array([Decimal("0.10"), Decimal("2.00"), None, Decimal("-1.25")]).cast(
            pa.decimal128(6, 2)
        ),
        "zoned": pa.array([0, 3_600_000_000, None, 1], pa.timestamp("us", "UTC")),
        "local": pa.array([0, 3600, None, 1], pa.timestamp("s")),
        "clock": pa.array([0, 3600, None, 1], pa.time32("s")),
    }
)


def matching(text, table=TABLE, *, csv=False):
    matcher = Matcher(parse_condition(text), table.schema, csv, "t.parquet")
    matcher.check()
    (batch,) = table.to_batches()
    return np.flatnonzero(matcher.rows(batch)).tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("n = 2", [1]),
        ("n != 2", [0, 3]),
        ("n >= 2 or s is null", [1, 2, 3]),
        ("n not in (1, 3)", [1, 3]),
        ("x = 0.1", [0]),
        ("x < 1", [0, 3]),
        ("s = 'it''s'", [3]),
        ("d in ('a', 'c')", [0, 3]),
        ("not d = 'a'", [1]),
        ("t = true", [0, 3]),
        ("t != true", [1]),
        ("day > '2020-01-02'", [2, 3]),
        ("none = 1", []),
        ("none is null", [0, 1, 2, 3]),
        ("list is not null", [0, 1, 3]),
        ("n < 300", [0, 1, 3]),
        ("n = 99999999999999999999 or n != -99999999999999999999", [0, 1, 3]),
        ("n > 99999999999999999999", []),
        ("x < 1e400", [0, 2, 3]),
        ("price = 0.1", [0]),
        ("price > 0.099", [0, 1]),
        ("price >= 2", [1]),
        ("price < -1.245", [3]),
        ("price <= -1.2500001", []),
        ("price != 0.101", [0, 1, 3]),
        ("price = 0.101", []),
        ("price < 1e30", [0, 1, 3]),
        ("price in (2, -1.25, 7e30)", [1, 3]),
        ("price not in (2.0, 0.101)", [0, 3]),
        ("zoned >= '1970-01-01T02:00:00+01:00'", [1]),
        ("local >= '1970-01-01 01:00:00'", [1]),
    ],
)
def test_rows(text, rows):
    assert matching(text) == rows


@pytest.mark.parametrize(
    ("text", "found", "remedy"),
    [
        ("n = '1'", "Column n is int8, and '1' is text.", "a whole number, without quotes"),
        ("n = 1.5", "Column n is int8, and 1.5 is not.", "a whole number"),
        ("x = 'a'", "Column x is float, and 'a' is text.", "a number, without quotes"),
        ("s = 1", "Column s is string, and 1 is not.", "Write '1'."),
        ("d in ('a', true)", "Column d is string, and true is not.", "Write 'True'."),
        ("t = 1", "Column t is bool, and 1 is not.", "true or false"),
        ("t < true", "Column t is true or false, which have no order.", "= or !="),
        ("day = 1", "Column day is date32[day], and 1 is not.", "a date in quotes"),
        ("day = 'x'", "Column day is date32[day], and 'x' is no date.", "such as '2024-12-31'"),
        ("day = '2024-02-30'", "Column day is date32[day], and '2024-02-30' is no", "that exists"),
        (
            "zoned < '2024-06-01'",
            "Column zoned is timestamp[us, tz=UTC], and '2024-06-01' is no time with a zone.",
            "Write one, such as '2024-06-01T00:00:00Z'.",
        ),
        (
            "local < '2024-06-01T00:00:00Z'",
            "Column local is timestamp[s], and '2024-06-01T00:00:00Z' is no time without a zone.",
            "as '2024-12-31 23:59:59'.",
        ),
        (
            "clock = '10:00'",
            "Column clock is time32[s], and '10:00' is text.",
            "Compare columns of",
        ),
        ("price > 'x'", "Column price is decimal128(6, 2), and 'x' is text.", "a number, without"),
        ("list = 1", "Column list is list<item: int64>, and 1 is not.", "Compare columns of"),
    ],
)
def test_values_that_do_not_fit(text, found, remedy):
    with pytest.raises(UsageError) as error:
        matching(text)
    assert error.value.found.startswith(found)
    assert remedy in error.value.remedy


def test_numbers_in_csv_are_text_until_compared():
    table = pa.table({"x": ["0.5", "10", None]})
    assert matching("x > 1", table, csv=True) == [1]
    assert matching("x = '10'", table, csv=True) == [1]
    with pytest.raises(UsageError, match="compared with a number and holds text") as error:
        matching("x > 1", pa.table({"x": ["0.5", "old"]}), csv=True)
    assert error.value.remedy == "Put the value in quotes to compare text."


leaves = st.one_of(
    st.builds(
        lambda column, sign, value: f"{column} {sign} {value}",
        st.sampled_from(["n", "x"]),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        st.integers(-2, 5),
    ),
    st.sampled_from(["s is null", "n is not null", "s in ('a', 'z')", "d not in ('a')", "s > 'a'"]),
)
texts = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not {}".format, inner),
    ),
    max_leaves=5,
)


@given(texts)
def test_a_database_finds_the_same_rows(text):
    table = duckdb.from_arrow(TABLE.append_column("row", pa.array(range(4))))
    found = table.filter(text).order("row").project("row").fetchall()
    assert matching(text) == [row for (row,) in found]


@given(texts, st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True))
def test_row_groups_are_left_out_only_where_nothing_matches(text, rows):
    part = TABLE.take(sorted(rows)).combine_chunks()
    matcher = Matcher(parse_condition(text), TABLE.schema, False, "t")
    known = {}
    for name in ("n", "x", "s"):
        values = [value for value in part[name].to_pylist() if value is not None]
        bounds = (min(values), max(values)) if values else (None, None)
        known[name] = Bounds(*bounds, len(values) < len(part), bool(values))
    if matching(text, part):
        assert can_match(matcher, known)


def test_bounds():
    def can(text, **known):
        matcher = Matcher(parse_condition(text), TABLE.schema, False, "t")
        return can_match(matcher, known)

    known = Bounds(1, 3, has_nulls=False)
    assert can("n = 2", n=known)
    assert not can("n = 4", n=known)
    assert not can("n < 1", n=known)
    assert not can("n > 3 or n in (0, 4)", n=known)
    assert not can("n is null", n=known)
    assert not can("n != 1", n=Bounds(1, 1))
    assert not can("n is not null", n=Bounds(has_values=False))
    assert can("n = 4", s=known)
    assert can("x != 1", x=Bounds(1.0, 1.0))  # there may be NaN
    assert can("x = 4", x=Bounds(float("nan"), 1.0))
    assert not can("s = 'b'", s=Bounds("c", "d"))
    assert can("s = 'b'", s=Bounds(b"c", b"d"))


@pytest.mark.parametrize(
    "kind", [pa.decimal128(5, 2), pa.decimal256(40, 0), pa.decimal128(3, -1), pa.int8()]
)
@given(
    st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
    st.decimals(-1100, 1100, places=3),
    st.integers(-128, 99),
)
def test_exact_comparisons_are_those_of_the_number_itself(kind, sign, number, whole):
    number = int(number) if pa.types.is_integer(kind) else number
    value = whole if pa.types.is_integer(kind) else Decimal(whole).scaleb(-kind.scale)
    question = exact_comparison(kind, sign, number)
    if isinstance(question, bool):
        assert question == COMPARE[sign](value, number)
    else:
        assert COMPARE[question[0]](value, question[1]) == COMPARE[sign](value, number)
        assert pa.scalar(question[1], kind).as_py() == question[1]


def test_row_groups_without_such_decimals_are_not_read():
    matcher = Matcher(parse_condition("price > 2.001"), TABLE.schema, False, "t")
    assert not can_match(matcher, {"price": Bounds(Decimal("-1.25"), Decimal("2.00"))})
    assert can_match(matcher, {"price": Bounds(Decimal("-1.25"), Decimal("2.01"))})
    always = Matcher(parse_condition("n < 300"), TABLE.schema, False, "t")
    assert can_match(always, {"n": Bounds(1, 2)})


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("s like 'a%'", "Patterns are not known; list the values: s in ('a', 'b')."),
        ("s not like 'a%'", "Patterns are not known; list the values: s in ('a', 'b')."),
        ("n between 1 and 9", "Write n >= 1 and n <= 9 in place of n between 1 and 9."),
        ("n = 1e99999999999999999999", "Write it like"),
        ("n = " + "9" * 5000, "Write it like"),
    ],
)
def test_words_of_other_dialects_and_endless_numbers(text, remedy):
    with pytest.raises(UsageError) as error:
        parse_condition(text)
    assert error.value.remedy.startswith(remedy)
