"""Large tables for benchmarks: the same numbers on every machine, written in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.sizes import Size

NOISE = 0.08


def some_rows(
    size: Size, group: int, rows: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return labels and probabilities of one row group; each group has its own seed."""
    rng = np.random.default_rng([size.classes, group])
    true = rng.integers(0, size.classes, rows)
    scores = rng.standard_normal((rows, size.classes), dtype=np.float32)
    signal = np.log(size.classes) + 2 + 2 * rng.standard_normal(rows)
    scores[np.arange(rows), true] += signal.astype(np.float32)
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    wrong = rng.random(rows) < NOISE
    shift = rng.integers(1, size.classes, rows)
    return np.where(wrong, (true + shift) % size.classes, true), scores


def written(size: Size, folder: Path) -> Path:
    """Return the table's file, made on first use."""
    path = folder / f"{size}.parquet"
    if path.exists():
        return path
    probs_type = pa.list_(pa.float32(), size.classes)
    schema = pa.schema([("id", pa.int64()), ("label", pa.int64()), ("pred_probs", probs_type)])
    unfinished = path.with_suffix(".part")
    with pq.ParquetWriter(unfinished, schema) as writer:
        for group, start in enumerate(range(0, size.rows, size.group_rows)):
            rows = min(size.group_rows, size.rows - start)
            labels, probs = some_rows(size, group, rows)
            lists = pa.FixedSizeListArray.from_arrays(pa.array(probs.ravel()), type=probs_type)
            columns = [pa.array(np.arange(start, start + rows)), pa.array(labels), lists]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=rows)
    unfinished.rename(path)
    return path
