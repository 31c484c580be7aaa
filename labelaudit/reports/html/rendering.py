"""From what a page shows to its text: templates, style and script in one file."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["embedded", "rendered"]

_FOLDER = Path(__file__).parent
_APART = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def rendered(name: str, view: Mapping[str, Any]) -> str:
    """Return a page.

    Parameters
    ----------
    name : str
        Of the template, in this folder.
    view : mapping
        What the template shows; text in it is escaped. ``data`` goes to the script as JSON.
    """
    style = (_FOLDER / "style.css").read_text("utf-8")
    data = view.get("data")
    script = "" if data is None else (_FOLDER / "review.js").read_text("utf-8")
    text = _environment().get_template(name)
    return text.render(
        **{key: value for key, value in view.items() if key != "data"},
        policy=_policy(style, script),
        # Both are files of ours, and the policy names their hashes: not a byte may be escaped.
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        data=None if data is None else embedded(data),
        columns=[] if data is None else data["columns"],
        first_rows=[] if data is None else _first_rows(data),
    )


def embedded(data: Any) -> Markup:
    """Return JSON that can stand inside of a script element, whatever text is in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, escape in _APART.items():
        text = text.replace(character, escape)
    return Markup(text)  # noqa: S704 - nothing in it can end the element or start another


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _policy(style: str, script: str) -> str:
    scripts = f"script-src '{_hash(script)}'; " if script else ""
    return (
        f"default-src 'none'; {scripts}style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _first_rows(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the worst rows for readers without the script, and for paper."""
    names = [each[-1] for each in data["names"]]
    return [
        {
            "rank": f"{rank:,}",
            "key": key[-1] if isinstance(key, list) else key,
            "given": names[given] if given >= 0 else "(null)",
            "suggested": names[suggested] if suggested >= 0 else "(uncertain)",
            "quality": f"{quality:.3f}",
            "severity": severity or "",
            "shown": [safe(each[1] if isinstance(each, list) else each or "") for each in shown],
        }
        for rank, _, key, given, suggested, quality, severity, *shown in data["rows"][:20]
    ]
