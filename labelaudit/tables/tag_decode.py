"""Record batches of multi-label tables to blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from labelaudit.blocks import NULL_LABEL, NULL_PROBS, TAG_STATUSES, TagBlock
from labelaudit.tables.arrays import null_mask, viewed
from labelaudit.tables.labels import label_codes
from labelaudit.tables.layouts import ProbColumns, decoded_type, plain
from labelaudit.tables.probabilities import prob_matrix
from labelaudit.tables.tag_layouts import TOP_K

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.tables.tag_layouts import TagColumns

__all__ = ["TagDecoder"]

_BLOCK_CELLS = 1 << 18
_LEAST_ROWS = 64
_BLOCKS_A_BATCH = 4
_STATUS = {name: np.uint8(i) for i, name in enumerate(TAG_STATUSES)}


@dataclass(frozen=True, slots=True)
class TagDecoder:
    """Turns record batches of one multi-label source into blocks.

    Attributes
    ----------
    tags : TagColumns
    values : pyarrow.Array
        (K,) value of each class, in the labels' plain type.
    probs : tuple of ProbColumns
    id_values : pyarrow.Array
        (K,) what stands for each class in lists of the most probable classes.
    names : tuple of str
        Class names, by which structs and maps are read.
    """

    tags: TagColumns
    values: pa.Array
    probs: tuple[ProbColumns, ...]
    id_values: pa.Array
    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """What to read, each column once."""
        columns = (*self.tags.columns, *(name for model in self.probs for name in model.columns))
        return tuple(dict.fromkeys(columns))

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """Type of the decoded probabilities: float32 only if every model's fits."""
        return decoded_type(self.probs)

    @property
    def row_bytes(self) -> int:
        """Bytes of one decoded row."""
        return len(self.names) * (1 + self.dtype.itemsize)

    @property
    def block_rows(self) -> int:
        """Rows of a full block: about 1 MB of probabilities."""
        return min(max(_BLOCK_CELLS // max(len(self.names), 1), _LEAST_ROWS), 65_536)

    @property
    def batch_rows(self) -> int:
        """Rows to read at a time."""
        return self.block_rows * _BLOCKS_A_BATCH

    def blocks(self, batch: pa.RecordBatch, first_row: int) -> Iterator[TagBlock]:
        """Decode a batch block by block; the arrays of blocks cannot be written to."""
        for start in range(0, batch.num_rows, self.block_rows):
            yield self._block(batch.slice(start, self.block_rows), first_row + start)

    def _block(self, batch: pa.RecordBatch, start: int) -> TagBlock:
        given, status = self._given(batch)
        probs, wrong = self._probs(batch)
        status = np.where(status > 0, status, wrong)
        if status.any():
            bad = status > 0
            given = np.where(bad[:, None], np.int8(-1), given)
            probs = np.where(bad[:, None], probs.dtype.type(0.0), probs)
        given, probs = np.ascontiguousarray(given), np.ascontiguousarray(probs)
        for array in (given, probs):
            array.setflags(write=False)
        return TagBlock(start, given, probs, status=status if status.any() else None)

    def _given(self, batch: pa.RecordBatch) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.uint8]]:
        if self.tags.layout == "list":
            return _from_lists(plain(batch.column(self.tags.columns[0])), self.values)
        if self.tags.layout == "tensor":
            return _from_tensor(plain(batch.column(self.tags.columns[0])))
        columns = [plain(batch.column(name)) for name in self.tags.columns]
        return _from_flags(columns, batch.num_rows)

    def _probs(
        self, batch: pa.RecordBatch
    ) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.uint8]]:
        if self.probs[0].layout == TOP_K:
            ids, scores = (plain(batch.column(name)) for name in self.probs[0].columns)
            return _from_top_k(ids, scores, self.id_values, self.dtype)
        found = [_checked(*prob_matrix(batch, each, self.names, self.dtype)) for each in self.probs]
        if len(found) == 1:
            return found[0]
        status = found[0][1]
        for _, more in found[1:]:
            status = np.where(status > 0, status, more)
        mean = np.mean([probs for probs, _ in found], axis=0, dtype=np.float64)
        return mean.astype(self.dtype), status


def _flattened(column: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the entries of all lists, how many each row has, and which rows are null."""
    if pt.is_dictionary(column.type):
        column = plain(column.dictionary_decode())
    null = null_mask(column)
    if pt.is_fixed_size_list(column.type):
        width = column.type.list_size
        lengths = np.where(null, 0, width).astype(np.int64)
        return column.flatten(), lengths, null
    # Entries may lie under a null row; flattening leaves them out.
    bounds = viewed(column.offsets).astype(np.int64)
    return column.flatten(), np.where(null, 0, np.diff(bounds)), null


def _from_lists(
    column: pa.Array, values: pa.Array
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.uint8]]:
    """Read lists of classes: a null list is not annotated, an empty one has none of them."""
    n, n_classes = len(column), len(values)
    status = np.zeros(n, np.uint8)
    given = np.zeros((n, n_classes), np.int8)
    if pt.is_null(column.type):
        given[:] = -1
        return given, status
    entries, lengths, null = _flattened(column)
    rows = np.repeat(np.arange(n), lengths)
    codes = label_codes(entries, values).astype(np.int64)
    known = codes >= 0
    status[rows[~known]] = _STATUS["unknown_tag"]
    status[_repeated(rows[known], codes[known], n_classes)] = _STATUS["repeated_tag"]
    status[rows[codes == NULL_LABEL]] = _STATUS["null_tag"]
    given[rows[known], codes[known]] = 1
    given[null] = -1
    return given, status


def _repeated(
    rows: npt.NDArray[np.int64], codes: npt.NDArray[np.int64], n_classes: int
) -> npt.NDArray[np.int64]:
    """Return the rows that name a class more than once."""
    cells = np.sort(rows * n_classes + codes)
    twice: npt.NDArray[np.int64] = cells[1:][cells[1:] == cells[:-1]] // n_classes
    return twice


def _from_flags(
    columns: list[pa.Array], n: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.uint8]]:
    """Read columns of 0 and 1, where null is not annotated."""
    by_class = np.empty((len(columns), n), np.int8)
    status = np.zeros(n, np.uint8)
    for k, column in enumerate(columns):
        numbers, missing = _flag_numbers(column)
        by_class[k] = np.where(missing, -1, numbers == 1)
        status[~missing & (numbers != 0) & (numbers != 1)] = _STATUS["not_zero_or_one"]
    return np.ascontiguousarray(by_class.T), status


def _from_tensor(column: pa.Array) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.uint8]]:
    """Read rows of 0 and 1, where null and NaN are not annotated."""
    n, width = len(column), column.type.list_size
    numbers, missing = _flag_numbers(column.values.slice(column.offset * width, n * width))
    odd = ~missing & (numbers != 0) & (numbers != 1)
    status = np.where(odd.reshape(n, width).any(axis=1), _STATUS["not_zero_or_one"], np.uint8(0))
    given = np.where(missing, -1, numbers == 1).astype(np.int8).reshape(n, width)
    given[null_mask(column)] = -1
    return given, status.astype(np.uint8)


def _flag_numbers(column: pa.Array) -> tuple[npt.NDArray[np.number], npt.NDArray[np.bool_]]:
    if pt.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pt.is_null(column.type):
        return np.zeros(len(column)), np.ones(len(column), np.bool_)
    missing = null_mask(column)
    if pt.is_boolean(column.type):
        column = column.cast(pa.uint8())
    numbers = viewed(column)
    return numbers, missing | np.isnan(numbers) if numbers.dtype.kind == "f" else missing


def _checked(
    probs: npt.NDArray[np.floating], reasons: npt.NDArray[np.int32] | None
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.uint8]]:
    """Judge each row's probabilities."""
    status = np.zeros(len(probs), np.uint8)
    if reasons is not None:
        named = np.where(
            reasons == NULL_PROBS, _STATUS["null_probabilities"], _STATUS["ragged_probabilities"]
        )
        status = np.where(reasons < 0, named, status).astype(np.uint8)
    if probs.size and not (probs.min() >= 0.0 and probs.max() <= 1.0):
        status = np.where(status > 0, status, _value_statuses(probs))
    return probs, status


def _value_statuses(probs: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    tests = (
        ("above_one", probs > 1.0),
        ("negative", probs < 0.0),
        ("infinite", np.isinf(probs)),
        ("nan", np.isnan(probs)),
    )
    status = np.zeros(len(probs), np.uint8)
    for name, cells in tests:
        status[cells.any(axis=1)] = _STATUS[name]
    return status


def _from_top_k(
    ids: pa.Array, scores: pa.Array, id_values: pa.Array, dtype: np.dtype[np.floating]
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.uint8]]:
    """Read the most probable classes of each row; NaN for the others, whose rows do not say."""
    n, n_classes = len(ids), len(id_values)
    probs = np.full((n, n_classes), np.nan, dtype)
    entries, lengths, null = _flattened(ids)
    numbers, widths, null_scores = _flattened(scores)
    status = np.zeros(n, np.uint8)
    status[lengths != widths] = _STATUS["ragged_probabilities"]
    status[null | null_scores] = _STATUS["null_probabilities"]
    rows = np.repeat(np.arange(n), lengths)
    even = status[rows] == 0
    rows, codes = rows[even], label_codes(entries, id_values).astype(np.int64)[even]
    of_scores = status[np.repeat(np.arange(n), widths)] == 0
    found = viewed(numbers).astype(dtype)[of_scores]
    known = codes >= 0
    status[rows[~known]] = _STATUS["unknown_prediction"]
    status[_repeated(rows[known], codes[known], n_classes)] = _STATUS["repeated_prediction"]
    _mark_values(status, rows, found, null_mask(numbers)[of_scores])
    probs[rows[known], codes[known]] = found[known]
    return probs, status


def _mark_values(
    status: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int64],
    found: npt.NDArray[np.floating],
    missing: npt.NDArray[np.bool_],
) -> None:
    status[rows[found > 1.0]] = _STATUS["above_one"]
    status[rows[found < 0.0]] = _STATUS["negative"]
    status[rows[np.isinf(found)]] = _STATUS["infinite"]
    status[rows[np.isnan(found)]] = _STATUS["nan"]
    status[rows[missing]] = _STATUS["null_probabilities"]
