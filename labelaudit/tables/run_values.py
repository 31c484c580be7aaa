"""Results to what JSON can hold, with tables and arrays apart; and back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.tables.filed_table import FiledTable
from labelaudit.tables.spilled_issues import SpilledTable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Stored", "decoded", "encoded"]


@dataclass(slots=True)
class Stored:
    """Tables by the names of their files; arrays of one owner and one length share one."""

    tables: dict[str, pa.Table] = field(default_factory=dict)

    def table(self, path: str, table: pa.Table) -> dict[str, str]:
        """Keep a table, and return what stands for it."""
        name = f"{path or 'table'}.arrow"
        self.tables[name] = table
        return {"$table": name}

    def array(self, owner: str, name: str, array: np.ndarray) -> dict[str, Any]:
        """Keep an array, and return what stands for it."""
        column: pa.Array = pa.array(np.ascontiguousarray(array).reshape(-1))
        if array.ndim > 1:
            column = pa.FixedSizeListArray.from_arrays(column, int(np.prod(array.shape[1:])))
        file = f"{owner or 'array'}-{len(array)}.arrow"
        table = self.tables.get(file)
        self.tables[file] = (
            pa.table({name: column}) if table is None else table.append_column(name, column)
        )
        return {"$array": name, "of": file, "shape": list(array.shape)}


def encoded(value: Any, path: str, stored: Stored, owner: str = "") -> Any:
    """Return the value as JSON can hold it.

    Parameters
    ----------
    value : object
        A dataclass, or what is in one: numbers, text, None, tuples, mappings, arrays, tables.
    path : str
        Names of the fields that lead to it, joined with dots.
    stored : Stored
        Takes tables and arrays.
    owner : str
        Path of the dataclass it is a field of.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, pa.Table | SpilledTable | FiledTable):
        return stored.table(path, value)
    if isinstance(value, np.ndarray):
        return stored.array(owner, path.rpartition(".")[2], value)
    return _fields(value, path, stored) if is_dataclass(value) else _parts(value, path, stored)


def _parts(value: Any, path: str, stored: Stored) -> Any:
    if isinstance(value, tuple | list):
        return [encoded(each, f"{path}.{i}", stored) for i, each in enumerate(value)]
    return {"$map": [[key, encoded(each, f"{path}.{key}", stored)] for key, each in value.items()]}


def _fields(value: Any, path: str, stored: Stored) -> dict[str, Any]:
    saved = {}
    for each in fields(value):
        inner = f"{path}.{each.name}" if path else each.name
        saved[each.name] = encoded(getattr(value, each.name), inner, stored, path)
    return {"$type": type(value).__name__, "fields": saved}


def decoded(value: Any, tables: Mapping[str, pa.Table], types: Mapping[str, type]) -> Any:
    """Return what was encoded; lists become tuples.

    Raises
    ------
    KeyError, TypeError, ValueError
        If a type is not among ``types``, a table or a field is missing, or a value is none of
        those that are written.
    """
    if isinstance(value, list):
        return tuple(decoded(each, tables, types) for each in value)
    if not isinstance(value, dict):
        return value
    if "$type" in value:
        inner = value["fields"].items()
        return types[value["$type"]](**{key: decoded(v, tables, types) for key, v in inner})
    if "$map" in value:
        return {key: decoded(each, tables, types) for key, each in value["$map"]}
    return _apart(value, tables)


def _apart(value: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> Any:
    if "$table" in value:
        return tables[value["$table"]]
    if "$array" in value:
        return _array(tables[value["of"]][value["$array"]], value["shape"])
    return float(value["$float"])


def _array(column: pa.ChunkedArray, shape: list[int]) -> np.ndarray:
    whole = column.combine_chunks()
    flat = whole.flatten() if pa.types.is_fixed_size_list(whole.type) else whole
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(shape)
