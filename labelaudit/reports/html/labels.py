"""What the page of a single-label audit shows, taken from the frozen result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.class_names import names_of
from labelaudit.reports.html import charts
from labelaudit.reports.html.clusters import Cells, block
from labelaudit.reports.html.heatmap import heatmap
from labelaudit.reports.html.issues import issues_data
from labelaudit.reports.html.words import Fact, data_name, fixed, name_of, wilson
from labelaudit.reports.html.yields import expected_yield
from labelaudit.reports.layout import count, percent, plural
from labelaudit.reports.text import as_they_are, headline, looks_in_sample
from labelaudit.reports.understood import filter_note, origin_of, type_in_words
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from labelaudit.findings import LabelIssues
    from labelaudit.tag_findings import TagIssues

__all__ = ["assumed", "label_view", "noise", "slices"]

MOST_CLASSES = 20
TOP_PAIRS, TOP_CLASSES, TOP_GROUPS = 12, 20, 20
_EXAMPLES = 3


def label_view(result: LabelIssues, settings: Mapping[str, object]) -> dict[str, Any]:
    """Return everything the page of an audit is rendered from."""
    audit, understanding = result.audit, result.understanding
    return {
        "title": data_name(understanding.files),
        "eyebrow": "Label audit",
        "headline": _headline(result),
        "verdict": _verdict(result),
        "range": _range(result),
        "facts": _facts(result),
        "assumed": assumed(result, settings),
        "warnings": [safe(text, 400) for text in result.warnings[:20]],
        "notes": [safe(text, 400) for text in audit.notes[:20]],
        "problems": [safe(each.sentence, 400) for each in result.problems],
        "left_out": audit.rows - audit.valid_rows,
        "heat": _heat(result),
        "pairs": _pairs(result),
        "classes": _classes(result),
        "quality": _quality(result),
        "reliability": _reliability(result),
        "yield": expected_yield(audit.quality, audit.valid_rows, audit.n_issues),
        "flagged": plural(audit.n_issues, "row") if audit.n_issues else None,
        "groups": slices(result),
        "issues": audit.n_issues,
        "ranked": result.table.num_rows,
        "data": issues_data(result),
    }


def _headline(result: LabelIssues) -> str:
    rate = result.audit.error_rate
    rows, in_sample = result.audit.valid_rows, looks_in_sample(result)
    return headline(rate.face_value.value, rate.most.value, rows, in_sample=in_sample)


def _verdict(result: LabelIssues) -> dict[str, str]:
    rate, rows = result.audit.error_rate, result.audit.valid_rows
    return {
        "low": _share_and_rows(rate.face_value.value, rows),
        "high": _share_and_rows(rate.most.value, rows),
        "margins": f"{percent(rate.low)} to {percent(rate.high)}",
        "method": as_they_are(result),
    }


def _share_and_rows(share: float, rows: int) -> str:
    return f"{percent(share)}, {plural(round(share * rows), 'row')}"


def _range(result: LabelIssues) -> Markup:
    rate = result.audit.error_rate
    first, last = sorted((rate.face_value.value, rate.most.value))
    told = f"Share of wrong labels: {percent(first)} to {percent(last)}"
    return charts.range_bar(rate.low, first, last, rate.high, told)


def _facts(result: LabelIssues) -> list[Fact]:
    audit = result.audit
    rows = max(audit.valid_rows, 1)
    high = int((audit.issues.severity == 2).sum())
    return [
        Fact("Rows", count(audit.rows), f"{count(len(result.understanding.classes))} classes"),
        Fact("Flagged", count(audit.n_issues), f"{percent(audit.n_issues / rows)} of the rows"),
        Fact("High severity", count(high), "wrong at face value too"),
        Fact("Label health", percent(audit.mean_quality), "mean label quality"),
    ]


def assumed(result: LabelIssues | TagIssues, settings: Mapping[str, object]) -> list[Fact]:
    """Return what was taken for what, and how."""
    told, audit = result.understanding, result.audit
    files = [safe(name, 120) for name in told.files[:5]] or ["memory"]
    more = f" and {len(told.files) - 5:,} more" if len(told.files) > 5 else ""
    names = ", ".join(name_of(name, 24) for name in told.classes[:12])
    rest = f" and {count(len(told.classes) - 12)} more" if len(told.classes) > 12 else ""
    key = "the row number" if told.key_column is None else safe(told.key_column)
    probs = ", ".join(safe(name) for name in told.prob_columns)
    return [
        Fact("Data", ", ".join(files) + more, filter_note(told)),
        Fact(
            "Labels",
            f"{safe(told.label_column)} ({type_in_words(told.label_type)})",
            origin_of(told, "labels"),
        ),
        Fact(
            "Probabilities",
            f"{probs} ({told.prob_layout}, {told.prob_type})",
            origin_of(told, "probs"),
        ),
        Fact("Class order", f"{names}{rest}", safe(told.class_order, 120)),
        Fact("Key", key, origin_of(told, "key")),
        Fact(
            "Method", f"{audit.method}, ranked by {audit.score}", f"seed {settings.get('seed', 0)}"
        ),
    ]


def _cells(result: LabelIssues) -> Cells:
    joint = result.audit.calibrated_joint
    return Cells(joint.n_classes, joint.given, joint.true, joint.count)


def _heat(result: LabelIssues) -> dict[str, Any] | None:
    cells = _cells(result)
    off = cells.row != cells.column
    if not cells.value[off].any():
        return None
    chosen = block(cells, MOST_CLASSES)
    matrix = cells.dense(chosen)
    names = [result.understanding.classes[k] for k in chosen]
    inside = matrix.sum() - np.trace(matrix)
    return {
        "picture": heatmap(
            matrix, names, "rows", "Estimated rows by given label (down) and true label (across)"
        ),
        "shown": len(chosen),
        "classes": cells.n_classes,
        "share": percent(float(inside) / float(cells.value[off].sum())),
        "cut": len(chosen) < cells.n_classes,
    }


def _pairs(result: LabelIssues) -> list[dict[str, Any]]:
    examples, names = _examples(result), names_of(result)
    return [
        {
            "given": name_of(names.get(row["given"], row["given"])),
            "true": name_of(names.get(row["true"], row["true"])),
            "estimated": count(row["estimated"]),
            "share": percent(row["share"]),
            "issues": count(row["issues"]),
            "examples": examples.get((str(row["given"]), str(row["true"])), []),
        }
        for row in result.pairs.slice(0, TOP_PAIRS).to_pylist()
    ]


def _examples(result: LabelIssues) -> dict[tuple[str, str], list[str]]:
    """Return the keys of the worst rows of each pair."""
    found: dict[tuple[str, str], list[str]] = {}
    columns = result.table.slice(0, 20_000).select(["key", "given_label", "suggested_label"])
    for row in columns.to_pylist():
        near = found.setdefault((str(row["given_label"]), str(row["suggested_label"])), [])
        if len(near) < _EXAMPLES:
            near.append(name_of(row["key"], 24))
    return found


def _classes(result: LabelIssues) -> dict[str, Any]:
    rows = result.classes.to_pylist()
    order = sorted(range(len(rows)), key=lambda k: (-_wrong(rows[k]), k))
    chosen = order[:TOP_CLASSES]
    given = {k: wilson(rows[k]["given_noise"], rows[k]["rows"]) for k in chosen}
    true = {k: wilson(rows[k]["true_noise"], _truly(rows[k], result)) for k in chosen}
    ends = [each[2] for each in (*given.values(), *true.values()) if each]
    top = max(ends, default=0.0) or 1.0
    bins, names = result.audit.quality, names_of(result)
    return {
        "more": len(rows) - len(chosen),
        "rows": [
            {
                "name": name_of(names.get(rows[k]["class"], rows[k]["class"])),
                "rows": count(rows[k]["rows"]),
                "issues": count(rows[k]["issues"]),
                "given": noise(given[k], top),
                "true": noise(true[k], top),
                "quality": fixed(rows[k]["mean_quality"]),
                "spark": None if bins is None else charts.bars(bins.by_class[k].tolist()),
            }
            for k in chosen
        ],
    }


def _wrong(row: Mapping[str, Any]) -> float:
    noise = row["given_noise"]
    return 0.0 if noise is None or math.isnan(noise) else noise * row["rows"]


def _truly(row: Mapping[str, Any], result: LabelIssues) -> int:
    return round(float(row["prior_true"]) * result.audit.valid_rows)


def noise(found: tuple[float, float, float] | None, top: float) -> dict[str, Any] | None:
    """Return a share with its interval, in words and as a picture, for a cell of a table."""
    if found is None:
        return None
    value, low, high = found
    return {
        "share": percent(value),
        "margins": f"{percent(low)} to {percent(high)}",
        "picture": charts.interval(value, low, high, top),
    }


def _quality(result: LabelIssues) -> Markup | None:
    bins = result.audit.quality
    if bins is None:
        return None
    rows = bins.rows.reshape(32, -1).sum(axis=1).tolist()
    flagged = bins.flagged.reshape(32, -1).sum(axis=1).tolist()
    return charts.histogram(
        rows, flagged, "label quality", "Rows by label quality, flagged ones in front"
    )


def _reliability(result: LabelIssues) -> dict[str, Any] | None:
    found = result.audit.reliability
    if found is None:
        return None
    confidence, agreement = found.confidence.tolist(), found.agreement.tolist()
    gap = float(((found.agreement - found.confidence) * found.rows).sum() / found.rows.sum())
    return {
        "picture": charts.reliability(
            confidence, agreement, "Agreement with the given labels against greatest probability"
        ),
        "ece": fixed(result.audit.calibration.get("ece")),
        "leaning": "less sure than it is right"
        if gap > 0.01
        else "surer than it is right"
        if gap < -0.01
        else "about as sure as it is right",
    }


def slices(result: LabelIssues | TagIssues) -> dict[str, Any] | None:
    """Return the table of slices, if a column was named to group by."""
    if result.groups is None:
        return None
    shown = result.groups.slice(0, TOP_GROUPS).to_pylist()
    found = [(row, wilson(row["issue_rate"], row["rows"])) for row in shown]
    top = max((each[2] for _, each in found if each), default=0.0) or 1.0
    return {
        "more": result.groups.num_rows - len(shown),
        "rows": [
            {
                "name": name_of(row["group"]),
                "rows": count(row["rows"]),
                "issues": count(row["issues"]),
                "rate": noise(each, top),
            }
            for row, each in found
        ],
    }
