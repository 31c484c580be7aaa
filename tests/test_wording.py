import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.wording import safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat", "cat"),
        ("Gr\u00fc\u00dfe \u732b \U0001f431", "Gr\u00fc\u00dfe \u732b \U0001f431"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\r\tc", "a\\x0ab\\x0d\\x09c"),
        ("evil\u202etxt", "evil\\u202etxt"),
        ("ze\u200bro", "ze\\u200bro"),
        ("\ud800", "\\ud800"),
        ("a\u2028b\x85c", "a\\u2028b\\x85c"),
        ("\U000e0041", "\\U000e0041"),
        ("[bold]x[/]", "[bold]x[/]"),
        (7, "7"),
        (None, "None"),
    ],
)
def test_shown(text, shown):
    assert safe(text) == shown


def test_long_text_is_cut():
    assert safe("x" * 80) == "x" * 80
    assert safe("x" * 81) == "x" * 79 + "\u2026"
    assert safe("abcdef", 4) == "abc\u2026"


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 50))
def test_nothing_hidden_comes_out(text, limit):
    shown = safe(text, limit)
    assert len(shown) <= limit
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
