"""The report for people: what was found, in plain text that fits a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from labelaudit.class_names import names_of
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
from labelaudit.wording import IN_SAMPLE_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from labelaudit.findings import LabelIssues

__all__ = ["as_they_are", "audit_report", "headline", "looks_in_sample"]

_WORST_ROWS = 10
_PAIRS = 5
_CLASSES = 5
_REVIEWED = 50


def audit_report(
    result: LabelIssues,
    *,
    limit: int = 80,
    style: Style | None = None,
    written: Sequence[str] = (),
    next_command: str | None = None,
    verbose: bool = False,
) -> str:
    """Return the report of an audit.

    Parameters
    ----------
    result : LabelIssues
    limit : int
        Cells of a line.
    style : Style or None
        None: no colour.
    written : sequence of str
        One line for each output, already fit to be shown.
    next_command : str or None
        What to type next; broken where it is too long, so that it can still be pasted.
    verbose : bool
        Say more: all files and classes, what each filter flags, timings.
    """
    style = style or Style()
    parts = [
        understood(result.understanding, limit, verbose=verbose),
        _verdict(result, limit, style),
        _worst_rows(result, limit, style),
        _pairs(result, limit, style),
        _classes(result, limit, style),
        groups(result, limit, style),
        _details(result, limit, style) if verbose else [],
        audit_remarks(result, limit, style),
        [f"Wrote {line}" for line in written],
        _next(result, next_command, limit),
    ]
    return assembled(parts)


def _verdict(result: LabelIssues, limit: int, style: Style) -> list[str]:
    audit = result.audit
    rate, rows = audit.error_rate, audit.valid_rows
    low, high = rate.face_value.value, rate.most.value
    told = headline(low, high, rows, in_sample=looks_in_sample(result))
    lines = [style.bold(line) for line in paragraph(told, limit)]
    margins = (
        f"With 95 % margins for chance: {count(rate.low * rows)} to {count(rate.high * rows)} "
        f"({percent(rate.low)} to {percent(rate.high)})."
    )
    more = f"It can be more where the model has learned the errors.{as_they_are(result)}"
    trust = (
        "Lean to the low end where classes overlap, so that a row can fairly be called either; "
        f"to the high end where classes are distinct.{_review(result, low)}"
    )
    flagged = f"{plural(audit.n_issues, 'row')} flagged by {audit.method}{_severe(result)}."
    texts = (margins, flagged) if round(high * rows) == 0 else (margins, more, trust, flagged)
    # Margins for chance would lend certainty to figures that mean nothing.
    for text in (flagged,) if looks_in_sample(result) else texts:
        lines += paragraph(text, limit)
    return lines


def as_they_are(result: LabelIssues) -> str:
    """Say of a range that was found without the channel that another method may find another."""
    if "rcp" in (result.audit.method, result.audit.score):
        return ""
    return (
        " A filter takes the probabilities as they are; the method rcp calibrates them first, and "
        "can come to another range."
    )


def _review(result: LabelIssues, low: float) -> str:
    """Say which rows tell the ends apart: those around the low end of the ranked list."""
    flagged = result.audit.n_issues
    if flagged <= _REVIEWED:
        return f" To see which, review {_the_flagged(flagged)}." if flagged else ""
    middle = round(low * result.audit.valid_rows)
    last = min(max(middle + _REVIEWED // 2, _REVIEWED), flagged)
    how = f" (--top {last})" if result.understanding.files else ""
    first = last - _REVIEWED + 1
    return f" To see which, review the rows ranked {count(first)} to {count(last)}{how}."


def _the_flagged(number: int) -> str:
    return "the flagged row" if number == 1 else f"the {number} flagged rows"


def looks_in_sample(result: LabelIssues) -> bool:
    """Say whether the audit warned that the model has seen the rows."""
    return any(IN_SAMPLE_WORDS in warning for warning in result.warnings)


def _next(result: LabelIssues, command: str | None, limit: int) -> list[str]:
    """Return what to do next; to go on with figures that mean nothing is not it."""
    if looks_in_sample(result):
        todo = "Predict by cross-validation (scikit-learn: cross_val_predict); audit again."
        return ["Next:", *paragraph(todo, limit, "  ")]
    return next_lines(command, limit)


def headline(low: float, high: float, rows: int, *, in_sample: bool = False) -> str:
    """Return how many labels are wrong, in one sentence."""
    if in_sample:
        return (
            f"How many of {plural(rows, 'label')} are wrong cannot be said: the model seems to "
            "have seen these rows in training, and repeats their labels."
        )
    first, last = round(low * rows), round(high * rows)
    if last == 0:
        return f"No label errors are estimated among {plural(rows, 'label')}."
    if first == last:
        return f"About {count(first)} of {count(rows)} labels are wrong ({percent(high)})."
    return (
        f"Between {count(min(first, last))} and {count(max(first, last))} of {count(rows)} labels "
        f"are wrong ({percent(min(low, high))} to {percent(max(low, high))})."
    )


def _severe(result: LabelIssues) -> str:
    """Return how many are high: of those that are there, when ``top`` has cut the rows."""
    if result.audit.n_issues == 0:
        return ""
    high = f"{count(int((result.audit.issues.severity == 2).sum()))} of them with high severity"
    if not _was_cut(result):
        return f", {high}"
    kept = count(int(result.audit.issues.is_issue.sum()))
    return f", of which the {kept} worst are shown, {high}"


def _was_cut(result: LabelIssues) -> bool:
    return int(result.audit.issues.is_issue.sum()) != result.audit.n_issues


def _worst_rows(result: LabelIssues, limit: int, style: Style) -> list[str]:
    shown = result.table.slice(0, _WORST_ROWS)
    names = names_of(result)
    if shown.num_rows == 0:
        return []
    name = "row" if result.understanding.key_column is None else "key"
    columns = (
        Column("#", right=True),
        Column(name, right=name == "row" or _is_number(shown, name), flexible=name == "key"),
        Column("given", flexible=True),
        Column("suggested", flexible=True),
        Column("quality", right=True),
        Column("severity"),
    )
    rows = [
        [
            count(row["rank"]),
            value_text(row[name]),
            _label(row["given_label"], names),
            "(uncertain)"
            if row["suggested_label"] is None
            else _label(row["suggested_label"], names),
            quality_text(row["label_quality"]),
            str(row["severity"]),
        ]
        for row in shown.to_pylist()
    ]
    everything = result.table.num_rows == shown.num_rows and not _was_cut(result)
    title = "Worst rows (all)" if everything else "Worst rows"
    return titled(title, table(columns, rows, limit), style)


def _label(value: Any, names: Mapping[Any, str]) -> str:
    return value_text(names.get(value, value))


def _is_number(shown: pa.Table, name: str) -> bool:
    return str(shown.schema.field(name).type).startswith(("int", "uint"))


def _pairs(result: LabelIssues, limit: int, style: Style) -> list[str]:
    columns = [
        Column("given", flexible=True),
        Column("truly", flexible=True),
        Column("rows, about", right=True),
        Column("of given", right=True),
        Column("flagged", right=True),
    ]
    names = names_of(result)
    rows = [
        [
            _label(row["given"], names),
            _label(row["true"], names),
            count(row["estimated"]),
            percent(row["share"]),
            count(row["issues"]),
        ]
        for row in result.pairs.slice(0, _PAIRS).to_pylist()
    ]
    return titled("Most confused", table(columns, rows, limit), style) if rows else []


def _classes(result: LabelIssues, limit: int, style: Style) -> list[str]:
    """Show the given classes with the largest share of flagged rows."""
    worst = sorted(
        (row for row in result.classes.to_pylist() if row["issues"]),
        key=lambda row: (-row["issues"] / max(row["rows"], 1), -row["rows"]),
    )[:_CLASSES]
    columns = (
        Column("class", flexible=True),
        Column("rows", right=True),
        Column("flagged", right=True),
        Column("share", right=True),
        Column("mean quality", right=True),
    )
    names = names_of(result)
    rows = [
        [
            _label(row["class"], names),
            count(row["rows"]),
            count(row["issues"]),
            percent(row["issues"] / max(row["rows"], 1)),
            _number(row["mean_quality"]),
        ]
        for row in worst
    ]
    return titled("Classes worst off", table(columns, rows, limit), style) if rows else []


def _details(result: LabelIssues, limit: int, style: Style) -> list[str]:
    lines = filters_and_times(result, limit)
    lines.append(f"  The data was decoded {plural(result.audit.readings, 'time')}.")
    return titled("Details", lines, style)


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"
