"""Ids and labels to codes while they are read: each different value is kept once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.tables.arrays import flags, null_mask, viewed
from labelaudit.tables.vote_codes import (
    NO_CODE,
    code_of_values,
    encoded,
    plain_values,
    shared_type,
    sorted_values,
    whole_numbers,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    Codes = npt.NDArray[np.int32]
    Counts = npt.NDArray[np.int64]

__all__ = ["Entries"]


class Entries:
    """Numbers the different values of a column as they come, in whatever type.

    Memory is that of the different values. Values of several types that turn out to be the same
    have several numbers until ``finish``.
    """

    def __init__(self) -> None:
        self.values: dict[pa.DataType, list[pa.Array]] = {}
        self.first: dict[pa.DataType, list[Codes]] = {}
        self.kinds: dict[pa.DataType, None] = {}
        self.total = 0
        self.counts: Counts = np.zeros(0, np.int64)
        self._last: tuple[pa.Array, Codes] | None = None

    def numbered(self, column: pa.Array) -> Codes:
        """Return the number of each value of a batch; ``NO_CODE`` for nulls."""
        if pt.is_null(column.type):
            return np.full(len(column), NO_CODE, np.int32)
        column = encoded(column)
        numbered = self._numbers_of(column.dictionary)
        places = viewed(column.indices).astype(np.int64)
        if column.indices.null_count:
            places[null_mask(column.indices)] = NO_CODE
        found: Codes = np.append(numbered, np.int32(NO_CODE))[places]
        self._count(found)
        return found

    def _count(self, found: Codes) -> None:
        more = np.zeros(self.total - len(self.counts), np.int64)
        counts = np.bincount(found[found >= 0], minlength=self.total)
        self.counts = np.concatenate([self.counts, more]) + counts

    def _numbers_of(self, dictionary: pa.Array) -> Codes:
        if self._last is not None and self._last[0].equals(dictionary):
            return self._last[1]
        entries = whole_numbers(plain_values(dictionary))
        kind = entries.type
        if len(entries):
            self.kinds[kind] = None
        self._take_new(entries)
        known = pa.concat_arrays(self.values[kind])
        self.values[kind] = [known]
        first = np.concatenate(self.first[kind])
        self.first[kind] = [first]
        numbered = np.append(first, np.int32(NO_CODE))[code_of_values(entries, known)]
        self._last = (dictionary, numbered)
        return numbered

    def _take_new(self, entries: pa.Array) -> None:
        kind = entries.type
        parts = self.values.setdefault(kind, [pa.array([], kind)])
        first = self.first.setdefault(kind, [np.empty(0, np.int32)])
        new = code_of_values(entries, parts[0]) == NO_CODE
        fresh = pc.unique(entries.filter(flags(new))).drop_null()
        if len(fresh):
            parts.append(fresh)
            first.append(np.arange(self.total, self.total + len(fresh), dtype=np.int32))
            self.total += len(fresh)

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return sum(part.nbytes for parts in self.values.values() for part in parts)

    def finish(self, empty: pa.DataType) -> tuple[pa.Array, Codes]:
        """Return the values that occur, sorted, and the code of each number (and of ``NO_CODE``).

        ``empty`` is the type of the values where there is none.

        Raises
        ------
        InputError
            If values of several kinds, such as texts and numbers, stand side by side.
        """
        if not self.values:
            return pa.array([], empty), np.array([NO_CODE], np.int32)
        kind = shared_type(list(self.kinds) or list(self.values))
        entries = pa.concat_arrays([part.cast(kind) for [part] in self.values.values()])
        number = np.concatenate([part for [part] in self.first.values()])
        values = sorted_values(entries.filter(flags(self.counts[number] > 0)))
        code = np.full(self.total + 1, NO_CODE, np.int32)
        code[number] = code_of_values(entries, values)
        return values, code

    def used(self, code: Codes, n_values: int) -> Counts:
        """Return how many rows have each value, given the codes that ``finish`` returned."""
        rows = np.zeros(n_values + 1, np.int64)
        np.add.at(rows, code[:-1], self.counts)
        return rows[:-1]
