"""The summary of an audit as one JSON document; ``summary.schema.json`` describes it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from labelaudit.findings import (
    FILTERS,
    ErrorRate,
    Estimate,
    Inspection,
    LabelIssues,
    Problem,
    Understanding,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

__all__ = [
    "SCHEMA_VERSION",
    "document",
    "error_rate_entry",
    "head",
    "inspection_document",
    "plain",
    "problem_entries",
    "summary_document",
    "to_json",
]

SCHEMA_VERSION = 1
"""Grows when a key changes its meaning or goes; new keys may come without it."""

_PAIRS = 20
_LARGEST_JOINT = 50


def summary_document(
    result: LabelIssues,
    *,
    version: str,
    settings: Mapping[str, object],
    outputs: Sequence[Mapping[str, str]] = (),
    exit_code: int = 0,
) -> dict[str, Any]:
    """Return the summary of an audit, made of what JSON can hold.

    Parameters
    ----------
    result : LabelIssues
    version : str
        Of labelaudit.
    settings : mapping
        What the audit was asked for.
    outputs : sequence of mapping
        For each output its ``content``, ``format`` and ``path``.
    exit_code : int
    """
    audit = result.audit
    return document(
        {
            **head(version, result.understanding),
            "counts": {
                "rows": audit.rows,
                "issues": audit.n_issues,
                "invalid_rows": audit.rows - audit.valid_rows,
            },
            "error_rate": error_rate_entry(audit.error_rate),
            "mean_quality": audit.mean_quality,
            "classes": result.classes.to_pylist(),
            "pairs": result.pairs.slice(0, _PAIRS).to_pylist(),
            "joint": _joint(result, outputs),
            "groups": result.groups.to_pylist() if result.groups is not None else None,
            "flagged": {name: audit.flagged[name] for name in FILTERS if name in audit.flagged},
            "settings": {**settings, "method": audit.method, "score": audit.score},
            "warnings": list(result.warnings),
            "notes": list(audit.notes),
            "problems": problem_entries(result.problems),
            "outputs": [dict(each) for each in outputs],
            "calibration": dict(audit.calibration),
            "readings": audit.readings,
            "timings": dict(result.timings),
            "exit_code": exit_code,
        }
    )


def inspection_document(inspection: Inspection, *, version: str, exit_code: int) -> dict[str, Any]:
    """Return what was understood of the data and what is wrong with it, as JSON can hold it."""
    understanding = inspection.understanding
    names = understanding.classes if understanding is not None else ()
    return document(
        {
            **head(version, understanding),
            "classes": [
                {"class": name, "rows": int(rows)}
                for name, rows in zip(names, inspection.class_counts, strict=False)
            ],
            "problems": problem_entries(inspection.problems),
            "warnings": list(inspection.warnings),
            "exit_code": exit_code,
        }
    )


def to_json(entries: Mapping[str, Any]) -> str:
    """Return the document as text, indented, ending in a line break; no NaN, no Infinity."""
    return json.dumps(entries, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def head(version: str, understanding: Understanding | None) -> dict[str, Any]:
    """Return what every summary begins with: the tool, the inputs, which column is what."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "labelaudit", "version": version},
        "inputs": list(understanding.files) if understanding is not None else [],
        "mapping": _mapping(understanding) if understanding is not None else None,
    }


def _mapping(understanding: Understanding) -> dict[str, Any]:
    """Return the columns' roles; the files stand under ``inputs``."""
    return {
        "format": understanding.format,
        "task": understanding.task,
        "labels": {"column": understanding.label_column, "type": understanding.label_type},
        "probs": {
            "columns": list(understanding.prob_columns),
            "layout": understanding.prob_layout,
            "type": understanding.prob_type,
        },
        "key": understanding.key_column,
        "classes": list(understanding.classes),
        "class_order": understanding.class_order,
        "origins": dict(understanding.origins),
        "rows": understanding.rows,
        "where": understanding.where,
        "rows_left_out": understanding.rows_left_out,
    }


def error_rate_entry(rate: ErrorRate) -> dict[str, Any]:
    """Return both ends with their intervals."""
    return {
        "low": rate.low,
        "point": rate.point,
        "high": rate.high,
        "face_value": _estimate(rate.face_value),
        "most": _estimate(rate.most),
    }


def _estimate(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _joint(result: LabelIssues, outputs: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    n_classes = len(result.understanding.classes)
    written = [each["path"] for each in outputs if each["content"] == "joint"]
    small = n_classes <= _LARGEST_JOINT
    return {
        "n_classes": n_classes,
        "cells": _cells(result.joint) if small else None,
        "path": written[0] if written else None,
        "note": None
        if small or written
        else "More than 50 classes: ask for it with -o joint:joint.parquet.",
    }


def _cells(joint: pa.Table) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = joint.to_pylist()
    return cells


def problem_entries(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Return what was wrong with rows."""
    return [asdict(problem) for problem in problems]


def document(entries: dict[str, Any]) -> dict[str, Any]:
    """Return the entries as JSON can hold them."""
    return {key: plain(value) for key, value in entries.items()}


def plain(value: Any) -> Any:
    """Return the value with nulls where JSON has no number, numpy's numbers as Python's."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return int(value)
    return plain(value.item()) if hasattr(value, "item") else str(value)
