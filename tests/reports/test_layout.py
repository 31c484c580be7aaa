"""Columns that stay columns, whatever is in them."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelaudit.reports.layout import (
    Column,
    Style,
    count,
    cut,
    entry,
    listing,
    next_lines,
    paragraph,
    percent,
    plural,
    table,
    width,
)


@pytest.mark.parametrize(
    ("text", "cells"),
    [("", 0), ("cat", 3), ("猫", 2), ("e\u0301", 1), ("é", 1), ("🐱", 2), ("ﬁ", 1), ("ｶ", 1)],
)
def test_width(text: str, cells: int) -> None:
    assert width(text) == cells


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("cat", 3, "cat"),
        ("catfish", 4, "cat…"),
        ("猫猫猫", 4, "猫…"),
        ("猫猫猫", 5, "猫猫…"),
        ("cat fish", 5, "cat…"),
        ("cat", 1, "…"),
        ("cat", 0, ""),
    ],
)
def test_cut(text: str, limit: int, shown: str) -> None:
    assert cut(text, limit) == shown


@given(st.text(), st.integers(0, 30))
def test_cut_text_fits(text: str, limit: int) -> None:
    assert width(cut(text, limit)) <= limit


def test_table_aligns_wide_characters() -> None:
    columns = (Column("name", flexible=True), Column("n", right=True))
    assert table(columns, [["猫猫", "1"], ["e\u0301", "22"]], 80) == [
        "  name   n",
        "  猫猫   1",
        "  e\u0301     22",
    ]


def test_table_cuts_the_widest_flexible_column() -> None:
    columns = (Column("a", flexible=True), Column("b", flexible=True), Column("c", right=True))
    assert table(columns, [["x" * 30, "y" * 12, "12345"]], 40) == [
        "  a                  b                 c",
        "  xxxxxxxxxxxxxxxx…  yyyyyyyyyyyy  12345",
    ]


@given(
    st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=3, max_size=3)),
    st.sampled_from([60, 80, 120]),
)
def test_no_line_is_longer_than_the_limit(rows: list[list[str]], limit: int) -> None:
    columns = [Column(title, flexible=True) for title in "abc"]
    assert all(width(line) <= limit for line in table(columns, rows, limit))


def test_paragraph_keeps_words_whole() -> None:
    assert paragraph("one two three", 7, " ") == [" one", " two", " three"]
    assert paragraph("one two three", 8) == ["one two", "three"]


def test_paragraph_keeps_a_number_and_its_percent_sign_together() -> None:
    assert paragraph("is 7.8 % or < 0.01 % now", 9) == ["is 7.8 %", "or", "< 0.01 %", "now"]
    assert paragraph("is at most 7.8 %", 14) == ["is at most", "7.8 %"]


def test_short_command_stays_on_one_line() -> None:
    assert next_lines("labelaudit inspect 'a b'", 80) == ["Next:", "  labelaudit inspect 'a b'"]
    assert next_lines(None, 80) == []


def test_command_that_just_fits_is_not_broken() -> None:
    assert next_lines("labelaudit inspect a", 22) == ["Next:", "  labelaudit inspect a"]
    assert next_lines("labelaudit inspect a", 21) == ["Next:", "  labelaudit inspect \\", "    a"]


def test_long_command_is_broken_between_options() -> None:
    command = "labelaudit find-issues 'my pets.csv' --labels label --adjust -o classes:classes.csv"
    assert next_lines(command, 43) == [
        "Next:",
        "  labelaudit find-issues 'my pets.csv' \\",
        "    --labels label --adjust \\",
        "    -o classes:classes.csv",
    ]


@given(st.lists(st.text("ab -'\\\"$*é", min_size=1, max_size=12), min_size=1, max_size=8))
@settings(max_examples=20)
def test_broken_command_is_the_same_to_a_shell(words: list[str]) -> None:
    command = shlex.join(["printf", r"%s\0", *words])
    plain, broken = (
        subprocess.run(["bash", "-c", text], capture_output=True, check=True).stdout
        for text in (command, "\n".join(next_lines(command, 30)[1:]))
    )
    assert broken == plain


def test_entry_hangs_beside_its_title() -> None:
    assert entry("Key", "one two three", 18) == ["Key       one two", "          three"]


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0, "0.0 %"),
        (0.00001, "< 0.01 %"),
        (0.0062, "0.62 %"),
        (0.00996, "1.0 %"),
        (0.05571, "5.6 %"),
        (1.0, "100.0 %"),
        (float("nan"), "-"),
    ],
)
def test_percent(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_numbers_in_words() -> None:
    assert count(2785.4) == "2,785"
    assert plural(1, "row") == "1 row"
    assert plural(1200, "row") == "1,200 rows"


def test_listing_says_how_many_more() -> None:
    assert listing(["cat", "dog", "fox"], 80) == "cat, dog, fox"
    assert listing(["cat", "dog", "fox", "hen"], 18) == "cat, ... 3 more"
    assert listing(["a" * 50, "b"], 10) == "a" * 50 + ", ... 1 more"


def test_style_without_colour_changes_nothing() -> None:
    assert Style().bold("x") == "x"
    assert Style(color=True).bold("x") == "\x1b[1mx\x1b[0m"
    assert Style(color=True).warn("") == ""
