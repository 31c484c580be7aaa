"""Results of an aggregation, made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from labelaudit.crowd_findings import (
    CrowdConsensus,
    MajorityVerdict,
    VoteAgreement,
    VoteCounts,
    VoteUnderstanding,
)
from labelaudit.findings import Estimate

__all__ = ["consensus", "understanding"]


def understanding(**changes: Any) -> VoteUnderstanding:
    plain = VoteUnderstanding(
        files=("votes.csv",),
        format="csv",
        layout="long",
        task_column="item",
        worker_columns=("rater",),
        label_column="answer",
        label_type="string",
        gold=None,
        classes=("cat", "dog", "fox"),
        class_order="sorted labels",
        origins={"task": "inferred from its name", "label": "--label-column"},
        rows=20,
    )
    return replace(plain, **changes)


def consensus(**changes: Any) -> CrowdConsensus:
    """Three tasks, one without a label, and four workers, two of them useless."""
    plain = CrowdConsensus(
        understanding=understanding(),
        method="dawid-skene",
        settings={"method": "dawid-skene", "soft": "average", "level": "nominal", "seed": 0}
        | {"extras": []},
        counts=VoteCounts(20, 12, 3, 2, 1, 2, 1, 2, 0),
        consensus=pa.table(
            {
                "task": [1, 2, 3],
                "label": ["cat", "dog", None],
                "confidence": [0.9, 0.5, None],
                "majority_label": ["cat", "fox", None],
            }
        ),
        workers=pa.table(
            {
                "worker": ["good", "low", "blind", "silent"],
                "n_votes": [6, 2, 4, 0],
                "accuracy": [0.9, 0.3, 0.5, None],
                "accuracy_low": [0.5, 0.1, 0.2, 0.0],
                "accuracy_high": [1.0, 0.6, 0.8, 1.0],
                "agreement": [0.7, None, 0.25, None],
                "spammer_score": [0.8, 0.3, 0.001, 0.3],
                "worst_pair": [None, "dog -> cat", "fox -> cat", None],
            }
        ),
        pairs=pa.table({"true": ["dog"], "given": ["cat"], "expected": [3.6], "share": [0.25]}),
        next_votes=pa.table(
            {"task": [2], "label": ["dog"], "confidence": [0.5], "error_reduction": [0.125]}
        ),
        confusion=None,
        soft=None,
        top_two=None,
        agreement=VoteAgreement("nominal", Estimate(0.4321, 0.4, 0.5), 0.25, 0.625, 2),
        certificate=MajorityVerdict("Majority vote would do.", 1, Estimate(1, 1, 1), 0.5, 0.0),
        warnings=("Something \x1b[31mred.",),
        notes=("A note.",),
        timings={"reading": 0.125},
    )
    return replace(plain, **changes)
