"""How tags lie in columns: a list of names in each row, or a column of 0, 1 and null per class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.types as pt

from labelaudit.tables.classes import arranged
from labelaudit.tables.layouts import ProbColumns, plain_type
from labelaudit.tables.scanning import is_text
from labelaudit.wording import safe

if TYPE_CHECKING:
    from labelaudit.tables.classes import Classes

__all__ = [
    "TOP_K",
    "TagColumns",
    "is_list",
    "tag_list",
    "tag_pattern",
    "tag_prefix",
    "top_k_layout",
]

TOP_K = "top-k lists"


@dataclass(frozen=True, slots=True)
class TagColumns:
    """The column or columns with the given tags.

    Attributes
    ----------
    name : str
        The column, or the glob of wide columns.
    layout : str
        ``list``, ``wide columns``, or ``tensor`` of 0, 1 and null.
    columns : tuple of str
        What to read from the table.
    names : tuple of str or None
        What tells wide columns apart; None for a list.
    value_type : pyarrow.DataType
        Type of one tag, or of one 0, 1 or null.
    """

    name: str
    layout: str
    columns: tuple[str, ...]
    names: tuple[str, ...] | None
    value_type: pa.DataType

    @property
    def shown(self) -> str:
        """The name, fit to be shown."""
        return safe(self.name)

    def like_probs(self) -> ProbColumns:
        """Return the columns as if they held probabilities, to be put in the order of classes."""
        columns = self.columns
        return ProbColumns(self.name, "wide columns", columns, self.names, len(columns), pa.int8())

    def arranged(self, classes: Classes) -> TagColumns:
        """Return the columns in the order of the classes."""
        if self.layout != "wide columns":
            return self
        return replace(self, columns=arranged(self.like_probs(), classes).columns)


def is_list(kind: pa.DataType) -> bool:
    """Say whether values of this type are lists."""
    kind = plain_type(kind)
    return bool(pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind))


def tag_list(field: pa.Field) -> TagColumns:
    """Return the layout of a list column; a tensor is one number for each class."""
    value = plain_type(field.type).value_type
    layout = "tensor" if isinstance(field.type, pa.BaseExtensionType) else "list"
    return TagColumns(field.name, layout, (field.name,), None, value)


def tag_pattern(schema: pa.Schema, pattern: str) -> TagColumns | None:
    """Return the layout of the columns that a glob matches; None if they cannot be tags."""
    fields = [column for column in schema if fnmatchcase(column.name, pattern)]
    start = next((i for i, c in enumerate(pattern) if c in "*?["), 0)
    end = len(pattern) - 1 - max(pattern.rfind("*"), pattern.rfind("?"), pattern.rfind("]"))
    return _wide(
        pattern, fields, [column.name[start : len(column.name) - end] for column in fields]
    )


def tag_prefix(schema: pa.Schema, prefix: str) -> TagColumns | None:
    """Return the layout of the columns with a prefix; None if they cannot be tags."""
    fields = [column for column in schema if column.name.casefold().startswith(prefix)]
    return _wide(f"{prefix}*", fields, [column.name[len(prefix) :] for column in fields])


def _wide(name: str, fields: list[pa.Field], suffixes: list[str]) -> TagColumns | None:
    if len(fields) < 2 or not all(_can_be_flag(column.type) for column in fields):
        return None
    order = list(range(len(fields)))
    numbered = all(suffix.isdecimal() and suffix.isascii() for suffix in suffixes)
    if numbered:
        order.sort(key=lambda i: int(suffixes[i]))
    names = tuple(str(int(suffixes[i])) if numbered else suffixes[i] for i in order)
    columns = tuple(fields[i].name for i in order)
    return TagColumns(name, "wide columns", columns, names, plain_type(fields[0].type))


def _can_be_flag(kind: pa.DataType) -> bool:
    """Say whether values of this type can be 0, 1 and null."""
    kind = plain_type(kind)
    number = pt.is_integer(kind) or pt.is_floating(kind)
    return bool(number or pt.is_boolean(kind) or pt.is_null(kind))


def top_k_layout(ids: pa.Field, scores: pa.Field) -> ProbColumns | None:
    """Return the layout of two lists: the row's most probable classes, and their probabilities."""
    if not (is_list(ids.type) and is_list(scores.type)):
        return None
    of_ids, of_scores = plain_type(ids.type).value_type, plain_type(scores.type).value_type
    named = pt.is_integer(plain_type(of_ids)) or pt.is_floating(of_ids) or is_text(of_ids)
    if not (named and pt.is_floating(of_scores)):
        return None
    name = f"{ids.name} and {scores.name}"
    return ProbColumns(name, TOP_K, (ids.name, scores.name), None, None, of_scores)
