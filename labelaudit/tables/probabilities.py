"""Probabilities in any layout to one matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from labelaudit.blocks import NULL_PROBS, RAGGED_PROBS
from labelaudit.tables.arrays import null_mask, strings, viewed
from labelaudit.tables.labels import label_codes
from labelaudit.tables.layouts import plain

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.tables.layouts import ProbColumns

__all__ = ["prob_matrix"]


def prob_matrix(
    batch: pa.RecordBatch, model: ProbColumns, names: tuple[str, ...], dtype: np.dtype[np.floating]
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int32] | None]:
    """Return one model's (n, K) probabilities and, unless all rows are sound, why not.

    The reasons are 0 for a sound row, else ``NULL_PROBS`` or ``RAGGED_PROBS``; the
    probabilities of such rows are 0.
    """
    if model.layout == "wide columns":
        columns = [plain(batch.column(name)) for name in model.columns]
        return _from_columns(columns, None, dtype)
    column = plain(batch.column(model.columns[0]))
    if pt.is_dictionary(column.type):
        column = plain(column.dictionary_decode())
    if model.layout == "struct":
        fields = [column.field(name) for name in model.names or ()]
        return _from_columns(fields, column, dtype)
    if model.layout == "map":
        return _from_map(column, model.names or (), dtype)
    return _from_list(column, len(names), dtype)


def _numbers(column: pa.Array, dtype: np.dtype[np.floating]) -> npt.NDArray[np.floating]:
    """Return the numbers of a column, nulls as anything, without a copy where types allow."""
    column = plain(column)
    if pt.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pt.is_decimal(column.type) or pt.is_boolean(column.type):
        column = column.cast(pa.float64())
    return viewed(column).astype(dtype, copy=False)


def _from_columns(
    columns: list[pa.Array], parent: pa.Array | None, dtype: np.dtype[np.floating]
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int32] | None]:
    by_class = np.empty((len(columns), len(columns[0])), dtype)
    for k, column in enumerate(columns):
        by_class[k] = _numbers(column, dtype)
    probs = np.ascontiguousarray(by_class.T)
    with_nulls = [c for c in (*columns, parent) if c is not None and c.null_count]
    if not with_nulls:
        return probs, None
    return _blanked(probs, np.logical_or.reduce([null_mask(c) for c in with_nulls]))


def _blanked(
    probs: npt.NDArray[np.floating], missing: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int32] | None]:
    """Zero the rows that miss a probability."""
    if not missing.any():
        return probs, None
    if not probs.flags.writeable:
        probs = probs.copy()
    probs[missing] = 0.0
    return probs, np.where(missing, NULL_PROBS, 0).astype(np.int32)


def _from_list(
    column: pa.Array, n_classes: int, dtype: np.dtype[np.floating]
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int32] | None]:
    """Read a list, judging each row by its own length: a right total can hide ragged rows."""
    if pt.is_fixed_size_list(column.type):
        width = column.type.list_size
        values = column.values.slice(column.offset * width, len(column) * width)
        if width == n_classes and not column.null_count:
            return _even(values, (len(column), n_classes), dtype)
        bounds = np.arange(len(column) + 1, dtype=np.int64) * width
    else:
        bounds = viewed(column.offsets).astype(np.int64)
        values = column.values.slice(bounds[0], bounds[-1] - bounds[0])
        bounds -= bounds[0]
    ragged = np.diff(bounds) != n_classes
    if not column.null_count and not ragged.any():
        return _even(values, (len(column), n_classes), dtype)
    null = null_mask(column) if column.null_count else None
    return _from_uneven(values, bounds[:-1], ragged, null, n_classes, dtype)


def _even(
    values: pa.Array, shape: tuple[int, int], dtype: np.dtype[np.floating]
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int32] | None]:
    """Read rows that are all there, and all of one length."""
    probs = _numbers(values, dtype).reshape(shape)
    return (probs, None) if not values.null_count else _null_entries(probs, values)


def _null_entries(
    probs: npt.NDArray[np.floating], values: pa.Array
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int32] | None]:
    missing: npt.NDArray[np.bool_] = np.logical_or.reduce(null_mask(values).reshape(probs.shape), 1)
    return _blanked(probs, missing)


def _from_uneven(
    values: pa.Array,
    starts: npt.NDArray[np.int64],
    ragged: npt.NDArray[np.bool_],
    null: npt.NDArray[np.bool_] | None,
    n_classes: int,
    dtype: np.dtype[np.floating],
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int32]]:
    probs = np.zeros((len(starts), n_classes), dtype)
    reasons = np.where(ragged, RAGGED_PROBS, 0).astype(np.int32)
    if null is not None:
        reasons[null] = NULL_PROBS
    sound = np.flatnonzero(reasons == 0)
    entries = starts[sound, None] + np.arange(n_classes)
    probs[sound] = _numbers(values, dtype)[entries]
    if values.null_count:
        missing = sound[null_mask(values)[entries].any(axis=1)]
        probs[missing] = 0.0
        reasons[missing] = NULL_PROBS
    return probs, reasons


def _from_map(
    column: pa.Array, names: tuple[str, ...], dtype: np.dtype[np.floating]
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int32] | None]:
    """Read maps: every row must hold each class once, in any order."""
    bounds = viewed(column.offsets).astype(np.int64)
    keys = column.keys.slice(bounds[0], bounds[-1] - bounds[0])
    items = column.items.slice(bounds[0], bounds[-1] - bounds[0])
    place = label_codes(keys.cast(pa.large_string()), strings(names))
    row = np.repeat(np.arange(len(column)), np.diff(bounds))
    known = place >= 0
    probs = np.zeros((len(column), len(names)), dtype)
    times = np.zeros(probs.shape, np.int64)
    np.add.at(times, (row[known], place[known]), 1)
    probs[row[known], place[known]] = _numbers(items, dtype)[known]
    reasons = np.where((times != 1).any(axis=1), RAGGED_PROBS, 0).astype(np.int32)
    reasons[row[~known]] = RAGGED_PROBS
    if items.null_count:
        reasons[row[null_mask(items)]] = NULL_PROBS
    if column.null_count:
        reasons[null_mask(column)] = NULL_PROBS
    probs[reasons < 0] = 0.0
    return probs, reasons if reasons.any() else None
