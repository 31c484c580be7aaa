"""What the page of a multi-label audit shows, taken from the frozen result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelaudit.reports.html import charts
from labelaudit.reports.html.issues import issues_data
from labelaudit.reports.html.labels import assumed, noise, slices
from labelaudit.reports.html.words import Fact, data_name, fixed, name_of
from labelaudit.reports.layout import count, percent
from labelaudit.reports.tag_text import tag_headline
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from labelaudit.tag_findings import TagIssues

__all__ = ["tag_view"]

TOP_CLASSES, TOP_RELATIONS, TOP_MISSING = 30, 30, 20


def tag_view(result: TagIssues, settings: Mapping[str, object]) -> dict[str, Any]:
    """Return everything the page of a multi-label audit is rendered from."""
    audit = result.audit
    rate = audit.error_rate
    first, last = sorted((rate.face_value.value, rate.most.value))
    told = f"Share of wrong labels: {percent(first)} to {percent(last)}"
    return {
        "title": data_name(result.understanding.files),
        "eyebrow": "Label audit, several labels per row",
        "headline": tag_headline(rate.face_value.value, rate.most.value, audit.cells),
        "range": charts.range_bar(rate.low, first, last, rate.high, told),
        "low": percent(first),
        "high": percent(last),
        "margins": f"{percent(rate.low)} to {percent(rate.high)}",
        "facts": _facts(result),
        "assumed": assumed(result, settings),
        "warnings": [safe(text, 400) for text in result.warnings[:20]],
        "notes": [safe(text, 400) for text in audit.notes[:20]],
        "problems": [safe(each.sentence, 400) for each in result.problems],
        "classes": _classes(result),
        "relations": _relations(result.relations),
        "missing": _missing(result.missing),
        "groups": slices(result),
        "issues": audit.n_issues,
        "ranked": result.table.num_rows,
        "data": issues_data(result),
    }


def _facts(result: TagIssues) -> list[Fact]:
    audit = result.audit
    extra, missing = int(audit.classes.extra.sum()), int(audit.classes.missing.sum())
    return [
        Fact("Rows", count(audit.rows), f"{count(len(result.understanding.classes))} classes"),
        Fact("Extra labels", count(extra), "given, probably wrong"),
        Fact("Missing labels", count(missing), "not given, probably right"),
        Fact("Healthy rows", percent(audit.health), "without a flagged label"),
    ]


def _classes(result: TagIssues) -> dict[str, Any]:
    """Show the classes with the most flagged labels."""
    every = result.classes.to_pylist()
    flagged = [row["flagged_extra"] + row["flagged_missing"] for row in every]
    order = sorted(range(len(every)), key=lambda k: (-flagged[k], k))[:TOP_CLASSES]
    chosen = [every[k] for k in order]
    extra, missing = _rates(chosen, "extra_rate"), _rates(chosen, "missing_rate")
    return {
        "more": len(every) - len(chosen),
        "rows": [
            {
                "name": name_of(row["class"]),
                "given": count(row["positives"]),
                "extra": count(row["flagged_extra"]),
                "extra_rate": extra[i],
                "missing": count(row["flagged_missing"]),
                "missing_rate": missing[i],
                "quality": fixed(row["mean_quality"]),
                "why": "" if row["not_estimable"] is None else safe(row["not_estimable"], 120),
            }
            for i, row in enumerate(chosen)
        ],
    }


def _rates(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any] | None]:
    """Return the cells of a share with its interval, all drawn to one scale."""
    found = [(row[name], row[f"{name}_low"], row[f"{name}_high"]) for row in rows]
    known = [None if None in each else each for each in found]
    top = max((each[2] for each in known if each), default=0.0) or 1.0
    return [noise(each, top) for each in known]


def _relations(table: pa.Table | None) -> dict[str, Any] | None:
    if table is None or table.num_rows == 0:
        return None
    shown = table.slice(0, TOP_RELATIONS).to_pylist()
    return {
        "more": table.num_rows - len(shown),
        "rows": [
            {
                "relation": safe(row["relation"]),
                "first": name_of(row["first"]),
                "second": name_of(row["second"]),
                **{name: count(row[name]) for name in ("n_first", "n_second", "n_both")},
            }
            for row in shown
        ],
    }


def _missing(table: pa.Table | None) -> dict[str, Any] | None:
    """Show where the most labels are expected to be missing."""
    if table is None:
        return None
    rows = [row for row in table.to_pylist() if row["missing"] and row["missing_low"] is not None]
    worst = sorted(rows, key=lambda row: -row["missing"])[:TOP_MISSING]
    return {
        "grouped": "group" in table.column_names,
        "rows": [
            {
                "name": name_of(row["class"]),
                "group": name_of(row.get("group")),
                "given": count(row["given"]),
                "missing": count(row["missing"]),
                "margins": f"{count(row['missing_low'])} to {count(row['missing_high'])}",
            }
            for row in worst
        ],
    }
