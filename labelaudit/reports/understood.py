"""What was understood of the data, in a short block of text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from labelaudit.reports.layout import count, cut, entry, listing, plural
from labelaudit.wording import safe

if TYPE_CHECKING:
    from labelaudit.crowd_findings import VoteUnderstanding
    from labelaudit.findings import Understanding

__all__ = [
    "files_in_words",
    "filter_lines",
    "filter_note",
    "origin_of",
    "type_in_words",
    "understood",
]

_DICTIONARY = re.compile(r"dictionary<values=([^,]+),.*>")
_FORMATS = {"parquet": "Parquet", "arrow": "Arrow", "csv": "CSV", "jsonl": "JSON lines"}


def understood(understanding: Understanding, limit: int, *, verbose: bool = False) -> list[str]:
    """Return the lines that say which column was taken for what, and why.

    Parameters
    ----------
    understanding : Understanding
    limit : int
        Cells of a line.
    verbose : bool
        Name every file and every class.
    """
    lines = entry("Data", files_in_words(understanding, limit, verbose=verbose), limit)
    lines += filter_lines(understanding, limit)
    for title, text in (
        ("Labels", _labels(understanding)),
        ("Probs", _probs(understanding)),
        ("Classes", _classes(understanding, limit, verbose=verbose)),
        ("Key", _key(understanding)),
    ):
        lines += entry(title, text, limit)
    return lines


def filter_lines(understanding: Understanding | VoteUnderstanding, limit: int) -> list[str]:
    """Return the lines that say which rows were left out by a condition; none without one."""
    note = filter_note(understanding)
    return entry("Where", note, limit) if note else []


def filter_note(understanding: Understanding | VoteUnderstanding) -> str:
    """Return the condition, and how many rows it left out; nothing without one."""
    if understanding.where is None:
        return ""
    out = plural(understanding.rows_left_out, "row")
    return f"{safe(understanding.where, 300)} ({out} left out)"


def type_in_words(kind: str) -> str:
    """Return Arrow's name of a type, without the details of a dictionary."""
    return _DICTIONARY.sub(r"dictionary of \1", safe(kind))


def files_in_words(
    understanding: Understanding | VoteUnderstanding, limit: int, *, verbose: bool
) -> str:
    """Return what was read: files, format, rows."""
    files = understanding.files
    form = _FORMATS.get(understanding.format, understanding.format)
    rows = plural(understanding.rows, "row")
    if not files:
        return f"{rows} from memory"
    if len(files) == 1:
        return f"{safe(files[0], 200)} ({form}, {rows})"
    names = [safe(name, 200) for name in files]
    shown = ", ".join(names) if verbose else listing(names, 2 * limit - 50)
    return f"{count(len(files))} files ({form}, {rows}): {shown}"


def _labels(understanding: Understanding) -> str:
    kind = type_in_words(understanding.label_type)
    return f"{safe(understanding.label_column)} ({kind}){_origin(understanding, 'labels')}"


def _probs(understanding: Understanding) -> str:
    names = ", ".join(safe(name) for name in understanding.prob_columns)
    kind = f"{understanding.prob_layout} of {understanding.prob_type}"
    if understanding.prob_layout == "wide columns":
        kind = f"{len(understanding.classes)} columns of {understanding.prob_type}"
    models = len(understanding.prob_columns)
    ensemble = f", {models} models as one ensemble" if models > 1 else ""
    return f"{names} ({kind}{ensemble}){_origin(understanding, 'probs')}"


def _classes(understanding: Understanding, limit: int, *, verbose: bool) -> str:
    names = [cut(safe(name), 30) for name in understanding.classes]
    shown = ", ".join(names) if verbose else listing(names, 2 * limit - 70)
    return f"{count(len(names))}: {shown}; order: {safe(understanding.class_order, 120)}"


def _key(understanding: Understanding) -> str:
    if understanding.key_column is None:
        origin = understanding.origins.get("key", "")
        why = origin.removeprefix("row numbers: ") if origin.startswith("row") else "no key column"
        return f"the row number, counted from 0 ({why})"
    return f"{safe(understanding.key_column)}{_origin(understanding, 'key')}"


def origin_of(understanding: Understanding | VoteUnderstanding, role: str) -> str:
    """Return how a role was decided, fit to be shown; empty where nobody said."""
    return safe(understanding.origins.get(role, ""), 120)


def _origin(understanding: Understanding, role: str) -> str:
    where = origin_of(understanding, role)
    return f", {where}" if where else ""
