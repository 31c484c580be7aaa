"""What is shown, made fit for it: text from data and from other libraries, and shares."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["IN_SAMPLE_WORDS", "comma_list", "percent", "picture_kind", "safe"]

IN_SAMPLE_WORDS = "the probabilities look in-sample"
"""What a warning says where the model has seen the rows: no figure means anything then."""

_QUOTED = re.compile(r'^$|^[\s@]|[",\r\n]')
_PLAIN = re.compile(r"[ -~]*")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# A variation selector or a Hangul filler takes part in a letter's look but has none of its own.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def safe(text: object, limit: int = 80) -> str:
    r"""Return the text on one line, with everything that a reader could not see spelled out.

    Control characters (escape sequences with them), line separators, direction overrides,
    zero-width characters and lone surrogates are written as ``\x1b`` or ``\u202e``, so that
    text from a file can neither steer a terminal nor pass for something else.

    Parameters
    ----------
    text : object
        Anything; what is not a string is turned into one.
    limit : int
        Longest result, in characters; what is longer ends in an ellipsis.
    """
    shown = text if isinstance(text, str) else str(text)
    shown = shown[: limit + 1]
    if not _PLAIN.fullmatch(shown):
        shown = "".join(map(_visible, shown))
    return shown if len(shown) <= limit else shown[: max(limit - 1, 0)] + "\u2026"


def comma_list(names: Iterable[str]) -> str:
    """Return names as ``--classes`` takes them: by commas, quoted as in CSV where need be."""
    return ",".join(
        '"' + name.replace('"', '""') + '"' if _QUOTED.search(name) else name for name in names
    )


def percent(share: float) -> str:
    """Return a share in percent: one decimal, two below one percent, and never a false zero."""
    if not math.isfinite(share):
        return "-"
    value = 100 * share
    if 0 < value < 0.01:
        return "< 0.01 %"
    return f"{value:.2f} %" if 0 < value < 0.995 else f"{value:.1f} %"


def _visible(character: str) -> str:
    if character not in _BLANK and unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_PICTURES = {b"\x89PNG\r\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}


def picture_kind(content: bytes) -> str | None:
    """Return what a picture is by its first bytes; None for what is not shown."""
    if content[:4] == b"RIFF":
        return "webp" if content[8:12] == b"WEBP" else None
    return next((kind for head, kind in _PICTURES.items() if content.startswith(head)), None)
