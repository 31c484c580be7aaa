"""Keys name rows: none may be missing or there twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.findings import Problem
from labelaudit.tables.arrays import null_mask, viewed
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

__all__ = ["key_problem"]

_SHOWN_ROWS = 5
# A key as text, its code, and its place among the different ones.
_ROW_BYTES = 64


def key_problem(
    column: Callable[[], Iterator[pa.Array]],
    name: str,
    rows: int = 0,
    memory: int | None = None,
) -> Problem | None:
    """Return what is wrong with the keys, None if each row has one of its own.

    Parameters
    ----------
    column : callable
        Reads the key column, in row order. Keys that only ever increase are compared on the way;
        others are read once more.
    name : str
        The column.
    rows : int
        How many there are.
    memory : int or None
        Bytes to take, about: more keys than fit are compared on disk. None: no limit.
    """
    if _ascends(map(_comparable, column())):
        return None
    if memory is not None and rows * _ROW_BYTES > memory:
        from labelaudit.tables.many_keys import missing_and_repeated

        lost, again = missing_and_repeated(lambda: map(_comparable, column()), memory)
        first = np.concatenate((lost.first, again.first))
        return _problem(name, lost.count, again.count, first) if len(first) else None
    keys = [_comparable(batch) for batch in column()]
    null = np.concatenate([null_mask(batch) for batch in keys])
    missing = np.flatnonzero(null)
    repeats = _repeats(pa.chunked_array(keys), np.flatnonzero(~null))
    found = np.concatenate((missing, repeats))
    return _problem(name, len(missing), len(repeats), found) if len(found) else None


def _comparable(keys: pa.Array) -> pa.Array:
    if isinstance(keys, pa.ExtensionArray):
        keys = keys.storage
    if pt.is_dictionary(keys.type):
        keys = keys.dictionary_decode()
    if pt.is_string(keys.type) or pt.is_string_view(keys.type):
        return keys.cast(pa.large_string())
    if pt.is_binary(keys.type) or pt.is_binary_view(keys.type):
        return keys.cast(pa.large_binary())
    return keys


def _ascends(batches: Iterator[pa.Array]) -> bool:
    last = None
    for keys in batches:
        if not len(keys):
            continue
        if keys.null_count or pt.is_nested(keys.type) or pt.is_null(keys.type):
            return False
        if last is not None and not pc.less(last, keys[0]).as_py():
            return False
        if not pc.all(pc.less(keys[:-1], keys[1:]), min_count=0).as_py():
            return False
        last = keys[-1]
    return True


def _repeats(column: pa.ChunkedArray, valid: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the rows whose key an earlier row has; ``valid`` are those with a key."""
    keys = column.drop_null().combine_chunks()
    if pt.is_integer(keys.type):
        order = np.argsort(viewed(keys), kind="stable")
        same = np.diff(viewed(keys)[order]) == 0
        return np.sort(valid[order[1:][same]])
    codes = viewed(pc.dictionary_encode(keys).indices)
    first = np.full(int(codes.max(initial=-1)) + 1, -1, np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    again: npt.NDArray[np.int64] = valid[first[codes] != np.arange(len(codes))]
    return again


def _problem(name: str, missing: int, repeats: int, rows: npt.NDArray[np.int64]) -> Problem:
    said = []
    if missing:
        said.append(f"is null in {missing:,} row{'s' * (missing > 1)}")
    if repeats:
        said.append(f"repeats an earlier key in {repeats:,} row{'s' * (repeats > 1)}")
    return Problem(
        kind="null_key" if missing else "duplicate_key",
        sentence=f"The key column {safe(name)} {' and '.join(said)}.",
        count=missing + repeats,
        rows=tuple(np.sort(rows)[:_SHOWN_ROWS].tolist()),
        remedy="Give each row a key of its own, or name another column with --key.",
    )
