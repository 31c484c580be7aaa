"""Ids and labels of any type to codes, by the order of their values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.errors import InputError
from labelaudit.tables.arrays import null_mask, numbers, viewed
from labelaudit.tables.parts import common_type
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Codes = npt.NDArray[np.int32]

__all__ = [
    "NO_CODE",
    "Encoder",
    "as_text",
    "code_of_values",
    "encoded",
    "plain_values",
    "shared_type",
    "sorted_values",
    "whole_numbers",
]

NO_CODE = -1
"""The code of a null, and of a number that is none."""


@dataclass(slots=True)
class Encoder:
    """Takes a column batch by batch, keeping each different value of a batch once.

    Memory is four bytes for each row, and the different values.
    """

    dictionaries: list[pa.Array] = field(default_factory=list)
    indices: list[Codes] = field(default_factory=list)
    entries: int = 0

    def add(self, column: pa.Array) -> None:
        """Take the rows of a batch."""
        if pt.is_null(column.type):
            self.indices.append(np.full(len(column), NO_CODE, np.int32))
            return
        column = encoded(column)
        places = viewed(column.indices).astype(np.int32)
        first = self._first_entry(column.dictionary)
        missing = null_mask(column.indices) if column.indices.null_count else None
        places += np.int32(first)
        if missing is not None:
            places[missing] = NO_CODE
        self.indices.append(places)

    def _first_entry(self, dictionary: pa.Array) -> int:
        """Return where the entries of a dictionary stand among all; a repeated one is kept once."""
        if self.dictionaries and self.dictionaries[-1].equals(dictionary):
            return self.entries - len(dictionary)
        self.dictionaries.append(dictionary)
        self.entries += len(dictionary)
        return self.entries - len(dictionary)

    def finish(self, empty: pa.DataType) -> tuple[pa.Array, Codes]:
        """Return the different values, sorted, and each row's place among them (or ``NO_CODE``).

        ``empty`` is the type of the values where there is none.

        Raises
        ------
        InputError
            If values of several kinds, such as texts and numbers, stand side by side.
        """
        rows = _joined(self.indices)
        parts = [whole_numbers(plain_values(each)) for each in self.dictionaries]
        if not parts:
            return pa.array([], empty), rows
        kind = shared_type([each.type for each in parts if len(each)] or [parts[0].type])
        entries = pa.concat_arrays([each.cast(kind) for each in parts])
        values = sorted_values(entries)
        of_entry = np.append(code_of_values(entries, values), np.int32(NO_CODE))
        return _only_used(values, of_entry[rows])


def _joined(parts: Sequence[Codes]) -> Codes:
    return np.concatenate(parts) if parts else np.empty(0, np.int32)


def encoded(column: pa.Array) -> pa.Array:
    """Return a column as a dictionary array."""
    column = column.storage if isinstance(column, pa.ExtensionArray) else column
    if pt.is_dictionary(column.type) or pt.is_null(column.type):
        return column
    return pc.dictionary_encode(column)


def plain_values(entries: pa.Array) -> pa.Array:
    """Return an array without a dictionary or an extension type around its values."""
    if isinstance(entries, pa.ExtensionArray):
        entries = entries.storage
    return entries.dictionary_decode() if pt.is_dictionary(entries.type) else entries


def shared_type(kinds: Sequence[pa.DataType]) -> pa.DataType:
    """Return the type that holds values of all these types, exactly."""
    numeric = [kind for kind in kinds if pt.is_integer(kind) or pt.is_floating(kind)]
    if len(numeric) == len(kinds) and any(map(pt.is_floating, kinds)):
        return pa.float64()
    shared = common_type(kinds)
    odd = [kind for kind in kinds if _family(kind) != _family(shared)]
    if odd:
        raise InputError(
            f"Values of the types {safe(shared)} and {safe(odd[0])} stand for the same thing.",
            "Write them in one type, or convert them to text.",
        )
    return shared


def _family(kind: pa.DataType) -> str:
    if pt.is_integer(kind):
        return "integer"
    return "text" if pt.is_string(kind) or pt.is_large_string(kind) else str(kind)


def whole_numbers(values: pa.Array) -> pa.Array:
    """Return floats that are all whole as integers; NaN is null.

    Integers with nulls become floats in data frames; floats beyond 2^53 stay what they are.
    """
    if not pt.is_floating(values.type):
        return values
    stored = viewed(values.cast(pa.float64()))
    missing = np.isnan(stored) | null_mask(values)
    known = stored[~missing]
    if not (np.all(known == np.floor(known)) and np.all(np.abs(known) <= 2.0**53)):
        return pc.if_else(pa.array(missing), pa.scalar(None, values.type), values)
    whole = np.where(missing, 0.0, stored).astype(np.int64)
    return pc.if_else(pa.array(missing), pa.scalar(None, pa.int64()), numbers(whole))


def sorted_values(entries: pa.Array) -> pa.Array:
    """Return the different values in ascending order (text by code point), without nulls."""
    different = pc.unique(entries).drop_null()
    return different.take(pc.sort_indices(different))


def code_of_values(entries: pa.Array, values: pa.Array) -> Codes:
    """Return the place of each entry among the values, ``NO_CODE`` where it is none."""
    if not len(values):
        return np.full(len(entries), NO_CODE, np.int32)
    places = pc.index_in(entries, value_set=values, skip_nulls=True)
    codes = viewed(places).astype(np.int32)
    if places.null_count:
        codes[null_mask(places)] = NO_CODE
    return codes


def _only_used(values: pa.Array, codes: Codes) -> tuple[pa.Array, Codes]:
    """Drop values that occur in no row: categories that nobody used."""
    used = np.zeros(len(values) + 1, np.bool_)
    used[codes] = True
    used = used[:-1]
    if used.all():
        return values, codes
    renamed = np.append(np.cumsum(used, dtype=np.int32) - 1, np.int32(NO_CODE)).astype(np.int32)
    return values.take(numbers(np.flatnonzero(used))), renamed[codes]


def as_text(values: pa.Array) -> tuple[str, ...]:
    """Return values as the texts that name them: true and false, numbers without a fraction."""
    if pt.is_binary(values.type) or pt.is_fixed_size_binary(values.type):
        return tuple(value.hex() for value in values.to_pylist())
    return tuple(values.cast(pa.string()).to_pylist())
