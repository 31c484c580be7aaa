"""What reports say of all tasks, added up over pieces of the consensus table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.summaries.exact import ExactSum

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from labelaudit.crowd_findings import CrowdConsensus

__all__ = ["changed_tasks", "confidence_bins", "labelled_tasks", "mean_confidence"]


def _batches(result: CrowdConsensus, *names: str) -> Iterator[pa.RecordBatch]:
    """Yield some columns of the consensus a piece at a time, in memory or not."""
    yield from result.consensus.select(list(names)).to_batches()


def labelled_tasks(result: CrowdConsensus) -> int:
    """Count the tasks that have a label."""
    return sum(len(batch) - batch.column(0).null_count for batch in _batches(result, "label"))


def changed_tasks(result: CrowdConsensus) -> int:
    """Count the tasks whose label is not that of the majority (or of a tie's lowest class)."""
    import pyarrow.compute as pc

    changed = 0
    for batch in _batches(result, "label", "majority_label"):
        differs = pc.not_equal(batch.column("label"), batch.column("majority_label"))
        changed += pc.sum(differs).as_py() or 0
    return int(changed)


def mean_confidence(result: CrowdConsensus) -> float:
    """Return the mean confidence of the labels; NaN without any."""
    total, tasks = ExactSum.of(np.zeros(0)), 0
    for batch in _batches(result, "label", "confidence"):
        values = _numbers(batch.column("confidence").filter(batch.column("label").is_valid()))
        total, tasks = total + ExactSum.of(values), tasks + len(values)
    return float(total.value()) / tasks if tasks else math.nan


def confidence_bins(result: CrowdConsensus, bins: int) -> list[int]:
    """Count the tasks by confidence, in bins of equal width from 0 to 1."""
    counts = np.zeros(bins, np.int64)
    for batch in _batches(result, "confidence"):
        place = np.clip(_numbers(batch.column(0)) * bins, 0, bins - 1).astype(np.int64)
        counts += np.bincount(place, minlength=bins)
    found: list[int] = counts.tolist()
    return found


def _numbers(column: pa.Array) -> np.ndarray:
    return np.asarray(column.drop_null().to_numpy())
