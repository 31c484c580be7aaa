"""Parts that the reports on single-label and on multi-label audits share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelaudit.findings import FILTERS
from labelaudit.reports.layout import (
    Column,
    Style,
    count,
    paragraph,
    percent,
    plural,
    remarks,
    table,
    times,
    titled,
    value_text,
)
from labelaudit.wording import safe

if TYPE_CHECKING:
    from labelaudit.findings import LabelIssues
    from labelaudit.tag_findings import TagIssues

__all__ = ["audit_remarks", "filters_and_times", "groups"]

_GROUPS = 10


def groups(result: LabelIssues | TagIssues, limit: int, style: Style) -> list[str]:
    """Return the table of the first groups; nothing where there was none to group by."""
    if result.groups is None:
        return []
    columns = (
        Column("group", flexible=True),
        Column("rows", right=True),
        Column("flagged", right=True),
        Column("share", right=True),
    )
    rows = [
        [
            value_text(row["group"]),
            count(row["rows"]),
            count(row["issues"]),
            percent(row["issue_rate"]),
        ]
        for row in result.groups.slice(0, _GROUPS).to_pylist()
    ]
    more = result.groups.num_rows - len(rows)
    lines = table(columns, rows, limit)
    return titled("Groups", [*lines, f"  ... {more} more"] if more > 0 else lines, style)


def filters_and_times(result: LabelIssues | TagIssues, limit: int) -> list[str]:
    """Return what each filter flags, and how long each stage took."""
    flagged = result.audit.flagged
    rows = [[name, count(flagged[name])] for name in FILTERS if name in flagged]
    lines = table((Column("filter"), Column("flags", right=True)), rows, limit) if rows else []
    return lines + times(result.timings, limit)


def audit_remarks(result: LabelIssues | TagIssues, limit: int, style: Style) -> list[str]:
    """Return what was skipped and why, warnings and notes."""
    skipped = result.audit.rows - result.audit.valid_rows
    lines = []
    if skipped:
        lines += paragraph(f"Skipped: {plural(skipped, 'row')} that cannot be used.", limit)
    for problem in result.problems:
        lines += paragraph(safe(problem.sentence, 400), limit, "  ")
    return lines + remarks(result.warnings, result.audit.notes, limit, style)
