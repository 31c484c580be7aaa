"""What an aggregation finds, as tables: names put to codes, nulls where there is nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from labelaudit.tables.arrays import flags, numbers
from labelaudit.tables.soft_labels import COLUMNS, MARK, mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int32]

__all__ = ["coded", "confusion_table", "measured", "pairs_as_text", "soft_table", "table_of"]


def measured(values: Floats) -> pa.Array:
    """Return floats with null where there is no number."""
    missing = np.isnan(values)
    if not missing.any():
        return numbers(values)
    kept = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    data = pa.py_buffer(np.where(missing, 0.0, values))
    return pa.Array.from_buffers(pa.float64(), len(values), [kept, data])


def coded(codes: Codes, values: pa.Array) -> pa.Array:
    """Return the value of each code; null for negative ones."""
    missing = codes < 0
    if not missing.any():
        return values.take(numbers(codes))
    padded = pa.concat_arrays([values, pa.nulls(1, values.type)])
    return padded.take(numbers(np.where(missing, len(values), codes)))


def table_of(columns: dict[str, Any]) -> pa.Table:
    """Return a table of Arrow arrays and numpy arrays: floats with null for NaN, flags, counts."""
    return pa.table({name: _column(values) for name, values in columns.items()})


def _column(values: Any) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    if values.dtype == np.bool_:
        return flags(values)
    return measured(values) if values.dtype.kind == "f" else numbers(values)


def pairs_as_text(first: Codes, second: Codes, names: Sequence[str]) -> pa.Array:
    """Return ``true -> given`` for each pair of class codes; null where there is none."""
    known = (first >= 0) & (second >= 0)
    places = first.astype(np.int64) * len(names) + second
    different, place = np.unique(places[known], return_inverse=True)
    texts = [f"{names[p // len(names)]} -> {names[p % len(names)]}" for p in different.tolist()]
    codes = np.full(len(first), -1, np.int32)
    codes[known] = place
    return coded(codes, pa.array(texts, pa.string()))


def confusion_table(matrices: Floats, workers: pa.Array, values: pa.Array) -> pa.Table:
    """List P(given | true) of each worker, by worker, true class and given class.

    Parameters
    ----------
    matrices : (W, K, K) float64
    workers : pyarrow.Array
        (W,) ids.
    values : pyarrow.Array
        (K,) classes.
    """
    n, k, _ = matrices.shape
    true, given = np.divmod(np.tile(np.arange(k * k, dtype=np.int32), n), np.int32(max(k, 1)))
    return pa.table(
        {
            "worker": workers.take(numbers(np.repeat(np.arange(n), k * k))),
            "true": values.take(numbers(true)),
            "given": values.take(numbers(given)),
            "probability": numbers(matrices.reshape(-1)),
        }
    )


def soft_table(tasks: pa.Array, label: pa.Array, probs: Floats, names: Sequence[str]) -> pa.Table:
    """Write label distributions, classes in order, with the names in the schema's metadata.

    ``classes`` is a JSON list; ``huggingface`` describes the label as a ClassLabel, so that
    ``find-issues`` and data loaders know the order; ``labelaudit`` says that these are soft
    labels, so that nobody takes them for a model's predictions.
    """
    lists = pa.FixedSizeListArray.from_arrays(numbers(probs.reshape(-1)), probs.shape[1])
    table = pa.table(dict(zip(COLUMNS, (tasks, label, lists), strict=True)))
    features = {
        "task": {"dtype": _loader_type(tasks.type), "_type": "Value"},
        "label": {"names": list(names), "_type": "ClassLabel"},
        "probs": {
            "feature": {"dtype": "float64", "_type": "Value"},
            "length": len(names),
            "_type": "Sequence",
        },
    }
    return table.replace_schema_metadata(
        {
            "classes": json.dumps(list(names), ensure_ascii=False),
            MARK: mark(),
            "huggingface": json.dumps({"info": {"features": features}}, ensure_ascii=False),
        }
    )


def _loader_type(kind: pa.DataType) -> str:
    return "large_string" if pt.is_large_string(kind) else str(kind)
