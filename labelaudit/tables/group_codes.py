"""Groups of rows as codes, read along: what is held does not grow with the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

__all__ = ["CodedGroups"]


class CodedGroups:
    """Gives the values of a column codes, in the order in which they come for the first time.

    Parameters
    ----------
    column : iterable of pyarrow.Array
        The column, some rows at a time.

    Attributes
    ----------
    values : pyarrow.Array
        What the codes that were given so far stand for; null is a value like others.
    """

    def __init__(self, column: Iterable[pa.Array]) -> None:
        self.values: pa.Array = pa.nulls(0)
        self._column = iter(column)
        self._left: npt.NDArray[np.int32] = np.empty(0, np.int32)

    def next_rows(self, rows: int) -> npt.NDArray[np.int32]:
        """Return the codes of the next rows."""
        parts, held = [self._left], len(self._left)
        while held < rows:
            parts.append(self._coded(next(self._column)))
            held += len(parts[-1])
        whole = np.concatenate(parts)
        self._left = whole[rows:].copy()
        return whole[:rows]

    def _coded(self, values: pa.Array) -> npt.NDArray[np.int32]:
        if pt.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        if not len(self.values):
            self.values = pa.array([], values.type)
        encoded = values.dictionary_encode(null_encoding="encode")
        names = encoded.dictionary
        new = names.filter(pc.invert(pc.is_in(names, value_set=self.values)))
        self.values = pa.concat_arrays([self.values, new])
        places = pc.index_in(names, value_set=self.values).to_numpy(zero_copy_only=False)
        codes: npt.NDArray[np.int32] = places.astype(np.int32)[encoded.indices.to_numpy()]
        return codes
