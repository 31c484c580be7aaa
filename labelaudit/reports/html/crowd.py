"""What the page of an aggregation shows, taken from the frozen result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.reports.crowd_tasks import (
    changed_tasks,
    confidence_bins,
    labelled_tasks,
    mean_confidence,
)
from labelaudit.reports.crowd_text import weak_workers
from labelaudit.reports.html import charts
from labelaudit.reports.html.clusters import Cells, block
from labelaudit.reports.html.heatmap import heatmap
from labelaudit.reports.html.words import Fact, data_name, fixed, name_of
from labelaudit.reports.layout import count, percent, plural
from labelaudit.reports.understood import filter_note, origin_of, type_in_words
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from markupsafe import Markup

    from labelaudit.crowd_findings import CrowdConsensus
    from labelaudit.findings import Estimate

__all__ = ["crowd_view"]

MOST_CLASSES = 20
TOP_WORKERS, TOP_TASKS, TOP_PAIRS = 30, 20, 12


def crowd_view(result: CrowdConsensus) -> dict[str, Any]:
    """Return everything the page of an aggregation is rendered from."""
    weak = weak_workers(result)
    return {
        "title": data_name(result.understanding.files),
        "eyebrow": "Crowd labels",
        "headline": _headline(result),
        "certificate": result.certificate.sentence,
        "facts": _facts(result, weak.num_rows),
        "gold": _gold(result),
        "agreement": _agreement(result),
        "workers": _workers(result),
        "accuracies": _accuracies(result.workers),
        "weak": plural(weak.num_rows, "worker"),
        "any_weak": weak.num_rows > 0,
        "confidence": _confidence(result),
        "heat": _heat(result),
        "pairs": _pairs(result),
        "tasks": _tasks(result),
        "top_two": _top_two(result),
        "assumed": _assumed(result),
        "warnings": [safe(text, 400) for text in result.warnings[:20]],
        "notes": [safe(text, 400) for text in result.notes[:20]],
    }


def _headline(result: CrowdConsensus) -> str:
    tasks = result.consensus.num_rows
    named = labelled_tasks(result)
    return (
        f"{plural(result.counts.votes, 'vote')} by {plural(result.workers.num_rows, 'worker')} "
        f"give {plural(named, 'label')} for {plural(tasks, 'task')}."
    )


def _facts(result: CrowdConsensus, weak: int) -> list[Fact]:
    votes = result.counts.votes / max(result.consensus.num_rows, 1)
    classes = plural(len(result.understanding.classes), "class").replace("classs", "classes")
    return [
        Fact("Tasks", count(result.consensus.num_rows), classes),
        Fact("Votes per task", f"{votes:.1f}", f"{count(result.counts.votes)} votes"),
        Fact("Mean confidence", percent(mean_confidence(result)), f"by {result.method}"),
        Fact("Workers near chance", count(weak), f"of {count(result.workers.num_rows)}"),
    ]


def _gold(result: CrowdConsensus) -> str | None:
    found = result.gold_accuracy
    if found is None:
        return None
    shares = [f"{result.method} finds {_with_interval(found.method)}"]
    if result.method != "majority":
        shares.append(f"majority vote {_with_interval(found.majority)}")
    return f"Of {plural(found.tasks, 'known label')}, when they are hidden, {', '.join(shares)}."


def _with_interval(share: Estimate) -> str:
    return f"{percent(share.value)} ({percent(share.low)} to {percent(share.high)})"


def _agreement(result: CrowdConsensus) -> dict[str, Any] | None:
    found = result.agreement
    if math.isnan(found.alpha.value):
        return None
    low, high = max(found.alpha.low, 0.0), max(found.alpha.high, 0.0)
    kappa = found.fleiss_kappa
    return {
        "picture": charts.range_bar(low, low, high, high, _alpha(result), shares=False)
        if found.alpha.high > 0
        else None,
        "alpha": fixed(found.alpha.value),
        "margins": f"{fixed(found.alpha.low)} to {fixed(found.alpha.high)}",
        "level": found.level,
        "pairwise": percent(found.pairwise),
        "kappa": None if kappa is None or math.isnan(kappa) else fixed(kappa),
        "ties": plural(result.certificate.tied, "tie"),
        "changed": plural(changed_tasks(result), "label"),
    }


def _alpha(result: CrowdConsensus) -> str:
    found = result.agreement.alpha
    return f"Krippendorff's alpha {fixed(found.value)}, {fixed(found.low)} to {fixed(found.high)}"


def _workers(result: CrowdConsensus) -> dict[str, Any]:
    """Show the workers with the lowest accuracy; those without one come last."""
    accuracy = result.workers["accuracy"].to_numpy()
    order = np.argsort(np.where(np.isnan(accuracy), 2.0, accuracy), kind="stable")
    chosen = result.workers.take(order[:TOP_WORKERS])
    return {
        "more": result.workers.num_rows - chosen.num_rows,
        "rows": [
            {
                "name": name_of(row["worker"], 40),
                "votes": count(row["n_votes"]),
                "accuracy": _accuracy(row),
                "agreement": "-" if row["agreement"] is None else percent(row["agreement"]),
                "spammer": fixed(row["spammer_score"], 2),
                "worst": "" if row["worst_pair"] is None else name_of(row["worst_pair"], 80),
            }
            for row in chosen.to_pylist()
        ],
    }


def _accuracy(row: dict[str, Any]) -> dict[str, Any] | None:
    value, low, high = row["accuracy"], row["accuracy_low"], row["accuracy_high"]
    if value is None or low is None or high is None:
        return None
    return {
        "share": percent(value),
        "margins": f"{percent(low)} to {percent(high)}",
        "picture": charts.interval(value, low, high, 1.0),
    }


def _values(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.drop_null().to_numpy())


def _binned(values: np.ndarray, bins: int) -> Sequence[int]:
    place = np.clip(values * bins, 0, bins - 1).astype(np.int64)
    found: list[int] = np.bincount(place, minlength=bins).tolist()
    return found


def _accuracies(workers: pa.Table) -> Markup | None:
    values = _values(workers["accuracy"])
    if len(values) < 2:
        return None
    counts = _binned(values, 20)
    return charts.histogram(counts, [], "accuracy", "Workers by accuracy", "workers")


def _confidence(result: CrowdConsensus) -> Markup | None:
    counts = confidence_bins(result, 20)
    if sum(counts) < 2:
        return None
    return charts.histogram(counts, [], "confidence", "Tasks by confidence", "tasks")


def _heat(result: CrowdConsensus) -> dict[str, Any] | None:
    names = list(result.understanding.classes)
    place = {name: k for k, name in enumerate(names)}
    pairs = result.pairs.to_pylist()
    rows = [place.get(str(row["true"]), -1) for row in pairs]
    columns = [place.get(str(row["given"]), -1) for row in pairs]
    if not pairs or min(*rows, *columns) < 0:
        return None
    values = np.array([row["expected"] for row in pairs])
    cells = Cells(len(names), np.array(rows), np.array(columns), values)
    chosen = block(cells, MOST_CLASSES)
    matrix = cells.dense(chosen)
    return {
        "picture": heatmap(
            matrix,
            [names[k] for k in chosen],
            "votes",
            "Expected votes by true class (down) and vote (across)",
        ),
        "shown": len(chosen),
        "classes": len(names),
        "cut": len(chosen) < len(names),
    }


def _pairs(result: CrowdConsensus) -> list[dict[str, str]]:
    return [
        {
            "true": name_of(row["true"]),
            "given": name_of(row["given"]),
            "expected": count(row["expected"]),
            "share": percent(row["share"]),
        }
        for row in result.pairs.slice(0, TOP_PAIRS).to_pylist()
    ]


def _tasks(result: CrowdConsensus) -> list[dict[str, str]]:
    return [
        {
            "task": name_of(row["task"]),
            "label": name_of(row["label"]),
            "confidence": "-" if row["confidence"] is None else percent(row["confidence"]),
            "gain": f"{100 * row['error_reduction']:.1f} points",
        }
        for row in result.next_votes.slice(0, TOP_TASKS).to_pylist()
    ]


def _top_two(result: CrowdConsensus) -> list[dict[str, str]]:
    """Show the tasks with two answers that are confused most."""
    table = result.top_two
    if table is None:
        return []
    confused = table["confusion_probability"].to_numpy()
    order = np.argsort(-np.nan_to_num(confused, nan=-1.0), kind="stable")[:TOP_TASKS]
    return [
        {
            "task": name_of(row["task"]),
            "first": name_of(row["first"]),
            "second": name_of(row["second"]),
            "confusion": percent(row["confusion_probability"]),
            "pair": percent(row["pair_confidence"]),
        }
        for row in table.take(order).to_pylist()
        if row["confusion_probability"] is not None and row["pair_confidence"] is not None
    ]


def _assumed(result: CrowdConsensus) -> list[Fact]:
    told = result.understanding
    files = [safe(name, 120) for name in told.files[:5]] or ["memory"]
    classes = ", ".join(name_of(name, 24) for name in told.classes[:12])
    rest = f" and {count(len(told.classes) - 12)} more" if len(told.classes) > 12 else ""
    workers = ", ".join(safe(name) for name in told.worker_columns[:8])
    label = told.label_column
    return [
        Fact("Data", ", ".join(files), f"{told.layout} table, {plural(told.rows, 'row')}"),
        *([Fact("Where", filter_note(told))] if told.where is not None else []),
        Fact(
            "Tasks",
            "each row" if told.task_column is None else safe(told.task_column),
            origin_of(told, "task"),
        ),
        Fact("Workers", workers, origin_of(told, "worker")),
        Fact(
            "Labels",
            type_in_words(told.label_type)
            if label is None
            else f"{safe(label)} ({type_in_words(told.label_type)})",
            origin_of(told, "label"),
        ),
        Fact("Class order", classes + rest, safe(told.class_order, 120)),
        Fact("Method", result.method, "" if result.converged else "did not converge"),
    ]
