"""Results made by hand, small enough to be read."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np
import pyarrow as pa

from labelaudit.distributions import QualityBins, Reliability
from labelaudit.findings import (
    ErrorRate,
    Estimate,
    Inspection,
    IssueRows,
    JointCells,
    LabelAudit,
    LabelIssues,
    Problem,
    Understanding,
)

CLASSES = ("cat", "dog", "fox")
SCHEMA = json.loads(files("labelaudit.reports").joinpath("summary.schema.json").read_text("utf-8"))
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\u202egnp.exe\u0000 {{ 7 * 7 }}",
)

UNDERSTANDING = Understanding(
    files=("pets.parquet",),
    format="parquet",
    task="multiclass",
    label_column="label",
    label_type="string",
    prob_columns=("pred_probs",),
    prob_layout="list",
    prob_type="float32",
    key_column="id",
    classes=CLASSES,
    class_order="sorted labels",
    origins={"labels": "inferred", "probs": "--probs", "key": "inferred"},
    rows=1000,
)

PROBLEM = Problem(
    kind="nan_probability",
    sentence="2 rows have NaN among their probabilities; the first are 7 and 9.",
    count=2,
    rows=(7, 9),
    remedy="Compute the probabilities again, or leave the rows out with --skip-invalid.",
)


def issue_rows(n: int = 3) -> IssueRows:
    """n flagged rows; the last one without a suggestion."""
    suggested = np.ones(n, np.int32)
    suggested[-1] = -1
    return IssueRows(
        row=np.arange(n, dtype=np.int64) * 100,
        given=np.zeros(n, np.int32),
        suggested=suggested,
        label_quality=np.linspace(0.001, 0.2, n),
        is_issue=np.ones(n, np.bool_),
        given_prob=np.full(n, 0.1, np.float32),
        suggested_prob=np.full(n, 0.8, np.float32),
        margin=np.full(n, -0.7, np.float32),
        entropy=np.full(n, 0.5, np.float32),
        flagged_by=np.full(n, 1 << 7 | 1, np.uint8),
        severity=np.array([2] * (n - 1) + [1], np.int8),
    )


def issues(n: int = 3, classes: tuple[str, ...] = CLASSES) -> pa.Table:
    """The issues table of ``issue_rows(n)``."""
    rows = issue_rows(n)
    names = pa.array([*classes, None])
    return pa.table(
        {
            "rank": np.arange(1, n + 1),
            "issue_id": [f"{i:016x}" for i in range(n)],
            "key": [f"id-{i}" for i in range(n)],
            "row": rows.row,
            "issue_type": pa.array(["label_error"] * n).dictionary_encode(),
            "class": pa.nulls(n, pa.string()),
            "given_label": names.take(pa.array(rows.given)),
            "suggested_label": names.take(pa.array(np.where(rows.suggested < 0, 3, 1))),
            "label_quality": rows.label_quality,
            "is_issue": rows.is_issue,
            "given_prob": rows.given_prob,
            "suggested_prob": rows.suggested_prob,
            "margin": rows.margin,
            "entropy": rows.entropy,
            "flagged_by": pa.array([["prune_by_class", "rcp"]] * n),
            "severity": pa.array(["high"] * (n - 1) + ["medium"]).dictionary_encode(),
        }
    )


def audit(n: int = 3, **changes: Any) -> LabelAudit:
    """An audit of 1,000 rows with n flagged ones."""
    joint = JointCells(
        n_classes=3,
        given=np.array([0, 0, 1, 2], np.int32),
        true=np.array([0, 1, 1, 2], np.int32),
        count=np.array([470, 30, 300, 198], np.int64),
    )
    rate = ErrorRate(Estimate(0.004, 0.002, 0.006), Estimate(0.03, 0.02, 0.04))
    made = LabelAudit(
        method="rcp",
        score="rcp",
        rows=1000,
        valid_rows=998,
        counts=np.array([500, 300, 198], np.int64),
        thresholds=np.array([0.9, 0.8, np.nan]),
        confident_joint=joint,
        calibrated_joint=joint,
        error_rate=rate,
        n_issues=n,
        flagged={"rcp": n, "prune_by_class": n},
        class_issues=np.array([n, 0, 0], np.int64),
        class_suggested=np.array([0, n - 1, 0], np.int64),
        mean_quality=0.97,
        class_quality=np.array([0.96, 0.98, np.nan]),
        alternatives=JointCells(
            3, np.array([0], np.int32), np.array([1], np.int32), np.array([n - 1])
        ),
        issues=issue_rows(n),
        notes=("The channel was fitted on all rows.",),
        readings=2,
        calibration={"nll": 0.2, "brier": 0.1, "ece": float("nan"), "collapse": 0.0},
    )
    return replace(made, **changes)


def audit_with_bins(n: int = 3) -> LabelAudit:
    """The same audit, with what pictures are made of: errors among the worst and everywhere."""
    rows = np.zeros(256, np.int64)
    rows[[0, 10, 128, 255]] = (20, 10, 68, 900)
    flagged = np.zeros(256, np.int64)
    flagged[0] = n
    expected = np.zeros(256)
    expected[[0, 10, 128]] = (20.0, 5.0, 5.0)
    wide = np.zeros((3, 16), np.int64)
    wide[:, 15] = (400, 300, 198)
    wide[0, 0] = 100
    return audit(
        n,
        quality=QualityBins(rows, flagged, rows.copy(), expected, wide),
        reliability=Reliability(
            np.array([0.5, 0.7, 0.9]), np.array([0.6, 0.75, 0.92]), np.array([300, 300, 398])
        ),
    )


def class_table(classes: tuple[str, ...] = CLASSES, n: int = 3) -> pa.Table:
    """One row for each class."""
    return pa.table(
        {
            "class": list(classes),
            "rows": [500, 300, 198],
            "threshold": pa.array([0.9, 0.8, float("nan")]),
            "issues": [n, 0, 0],
            "suggested": [0, n - 1, 0],
            "given_noise": [0.06, 0.0, 0.0],
            "true_noise": [0.0, 0.09, 0.0],
            "prior_given": [0.501, 0.3006, 0.1984],
            "prior_true": [0.471, 0.3307, 0.1983],
            "mean_quality": pa.array([0.96, 0.98, float("nan")]),
        }
    )


def result(n: int = 3, classes: tuple[str, ...] = CLASSES, **changes: Any) -> LabelIssues:
    """A whole result; ``changes`` replace parts of it."""
    joint = pa.table(
        {
            "given": [classes[0], classes[0], classes[1], classes[2]],
            "true": [classes[0], classes[1], classes[1], classes[2]],
            "count": [470, 30, 300, 198],
            "calibrated": [470, 30, 300, 198],
            "joint": [0.471, 0.030, 0.301, 0.198],
            "given_if_true": [1.0, 0.09, 0.91, 1.0],
            "true_if_given": [0.94, 0.06, 1.0, 1.0],
        }
    )
    pairs = pa.table(
        {
            "given": [classes[0]],
            "true": [classes[1]],
            "estimated": [30],
            "share": [0.06],
            "issues": [n - 1],
        }
    )
    made = LabelIssues(
        understanding=replace(UNDERSTANDING, classes=classes),
        audit=audit(n),
        table=issues(n, classes),
        classes=class_table(classes, n),
        joint=joint,
        pairs=pairs,
        problems=(PROBLEM,),
        warnings=("The class order was assumed: sorted.",),
        timings={"read": 0.5},
    )
    return replace(made, **changes)


def inspection(**changes: Any) -> Inspection:
    """An inspection without problems."""
    made = Inspection(UNDERSTANDING, (), (), np.array([500, 300, 200], np.int64))
    return replace(made, **changes)
