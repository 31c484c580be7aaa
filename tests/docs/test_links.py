"""Links that can be read and followed, also where the pages are not built."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.docs import examples

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(r"(?<!!)\[([^\]\n]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


@pytest.mark.parametrize("page", examples.pages(), ids=lambda page: page.name)
def test_every_link_has_a_text_and_a_page(page: Path) -> None:
    for text, target, _ in LINK.findall(page.read_text("utf-8")):
        assert text, f"{target} has no text"
        assert "://" in target or (page.parent / target).exists(), target
