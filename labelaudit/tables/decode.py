"""Arrow columns to arrays: labels to class codes, probabilities to one matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.blocks import NULL_LABEL, NULL_PROBS, RAGGED_PROBS, UNKNOWN_LABEL, LabelBlock
from labelaudit.tables.arrays import null_mask, numbers, strings, viewed
from labelaudit.tables.scanning import is_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.tables.layouts import ProbColumns

__all__ = ["Decoder", "label_codes", "label_codes_of_entries", "plain", "prob_matrix"]

_BLOCK_BYTES = 1 << 20
_BLOCKS_A_BATCH = 4


@dataclass(frozen=True, slots=True)
class Decoder:
    """Turns record batches of one source into blocks.

    Attributes
    ----------
    labels : str
        Column with the labels.
    values : pyarrow.Array
        (K,) value of each class, in the labels' plain type.
    probs : tuple of ProbColumns
    names : tuple of str
        Class names, by which structs and maps are read.
    """

    labels: str
    values: pa.Array
    probs: tuple[ProbColumns, ...]
    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """What to read, each column once."""
        columns = (self.labels, *(column for model in self.probs for column in model.columns))
        return tuple(dict.fromkeys(columns))

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """Type of the decoded probabilities: float32 only if every model's fits."""
        exact = all(model.float_type != "float64" for model in self.probs)
        return np.dtype(np.float32 if exact else np.float64)

    @property
    def row_bytes(self) -> int:
        """Bytes of one decoded row."""
        return 4 + len(self.probs) * len(self.names) * self.dtype.itemsize

    @property
    def block_rows(self) -> int:
        """Rows of a full block: about 1 MB of each model's probabilities."""
        rows = _BLOCK_BYTES // max(len(self.names) * self.dtype.itemsize, 1)
        return min(max(rows, 256), 65_536)

    @property
    def batch_rows(self) -> int:
        """Rows to read at a time."""
        return self.block_rows * _BLOCKS_A_BATCH

    def blocks(self, batch: pa.RecordBatch, first_row: int) -> Iterator[LabelBlock]:
        """Cut a batch into blocks; their arrays cannot be written to."""
        for start in range(0, batch.num_rows, self.block_rows):
            yield self._block(batch.slice(start, self.block_rows), first_row + start)

    def _block(self, batch: pa.RecordBatch, first_row: int) -> LabelBlock:
        labels = label_codes(batch.column(self.labels), self.values)
        members = []
        for model in self.probs:
            probs, reasons = prob_matrix(batch, model, self.names, self.dtype)
            if reasons is not None:
                labels = np.where((reasons < 0) & (labels >= 0), reasons, labels)
            probs.setflags(write=False)
            members.append(probs)
        labels.setflags(write=False)
        return LabelBlock(first_row, labels, tuple(members))


def plain(column: pa.Array) -> pa.Array:
    """Return the storage of an extension array, any other array as it is."""
    return column.storage if isinstance(column, pa.ExtensionArray) else column


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
    if column.type != values.type:
        # Every integer type fits one of these two; the classes are known in int64.
        column = column.cast(values.type, safe=not pt.is_uint64(column.type))
    return _found(pc.index_in(column, value_set=values, skip_nulls=True))


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
    probs = np.empty((len(columns[0]), len(columns)), dtype)
    for k, column in enumerate(columns):
        probs[:, k] = _numbers(column, dtype)
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
    n = len(column)
    if pt.is_fixed_size_list(column.type):
        width = column.type.list_size
        bounds = (np.arange(n + 1, dtype=np.int64) + column.offset) * width
    else:
        bounds = viewed(column.offsets).astype(np.int64, copy=False)
    null = null_mask(column) if column.null_count else None
    values = column.values.slice(bounds[0], bounds[-1] - bounds[0])
    starts, lengths = bounds[:-1] - bounds[0], np.diff(bounds)
    ragged = lengths != n_classes
    if null is None and not ragged.any():
        probs = _numbers(values, dtype).reshape(n, n_classes)
        return (probs, None) if not values.null_count else _null_entries(probs, values)
    return _from_uneven(values, starts, ragged, null, n_classes, dtype)


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
