"""Labels to class codes, through their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.blocks import NULL_LABEL, UNKNOWN_LABEL
from labelaudit.tables.arrays import null_mask, numbers, viewed
from labelaudit.tables.layouts import plain
from labelaudit.tables.scanning import is_text

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["label_codes", "label_codes_of_entries"]


def label_codes(column: pa.Array, values: pa.Array) -> npt.NDArray[np.int32]:
    """Return the class code of each label, through its value.

    A label that is none of ``values`` is ``UNKNOWN_LABEL``; null, or NaN, is ``NULL_LABEL``.
    """
    column = plain(column)
    if pt.is_dictionary(column.type):
        return _dictionary_codes(column, values)
    kind = column.type
    if pt.is_null(kind):
        return np.full(len(column), NULL_LABEL, np.int32)
    if pt.is_integer(kind) and _is_counting(values):
        codes = _counting_codes(column, len(values))
    elif pt.is_integer(kind) or pt.is_boolean(kind):
        codes = _index_in(column, values)
    elif pt.is_floating(kind):
        return _float_codes(column, values)
    else:
        return _dictionary_codes(pc.dictionary_encode(_text(column)), values)
    if column.null_count:
        codes[null_mask(column)] = NULL_LABEL
    return codes


def _text(column: pa.Array) -> pa.Array:
    if pt.is_string(column.type) or pt.is_large_string(column.type):
        return column
    return column.cast(pa.large_string())


def _is_counting(values: pa.Array) -> bool:
    if not pt.is_integer(values.type):
        return False
    return bool(np.array_equal(viewed(values), np.arange(len(values))))


def _counting_codes(column: pa.Array, n_classes: int) -> npt.NDArray[np.int32]:
    numbers = viewed(column)
    codes = numbers.astype(np.int32)
    # One comparison: as unsigned numbers, negative labels are larger than any class.
    unsigned = numbers.view(f"u{numbers.itemsize}")
    if n_classes <= np.iinfo(unsigned.dtype).max:
        codes[unsigned >= n_classes] = UNKNOWN_LABEL
    elif numbers.dtype.kind == "i":
        codes[numbers < 0] = UNKNOWN_LABEL
    return codes


def _index_in(column: pa.Array, values: pa.Array) -> npt.NDArray[np.int32]:
    if column.type == values.type or pt.is_boolean(values.type):
        return _found(pc.index_in(column, value_set=values, skip_nulls=True))
    wide = column if column.type.bit_width == 64 else column.cast(pa.int64())
    same = wide.cast(values.type, safe=False)
    codes = _found(pc.index_in(same, value_set=values, skip_nulls=True))
    if wide.type != values.type:
        # As signed and as unsigned numbers, those with the highest bit set are different ones.
        codes[viewed(wide).view(np.int64) < 0] = UNKNOWN_LABEL
    return codes


def _found(places: pa.Array) -> npt.NDArray[np.int32]:
    """Return places in a value set as codes, where no place is a label that is not a class."""
    codes = viewed(places).astype(np.int32)
    if places.null_count:
        codes[null_mask(places)] = UNKNOWN_LABEL
    return codes


def _float_codes(column: pa.Array, values: pa.Array) -> npt.NDArray[np.int32]:
    stored = viewed(column).astype(np.float64)
    missing = np.isnan(stored) | null_mask(column)
    whole = np.where(missing | (np.abs(stored) > 2.0**53), 0.5, stored)
    is_whole = whole == np.floor(whole)
    codes = label_codes(numbers(np.where(is_whole, whole, 0.0).astype(np.int64)), values)
    codes[~is_whole] = UNKNOWN_LABEL
    codes[missing] = NULL_LABEL
    return codes


def _dictionary_codes(column: pa.Array, values: pa.Array) -> npt.NDArray[np.int32]:
    if not len(column.dictionary):
        return np.full(len(column), NULL_LABEL, np.int32)
    # The last entry stands for a null index.
    of_entry = np.append(label_codes_of_entries(column.dictionary, values), np.int32(NULL_LABEL))
    indices = viewed(column.indices)
    if column.indices.null_count:
        indices = np.where(null_mask(column.indices), len(column.dictionary), indices)
    codes: npt.NDArray[np.int32] = of_entry[indices]
    return codes


def label_codes_of_entries(entries: pa.Array, values: pa.Array) -> npt.NDArray[np.int32]:
    """Return the class code of each dictionary entry."""
    if not is_text(entries.type):
        return label_codes(entries, values)
    codes = _found(pc.index_in(entries.cast(values.type), value_set=values, skip_nulls=True))
    if entries.null_count:
        codes[null_mask(entries)] = NULL_LABEL
    return codes
