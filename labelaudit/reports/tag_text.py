"""The report for people on a multi-label audit, in plain text that fits a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelaudit.reports.audit_parts import audit_remarks, filters_and_times, groups
from labelaudit.reports.layout import (
    Column,
    Style,
    assembled,
    count,
    next_lines,
    paragraph,
    percent,
    plural,
    quality_text,
    table,
    titled,
    value_text,
)
from labelaudit.reports.understood import understood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelaudit.tag_findings import TagIssues

__all__ = ["tag_headline", "tag_report"]

_WORST = 10
_CLASSES = 10


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
        groups(result, limit, style),
        _details(result, limit, style) if verbose else [],
        audit_remarks(result, limit, style),
        [f"Wrote {line}" for line in written],
        next_lines(next_command, limit),
    ]
    return assembled(parts)


def _details(result: TagIssues, limit: int, style: Style) -> list[str]:
    lines = filters_and_times(result, limit)
    lines.append(f"  The data was read {plural(result.audit.readings, 'time')}.")
    if result.audit.temporary_bytes:
        taken = f"{result.audit.temporary_bytes / 1e6:,.1f} MB"
        lines.append(f"  What did not fit in memory took up to {taken} in temporary files.")
    return titled("Details", lines, style)


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
            quality_text(row["label_quality"]),
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
    return "-" if low is None or high is None else f"{percent(low)} to {percent(high)}"
