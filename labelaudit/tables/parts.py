"""Parts of one table must agree on the columns that are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.types as pt

from labelaudit.errors import InputError
from labelaudit.tables.boundary import reading
from labelaudit.tables.roles import listed
from labelaudit.tables.scanning import is_text
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelaudit.tables.table import InputTable

__all__ = ["check_names", "check_parts", "common_type", "compatible"]


def check_names(table: InputTable) -> None:
    """Raise ``InputError`` if two columns have one name."""
    with reading(f"{table.name}, column names"):
        names = table.schema.names
        for kind in table.schema.types:
            str(kind).encode()
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise InputError(
            f"{table.name} has several columns named {listed(repeated)}.",
            "Give each column a name of its own.",
        )


def check_parts(tables: Sequence[InputTable], columns: Sequence[str]) -> None:
    """Raise ``InputError`` naming the first table whose columns differ from the first table's."""
    first = tables[0]
    for table in tables[1:]:
        for column in columns:
            _check_column(first, table, column)


def _check_column(first: InputTable, table: InputTable, column: str) -> None:
    if column not in table.schema.names:
        raise InputError(
            f"{table.name} has no column {safe(column)}, unlike {first.name}.",
            "Leave that file out, or write it again with the column.",
        )
    here, there = table.schema.field(column).type, first.schema.field(column).type
    if here != there and not compatible(here, there):
        raise InputError(
            f"Column {safe(column)} is {safe(here)} in {table.name}, but {safe(there)} in "
            f"{first.name}.",
            "Write the files again with one type.",
        )


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pt.is_dictionary(kind) else kind


def compatible(here: pa.DataType, there: pa.DataType) -> bool:
    """Say whether two types hold the same kind of values: widths and dictionaries may differ."""
    here, there = _value_type(here), _value_type(there)
    if here == there or pt.is_null(here) or pt.is_null(there):
        return True
    if _is_list(here) and _is_list(there):
        both_fixed = pt.is_fixed_size_list(here) and pt.is_fixed_size_list(there)
        same_width = not both_fixed or here.list_size == there.list_size
        return same_width and compatible(here.value_type, there.value_type)
    same_kind = (is_text, pt.is_integer, pt.is_floating)
    return any(is_kind(here) and is_kind(there) for is_kind in same_kind)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind))


def common_type(kinds: Sequence[pa.DataType]) -> pa.DataType:
    """Return the type in which values of all these compatible types are given back."""
    different = list(dict.fromkeys(kind for kind in kinds if not pt.is_null(kind)))
    if len(different) <= 1:
        return different[0] if different else pa.null()
    values = list(dict.fromkeys(map(_value_type, different)))
    if len(values) == 1:
        return values[0]
    if all(map(is_text, values)):
        return pa.large_string()
    if all(map(pt.is_integer, values)):
        return pa.uint64() if all(map(pt.is_unsigned_integer, values)) else pa.int64()
    return pa.float64() if all(map(pt.is_floating, values)) else values[0]
