"""What ``inspect`` says to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelaudit.reports.layout import (
    Column,
    Style,
    assembled,
    count,
    paragraph,
    percent,
    plural,
    table,
    titled,
)
from labelaudit.reports.understood import understood
from labelaudit.wording import safe

if TYPE_CHECKING:
    from labelaudit.findings import Inspection, Problem

__all__ = ["inspection_report"]

_CLASSES = 20


def inspection_report(
    inspection: Inspection,
    *,
    limit: int = 80,
    style: Style | None = None,
    verbose: bool = False,
) -> str:
    """Return what was understood, the classes, and everything that is wrong.

    Parameters
    ----------
    inspection : Inspection
    limit : int
        Cells of a line.
    style : Style or None
        None: no colour.
    verbose : bool
        Show every class and every file.
    """
    style = style or Style()
    parts = [
        understood(inspection.understanding, limit, verbose=verbose)
        if inspection.understanding is not None
        else ["The columns could not be told apart."],
        _classes(inspection, limit, style, verbose=verbose),
        *(_problem(problem, limit, style) for problem in inspection.problems),
        [
            style.warn(line)
            for warning in inspection.warnings
            for line in paragraph(f"Warning: {safe(warning, 400)}", limit)
        ],
        [style.bold(line) for line in paragraph(_conclusion(inspection), limit)],
    ]
    return assembled(parts)


def _classes(inspection: Inspection, limit: int, style: Style, *, verbose: bool) -> list[str]:
    understanding = inspection.understanding
    if understanding is None or len(inspection.class_counts) == 0:
        return []
    total = int(inspection.class_counts.sum())
    if total == 0:
        return [style.bold("Classes"), "  not counted: no row can be used"]
    most = len(understanding.classes) if verbose else _CLASSES
    rows = [
        [str(code), safe(name, 200), count(rows), percent(rows / total)]
        for code, (name, rows) in enumerate(
            zip(understanding.classes[:most], inspection.class_counts.tolist(), strict=False)
        )
    ]
    columns = (
        Column("#", right=True),
        Column("class", flexible=True),
        Column("rows", right=True),
        Column("share", right=True),
    )
    lines = table(columns, rows, limit)
    more = len(understanding.classes) - len(rows)
    if more > 0:
        lines.append(f"  ... {more} more; -v shows all")
    used = total < understanding.rows
    title = f"Classes, of {plural(total, 'row')} that can be used" if used else "Classes"
    return titled(title, lines, style)


def _problem(problem: Problem, limit: int, style: Style) -> list[str]:
    first, *rest = paragraph(f"Problem: {safe(problem.sentence, 600)}", limit)
    lines = [style.bad(first), *map(style.bad, rest)]
    return lines + paragraph(safe(problem.remedy, 600), limit, "  ")


def _conclusion(inspection: Inspection) -> str:
    if inspection.problems:
        return f"{plural(len(inspection.problems), 'problem')} found."
    if inspection.warnings:
        found = plural(len(inspection.warnings), "warning")
        return f"The data can be audited; {found}."
    return "The data can be audited; nothing is wrong with it."
