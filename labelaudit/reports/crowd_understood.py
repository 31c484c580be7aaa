"""How a table of votes was understood, in a short block of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelaudit.reports.layout import count, cut, entry, listing, plural
from labelaudit.reports.understood import files_in_words, filter_lines, type_in_words
from labelaudit.wording import safe

if TYPE_CHECKING:
    from labelaudit.crowd_findings import VoteUnderstanding

__all__ = ["votes_understood"]


def votes_understood(
    understanding: VoteUnderstanding, limit: int, *, verbose: bool = False
) -> list[str]:
    """Return the lines that say which column was taken for what, and why.

    Parameters
    ----------
    understanding : VoteUnderstanding
    limit : int
        Cells of a line.
    verbose : bool
        Name every file, worker column and class.
    """
    lines = entry("Data", files_in_words(understanding, limit, verbose=verbose), limit)
    lines += filter_lines(understanding, limit)
    for title, text in (
        ("Tasks", _tasks(understanding)),
        ("Workers", _workers(understanding, limit, verbose=verbose)),
        ("Labels", _labels(understanding)),
        ("Classes", _classes(understanding, limit, verbose=verbose)),
        ("Gold", _gold(understanding)),
    ):
        lines += entry(title, text, limit) if text else []
    return lines


def _origin(understanding: VoteUnderstanding, role: str) -> str:
    where = understanding.origins.get(role)
    return f", {safe(where, 120)}" if where else ""


def _tasks(understanding: VoteUnderstanding) -> str:
    if understanding.task_column is None:
        return "the row number, counted from 0 (no task column)"
    return f"{safe(understanding.task_column)}{_origin(understanding, 'task')}"


def _workers(understanding: VoteUnderstanding, limit: int, *, verbose: bool) -> str:
    names = [safe(name) for name in understanding.worker_columns]
    origin = _origin(understanding, "worker")
    if understanding.layout == "long":
        return f"{names[0]}{origin}"
    shown = ", ".join(names) if verbose else listing(names, 2 * limit - 80)
    return f"{plural(len(names), 'column')}, one for each worker: {shown}{origin}"


def _labels(understanding: VoteUnderstanding) -> str:
    kind = type_in_words(understanding.label_type)
    if understanding.label_column is None:
        return f"{kind}, in the workers' columns"
    return f"{safe(understanding.label_column)} ({kind}){_origin(understanding, 'label')}"


def _classes(understanding: VoteUnderstanding, limit: int, *, verbose: bool) -> str:
    if not understanding.classes:
        return ""
    names = [cut(safe(name), 30) for name in understanding.classes]
    shown = ", ".join(names) if verbose else listing(names, 2 * limit - 70)
    return f"{count(len(names))}: {shown}; order: {safe(understanding.class_order, 120)}"


def _gold(understanding: VoteUnderstanding) -> str:
    return "" if understanding.gold is None else safe(understanding.gold, 200)
