"""Markdown, as a renderer with GitHub's extensions reads it."""

from __future__ import annotations

import html
import re

import pytest
from markdown_it import MarkdownIt

from labelaudit.reports.inert import inert
from labelaudit.reports.markdown import markdown
from labelaudit.verdicts import BaselineMatch
from tests.reports.gate_builders import HOSTILE, hostile, verdict


def rendered(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True, "linkify": True}).enable("table").render(text)


def test_text() -> None:
    match = BaselineMatch("b.jsonl", 5, 3, 2, 4)
    assert markdown(verdict(1, baseline=match)) == (
        "## Labels: FAILED: 1 of 2 required rules does not hold. 1 warning.\n"
        "\n"
        "1,000 rows in <code>data&#47;pets&#46;parquet</code>\n"
        "\n"
        "Baseline <code>b&#46;jsonl</code>: 3 of 5 ids matched, 2 resolved, 4 new issues.\n"
        "\n"
        "| | rule | value |\n"
        "|---|---|---|\n"
        "| ✅ pass | <code>rows &#62; 0</code> | <code>1&#44;000</code> |\n"
        "| ❌ **fail** | <code>error&#95;rate&#46;low &#60;&#61; 2&#37;</code> "
        "| <code>3&#46;1 &#37;</code> |\n"
        "| ⚠️ warning | <code>issues &#61;&#61; 0</code> | <code>3</code> |\n"
        "\n"
        "- <code>error&#95;rate&#46;low is 3&#46;1 &#37;&#44; more than 2 &#37;&#46;</code>\n"
        "- <code>issues is 3&#44; not 0&#46;</code>\n"
        "\n"
        "### Worst of 4 new issues\n"
        "\n"
        "| key | given | suggested | quality | severity |\n"
        "|---|---|---|---:|---|\n"
        "| <code>id&#45;0</code> | <code>cat</code> | <code>dog</code> | 0.000 | high |\n"
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_text_comes_out_as_text_and_nothing_else(text: str) -> None:
    made = rendered(f"| a | b |\n|---|---|\n| {inert(text, 200)} | x |\n")
    (cell,) = re.findall(r"<td>(<code>.*?</code>)</td>\n<td>x</td>", made)
    inside = cell.removeprefix("<code>").removesuffix("</code>")
    assert "<" not in inside
    assert re.fullmatch(r"[^\x00-\x1f\u202e]*", html.unescape(inside))


def test_tables_keep_their_shape() -> None:
    made = rendered(markdown(hostile()))
    assert made.count("<tr>") == 2 + len(HOSTILE) * 2 + 3
    assert "<script" not in made
    assert "<a " not in made
    assert "<img" not in made


def test_letters_of_all_scripts_stay() -> None:
    assert inert("naïve 猫 кот_1") == "<code>naïve 猫 кот&#95;1</code>"
    assert inert("") == "<code>&#8203;</code>"
    assert inert("x" * 100, 10) == "<code>xxxxxxxxx&#8230;</code>"
