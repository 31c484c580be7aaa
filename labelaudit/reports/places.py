"""Where a file is, as the tools that read reports want to have it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

__all__ = ["file_uri", "relative_path"]

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://")


def relative_path(path: str) -> str:
    """Return a path as seen from the current folder, if it is inside of it; with slashes."""
    if _SCHEME.match(path) or not path:
        return path
    found = Path(path)
    folder = Path.cwd()
    if found.is_absolute() and found.is_relative_to(folder):
        found = found.relative_to(folder)
    return found.as_posix()


def file_uri(path: str) -> str:
    """Return a path as a URI: relative inside of the current folder, else with its scheme."""
    found = relative_path(path)
    scheme = _SCHEME.match(found)
    if scheme is not None:
        return scheme[0] + quote(found[scheme.end() :].encode("utf-8", "surrogateescape"))
    coded = quote(found.encode("utf-8", "surrogateescape"), safe="/-._~")
    return f"file://{coded}" if coded.startswith("/") else coded or "-"
