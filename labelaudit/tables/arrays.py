"""From numpy to Arrow and back by way of their buffers.

``pyarrow.array``, ``pyarrow.scalar`` and ``Array.to_numpy`` import pandas to see whether they deal
with one of its objects, which costs a short run a third of its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["bits", "flags", "null_mask", "numbers", "strings", "viewed"]


def numbers(values: npt.NDArray[np.number]) -> pa.Array:
    """Return integers or floats as an Arrow array without nulls; contiguous ones uncopied."""
    values = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def flags(values: npt.NDArray[np.bool_]) -> pa.Array:
    """Return booleans as an Arrow array without nulls."""
    bits = np.packbits(values, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])


def strings(values: Sequence[str]) -> pa.Array:
    """Return strings as a ``large_string`` array without nulls."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([len(value) for value in encoded], dtype=np.int64)
    offsets = np.concatenate((np.zeros(1, np.int64), ends))
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers)


def viewed(column: pa.Array) -> npt.NDArray[np.number]:
    """Return the stored integers or floats without a copy; in null rows stands anything."""
    dtype = _DTYPES[str(column.type)]
    data = column.buffers()[1]
    if data is None or not len(column):
        return np.zeros(len(column), dtype)
    return np.frombuffer(data, dtype, len(column), column.offset * np.dtype(dtype).itemsize)


def bits(buffer: pa.Buffer | None, offset: int, length: int) -> npt.NDArray[np.bool_]:
    """Return a bitmap as booleans; a missing one is all true."""
    if buffer is None:
        return np.ones(length, np.bool_)
    stored = np.frombuffer(buffer, np.uint8)[offset // 8 : (offset + length + 7) // 8]
    first = offset % 8
    return np.unpackbits(stored, bitorder="little")[first : first + length].view(np.bool_)


def null_mask(column: pa.Array) -> npt.NDArray[np.bool_]:
    """Return which rows are null."""
    if pa.types.is_null(column.type):
        return np.ones(len(column), np.bool_)
    missing: npt.NDArray[np.bool_] = ~bits(column.buffers()[0], column.offset, len(column))
    return missing


_DTYPES = {
    str(pa.from_numpy_dtype(dtype)): np.dtype(dtype)
    for dtype in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
}
