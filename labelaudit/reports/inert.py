"""Text from data for Markdown, with nothing left in it that a renderer would act on."""

from __future__ import annotations

import re

from labelaudit.wording import safe

__all__ = ["inert"]

_MARKS = re.compile(r"[^\w ]|_")


def inert(text: str, limit: int = 80) -> str:
    """Return the text as code whose marks are spelled as entities.

    No mark is left that begins a link, a mention, a table cell, a heading or HTML; letters and
    digits of all scripts stay readable.

    Parameters
    ----------
    text : str
    limit : int
        Longest text that is shown, in characters.
    """
    return f"<code>{_MARKS.sub(_entity, safe(text, limit)) or '&#8203;'}</code>"


def _entity(mark: re.Match[str]) -> str:
    return f"&#{ord(mark[0])};"
