"""The dataset card: valid for its reader, and inert whatever the names are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from labelaudit.reports.card import dataset_card, inert
from tests.reports import builders, crowd_builders

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = ("<script>alert(1)</script>", "a|b`c``d", "\u202egnp.exe\n# head", "[x](javascript:1)")

FRONT = """\
---
size_categories:
- "1K<n<10K"
tags:
- label-quality
- labelaudit
---

## Label quality

**Between 4 and 30 of 998 labels are wrong (0.40 % to 3.0 %).**

| | |
|---|---:|
| Rows | 1,000 |
| Classes | 3 |
"""


def test_the_card_by_its_text() -> None:
    card = dataset_card(builders.result(), version="9.9")
    assert card.startswith(FRONT)
    assert "| `cat` | 500 | 3 | 6.0 % | 0.0 % |\n" in card
    assert "| `cat` | `dog` | 30 | 6.0 % |\n" in card
    assert card.endswith("Measured by labelaudit 9.9.\n")


@pytest.mark.parametrize("make", [builders.result, crowd_builders.consensus])
def test_hugging_face_reads_the_front_matter(make: object, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    assert callable(make)
    path = tmp_path / "README.md"
    path.write_text(dataset_card(make(), version="9.9"), "utf-8")
    card = hub.DatasetCard.load(path)
    assert card.data.to_dict()["tags"] == ["label-quality", "labelaudit"]
    assert card.data.size_categories
    assert card.text.lstrip().startswith("## Label quality")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat", "`cat`"),
        ("a|b", r"`a\|b`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("", "`   `"),
        (None, "`(null)`"),
        ("two\nlines", r"`two\x0alines`"),
    ],
)
def test_names_are_code(text: str | None, shown: str) -> None:
    assert inert(text) == shown


def test_hostile_names_stay_in_their_code_spans() -> None:
    card = dataset_card(builders.result(classes=HOSTILE[:3]), version="9.9")
    outside = re.sub(r"(`+)(?:(?!\1).)*?[^`]\1(?!`)", "", card)
    assert "script" not in outside
    assert "head" not in outside
    rows = [line for line in card.split("\n") if line.startswith("| `")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in rows}
    assert widths == {6, 5}


@pytest.mark.parametrize(
    ("rows", "size"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M"), (2 * 10**9, "1B<n<10B")],
)
def test_the_size_is_named_as_the_hub_does(rows: int, size: str) -> None:
    from dataclasses import replace

    told = replace(builders.UNDERSTANDING, rows=rows)
    assert f'- "{size}"\n' in dataset_card(builders.result(understanding=told), version="9.9")
