"""The report for people on a multi-label audit, in plain text that fits a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labelaudit.findings import FILTERS
from labelaudit.reports.layout import (
    Column,
    Style,
    count,
    next_lines,
    paragraph,
    percent,
    plural,
    remarks,
    table,
    titled,
    value_text,
)
from labelaudit.reports.understood import understood
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelaudit.tag_findings import TagIssues

__all__ = ["tag_headline", "tag_report"]

_WORST = 10
_CLASSES = 10
_GROUPS = 10


def tag_report(
    result: TagIssues,
    *,
    limit: int = 80,
    style: Style | None = None,
    written: Sequence[str] = (),
    next_command: str | None = None,
    verbose: bool = False,
) -> str:
    """Return the report of a multi-label audit.

    Parameters
    ----------
    result : TagIssues
    limit : int
        Cells of a line.
    style : Style or None
        None: no colour.
    written : sequence of str
        One line for each output, already fit to be shown.
    next_command : str or None
        What to type next.
    verbose : bool
        Say more: all files and classes, what each filter flags, timings.
    """
    style = style or Style()
    parts = [
        understood(result.understanding, limit, verbose=verbose),
        _verdict(result, limit, style),
        _worst(result, limit, style),
        _classes(result, limit, style, verbose=verbose),
        _groups(result, limit, style),
        _details(result, limit, style) if verbose else [],
        _remarks(result, limit, style),
        [f"Wrote {line}" for line in written],
        next_lines(next_command, limit),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _verdict(result: TagIssues, limit: int, style: Style) -> list[str]:
    audit = result.audit
    rate, cells = audit.error_rate, audit.cells
    low, high = rate.face_value.value, rate.most.value
    lines = [style.bold(line) for line in paragraph(tag_headline(low, high, cells), limit)]
    extra, missing = int(audit.classes.extra.sum()), int(audit.classes.missing.sum())
    flagged = (
        f"{count(audit.n_issues)} flagged by {audit.method}: {plural(extra, 'extra label')}, "
        f"{plural(missing, 'missing label')}, in {count(audit.n_issue_rows)} of "
        f"{plural(audit.valid_rows, 'row')}; {percent(audit.health)} of the rows are free of "
        "flagged labels."
    )
    trust = (
        "Each of a row's labels, given or not, counts as one. Lean to the low end where "
        "probabilities are honest about doubt, to the high end where the model may have learned "
        "the errors."
    )
    for text in (trust, flagged) if round(high * cells) else (flagged,):
        lines += paragraph(text, limit)
    return lines


def tag_headline(low: float, high: float, cells: int) -> str:
    """Return how many labels, given and not given, are wrong, in one sentence."""
    first, last = round(low * cells), round(high * cells)
    if last == 0:
        return f"No label errors are estimated among {plural(cells, 'label')}."
    if first == last:
        return f"About {count(first)} of {count(cells)} labels are wrong ({percent(high)})."
    return (
        f"Between {count(first)} and {count(last)} of {count(cells)} labels are wrong "
        f"({percent(low)} to {percent(high)})."
    )


def _worst(result: TagIssues, limit: int, style: Style) -> list[str]:
    shown = result.table.slice(0, _WORST)
    if shown.num_rows == 0:
        return []
    name = "row" if result.understanding.key_column is None else "key"
    number = str(shown.schema.field(name).type).startswith(("int", "uint"))
    columns = (
        Column("#", right=True),
        Column(name, right=number, flexible=name == "key"),
        Column("class", flexible=True),
        Column("issue"),
        Column("quality", right=True),
        Column("severity"),
    )
    rows = [
        [
            count(row["rank"]),
            value_text(row[name]),
            value_text(row["class"]),
            str(row["issue_type"]).replace("_", " "),
            _quality(row["label_quality"]),
            str(row["severity"] or "-"),
        ]
        for row in shown.to_pylist()
    ]
    title = "Worst labels" if shown.num_rows < result.audit.n_issues else "Worst labels (all)"
    return titled(title, table(columns, rows, limit), style)


def _classes(result: TagIssues, limit: int, style: Style, *, verbose: bool) -> list[str]:
    """Show the classes with the most flagged labels."""
    every = result.classes.to_pylist()
    flagged = [row for row in every if row["flagged_extra"] + row["flagged_missing"]]
    worst = sorted(flagged, key=lambda row: -(row["flagged_extra"] + row["flagged_missing"]))
    shown = every if verbose else worst[:_CLASSES]
    columns = (
        Column("class", flexible=True),
        Column("given", right=True),
        Column("extra", right=True),
        Column("est. extra", right=True),
        Column("missing", right=True),
        Column("est. missing", right=True),
    )
    rows = [
        [
            value_text(row["class"]),
            count(row["positives"]),
            count(row["flagged_extra"]),
            _rate(row, "extra_rate"),
            count(row["flagged_missing"]),
            _rate(row, "missing_rate"),
        ]
        for row in shown
    ]
    if not rows:
        return []
    lines = table(columns, rows, limit)
    more = len(flagged) - len(rows)
    return titled("Classes", [*lines, f"  ... {more} more; -v"] if more > 0 else lines, style)


def _rate(row: dict[str, float | None], name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return "-" if low is None or high is None else f"{_short(low)} to {_short(high)}"


def _short(share: float) -> str:
    return percent(share).replace(" %", "%")


def _groups(result: TagIssues, limit: int, style: Style) -> list[str]:
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


def _details(result: TagIssues, limit: int, style: Style) -> list[str]:
    flagged = result.audit.flagged
    rows = [[name, count(flagged[name])] for name in FILTERS if name in flagged]
    lines = table((Column("filter"), Column("flags", right=True)), rows, limit)
    times = [[name, f"{seconds:.2f} s"] for name, seconds in result.timings.items()]
    if times:
        lines += table((Column("stage"), Column("time", right=True)), times, limit)
    return titled("Details", lines, style)


def _remarks(result: TagIssues, limit: int, style: Style) -> list[str]:
    skipped = result.audit.rows - result.audit.valid_rows
    lines = []
    if skipped:
        lines += paragraph(f"Skipped: {plural(skipped, 'row')} that cannot be used.", limit)
    for problem in result.problems:
        lines += paragraph(safe(problem.sentence, 400), limit, "  ")
    return lines + remarks(result.warnings, result.audit.notes, limit, style)


def _quality(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.3f}" if value == 0 or value >= 0.0005 else f"{value:.0e}"
