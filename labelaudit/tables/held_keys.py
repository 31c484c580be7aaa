"""Integer keys kept while they are checked, so that the column is decoded once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.types as pt

from labelaudit.tables.arrays import numbers, viewed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    import pyarrow as pa

__all__ = ["HeldKeys"]


class HeldKeys:
    """The keys of all rows, if they are integers: four bytes each where that is enough.

    Parameters
    ----------
    rows : int
        Rows in the whole input.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.dtype: np.dtype[np.integer] | None = None
        self._values: npt.NDArray[np.integer] = np.empty(0, np.int32)
        self._filled = 0

    def tapped(self, batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        """Keep the keys of batches, in row order from the first, while they are used."""
        self._filled = 0
        for batch in batches:
            if pt.is_integer(batch.type) and not batch.null_count:
                self._put(viewed(batch))
            yield batch

    def _put(self, keys: npt.NDArray[Any]) -> None:
        if self._filled == 0:
            self.dtype = keys.dtype
            narrow = np.dtype(np.int32) if keys.itemsize > 4 else keys.dtype
            self._values = np.empty(self.rows, narrow)
        bounds = np.iinfo(self._values.dtype)
        if len(keys) and not bounds.min <= keys.min() <= keys.max() <= bounds.max:
            self._values = self._values.astype(keys.dtype)
        end = self._filled + len(keys)
        self._values[self._filled : end] = keys
        self._filled = end

    @property
    def complete(self) -> bool:
        """True if the keys of all rows are here."""
        return self.dtype is not None and self._filled == self.rows

    def take(self, rows: npt.NDArray[np.int64]) -> pa.Array:
        """Return the keys of some rows, of the column's type."""
        return numbers(self._values[rows].astype(self.dtype))
