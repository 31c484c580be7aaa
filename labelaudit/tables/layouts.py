"""How a model's probabilities lie in columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ProbColumns",
    "decoded_type",
    "list_layout",
    "plain",
    "plain_type",
    "struct_layout",
    "wide_layout",
    "widest",
]


@dataclass(frozen=True, slots=True)
class ProbColumns:
    """The column or columns with one model's probabilities.

    Attributes
    ----------
    name : str
        The column, or the glob of wide columns.
    layout : str
        ``list``, ``fixed-size list``, ``tensor``, ``struct``, ``map`` or ``wide columns``.
    columns : tuple of str
        What to read from the table.
    names : tuple of str or None
        Fields of a struct, or what tells wide columns apart; None where entries have no names.
    width : int or None
        Entries in each row, where the type says so.
    value_type : pyarrow.DataType
        Type of one entry.
    """

    name: str
    layout: str
    columns: tuple[str, ...]
    names: tuple[str, ...] | None
    width: int | None
    value_type: pa.DataType

    @property
    def float_type(self) -> str:
        """Name of the type in which they were written: ``float16``, ``float32`` or ``float64``."""
        if pt.is_float16(self.value_type):
            return "float16"
        return "float32" if pt.is_float32(self.value_type) else "float64"

    @property
    def shown(self) -> str:
        """The name, fit to be shown."""
        return safe(self.name)


def decoded_type(models: Sequence[ProbColumns]) -> np.dtype[np.floating]:
    """Return the type of decoded probabilities: float32 only if every model's fits."""
    exact = all(model.float_type != "float64" for model in models)
    return np.dtype(np.float32 if exact else np.float64)


def plain(column: pa.Array) -> pa.Array:
    """Return the storage of an extension array, any other array as it is."""
    return column.storage if isinstance(column, pa.ExtensionArray) else column


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values, without a dictionary or an extension around them."""
    while True:
        if pt.is_dictionary(kind):
            kind = kind.value_type
        elif isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        else:
            return kind


def _is_number(kind: pa.DataType) -> bool:
    return bool(pt.is_floating(kind) or pt.is_integer(kind) or pt.is_decimal(kind))


def list_layout(field: pa.Field) -> ProbColumns | None:
    """Return the layout of a list, fixed-size list or tensor column of numbers, else None."""
    kind = plain_type(field.type)
    if not (pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind)):
        return None
    if not _is_number(kind.value_type):
        return None
    layout, width = "list", None
    if pt.is_fixed_size_list(kind):
        layout, width = "fixed-size list", kind.list_size
    if isinstance(field.type, pa.BaseExtensionType):
        layout = "tensor"
    return ProbColumns(field.name, layout, (field.name,), None, width, kind.value_type)


def struct_layout(field: pa.Field) -> ProbColumns | None:
    """Return the layout of a struct or map from class to number, else None."""
    kind = plain_type(field.type)
    if pt.is_map(kind):
        if _is_number(kind.item_type):
            return ProbColumns(field.name, "map", (field.name,), None, None, kind.item_type)
        return None
    if not pt.is_struct(kind) or not kind.num_fields:
        return None
    fields = [kind.field(i) for i in range(kind.num_fields)]
    names = tuple(each.name for each in fields)
    if len(set(names)) < len(names) or not all(_is_number(each.type) for each in fields):
        return None
    value = widest([each.type for each in fields])
    return ProbColumns(field.name, "struct", (field.name,), names, len(names), value)


def wide_layout(name: str, fields: list[pa.Field], suffixes: list[str]) -> ProbColumns | None:
    """Return the layout of one column per class, columns numbered 0..K-1 put in that order."""
    if len(fields) < 2 or not all(_is_number(plain_type(each.type)) for each in fields):
        return None
    order = list(range(len(fields)))
    numbered = all(suffix.isdecimal() and suffix.isascii() for suffix in suffixes)
    if numbered:
        order.sort(key=lambda i: int(suffixes[i]))
    columns = tuple(fields[i].name for i in order)
    names = tuple(str(int(suffixes[i])) if numbered else suffixes[i] for i in order)
    value = widest([plain_type(each.type) for each in fields])
    return ProbColumns(name, "wide columns", columns, names, len(fields), value)


def widest(kinds: list[pa.DataType]) -> pa.DataType:
    """Return the float type that holds all of these numbers."""
    if all(pt.is_float16(kind) for kind in kinds):
        return pa.float16()
    if all(pt.is_float16(kind) or pt.is_float32(kind) for kind in kinds):
        return pa.float32()
    return pa.float64()
