"""Looks at a column before the audit: which labels occur, how many rows there are."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.errors import UsageError
from labelaudit.tables.arrays import viewed
from labelaudit.tables.layouts import ProbColumns, plain_type
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labelaudit.tables.table import InputTable

__all__ = [
    "SeenLabels",
    "is_text",
    "seen_labels",
    "seen_names",
    "seen_range",
    "seen_width",
    "share_from",
]

_Label = str | int | float | bool

_MOST_CLASSES = 100_000
_BATCH_ROWS = 65_536
_PEEK_ROWS = 1_024


@dataclass(frozen=True, slots=True)
class SeenLabels:
    """The labels that occur in a column.

    Attributes
    ----------
    values : tuple
        Different labels without null and NaN, sorted (strings by code point).
    categories : tuple of str or None
        The dictionary, if the column is one, it is the same wherever it was read, and its order
        is somebody's choice: not just that in which the labels first occur, which is how
        encoders number them and says nothing about the probabilities.
    ordered : bool
        The dictionary is marked as ordered.
    """

    values: tuple[_Label, ...]
    categories: tuple[str, ...] | None
    ordered: bool = False


def seen_labels(tables: Sequence[InputTable], column: str) -> SeenLabels:
    """Read a label column once.

    Raises
    ------
    UsageError
        If it holds more different labels than classes can be.
    """
    seen: dict[_Label, None] = {}
    dictionaries: list[pa.Array] = []
    for batch in _batches(tables, column, _BATCH_ROWS):
        values = _plain(batch.column(0))
        if pt.is_dictionary(values.type):
            if not any(each.equals(values.dictionary) for each in dictionaries[:2]):
                dictionaries.append(values.dictionary)
            values = values.dictionary.take(pc.unique(values.indices))
        seen.update(dict.fromkeys(pc.unique(values).drop_null().to_pylist()))
        _refuse_many(len(seen), column)
    found = [value for value in seen if not _is_nan(value)]
    kinds = [table.schema.field(column).type for table in tables]
    categories, ordered = None, False
    if all(map(pt.is_dictionary, kinds)):
        ordered = all(kind.ordered for kind in kinds)
        categories = _categories(dictionaries, found, ordered)
    return SeenLabels(tuple(sorted(found)), categories, ordered)


def seen_range(tables: Sequence[InputTable], column: str) -> tuple[int, int] | None:
    """Return the smallest and the largest integer of a column, None without any.

    The statistics in a Parquet footer would say so too, but looking at damaged ones ends the
    process.
    """
    ranges = [
        pc.min_max(_plain(batch.column(0))).as_py()
        for batch in _batches(tables, column, _BATCH_ROWS)
    ]
    known = [each for each in ranges if each["min"] is not None]
    if not known:
        return None
    return min(each["min"] for each in known), max(each["max"] for each in known)


def share_from(tables: Sequence[InputTable], column: str, least: int) -> float:
    """Return the share of rows whose number is at least that."""
    rows = sum(sum(table.group_rows) for table in tables)
    above = 0
    for batch in _batches(tables, column, _BATCH_ROWS):
        values = _plain(batch.column(0))
        if pt.is_dictionary(values.type):
            values = values.dictionary_decode()
        above += pc.sum(pc.greater_equal(values, least)).as_py() or 0
    return above / max(rows, 1)


def _is_nan(value: _Label) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _refuse_many(n_labels: int, column: str) -> None:
    if n_labels > _MOST_CLASSES:
        raise UsageError(
            f"Column {safe(column)} holds more than {_MOST_CLASSES:,} different values, which "
            "cannot be classes.",
            "Say which column holds the labels with --labels.",
        )


def _categories(
    dictionaries: list[pa.Array], found: list[_Label], ordered: bool
) -> tuple[str, ...] | None:
    if len(dictionaries) != 1:
        return None
    entries = dictionaries[0].to_pylist()
    by_occurrence = entries[: len(found)] == found
    return tuple(map(str, entries)) if ordered or not by_occurrence else None


def _plain(column: pa.Array) -> pa.Array:
    return column.storage if isinstance(column, pa.ExtensionArray) else column


def _batches(tables: Sequence[InputTable], column: str, rows: int) -> Iterator[pa.RecordBatch]:
    for table in tables:
        yield from table.read(range(len(table.group_rows)), (column,), rows)


def seen_width(tables: Sequence[InputTable], model: ProbColumns) -> int:
    """Return how many probabilities most of the first rows hold; 0 when there are none."""
    for batch in _batches(tables, model.columns[0], _PEEK_ROWS):
        column = _plain(batch.column(0))
        lengths = viewed(pc.list_value_length(column).drop_null())
        if len(lengths):
            return int(np.bincount(lengths).argmax())
    return 0


def seen_names(tables: Sequence[InputTable], model: ProbColumns) -> tuple[str, ...]:
    """Return the keys that most of the first maps hold, in the order in which one holds them."""
    for batch in _batches(tables, model.columns[0], _PEEK_ROWS):
        rows = _plain(batch.column(0)).drop_null().to_pylist()
        keys = [tuple(str(key) for key, _ in row) for row in rows]
        if keys:
            usual = Counter(map(frozenset, keys)).most_common(1)[0][0]
            return next(each for each in keys if frozenset(each) == usual)
    return ()


def is_text(kind: pa.DataType) -> bool:
    """Say whether labels of this type are strings."""
    kind = plain_type(kind)
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))
