"""Multi-label tables to a source: what is understood before anything is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from labelaudit.errors import InputError, UsageError
from labelaudit.tables.arrays import numbers, strings
from labelaudit.tables.classes import Classes, LabelColumn, arranged, choose_classes
from labelaudit.tables.layouts import ProbColumns, plain, plain_type
from labelaudit.tables.scanning import (
    SeenLabels,
    is_text,
    seen_labels,
    seen_names,
    seen_range,
    seen_width,
    share_from,
)
from labelaudit.tables.table import TableView
from labelaudit.tables.tag_decode import TagDecoder
from labelaudit.tables.tag_layouts import TOP_K, TagColumns
from labelaudit.tables.tag_roles import TagRoles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.tables.options import ReadOptions
    from labelaudit.tables.roles import Roles
    from labelaudit.tables.table import InputTable

__all__ = ["tag_classes", "tag_decoder"]


@dataclass(frozen=True, slots=True)
class _Entries(TableView):
    """A table whose list columns are read as the entries of their lists."""

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(field.name, _entry_type(field.type)) for field in self.table.schema])

    @property
    def group_rows(self) -> tuple[int, ...]:
        return self.table.group_rows

    def group_bytes(self, columns: Sequence[str]) -> tuple[int, ...]:
        return self.table.group_bytes(columns)

    def read(
        self, groups: range, columns: Sequence[str], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        for batch in self.table.read(groups, columns, batch_rows):
            yield pa.RecordBatch.from_arrays([_entries(batch.column(0))], names=list(columns))

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        return self.table.take(rows, columns)


def _entry_type(kind: pa.DataType) -> pa.DataType:
    inner = plain_type(kind)
    listed = pt.is_list(inner) or pt.is_large_list(inner) or pt.is_fixed_size_list(inner)
    return inner.value_type if listed else kind


def _entries(column: pa.Array) -> pa.Array:
    column = plain(column)
    if pt.is_dictionary(column.type):
        column = plain(column.dictionary_decode())
    return pa.nulls(0) if pt.is_null(column.type) else column.flatten()


def tag_classes(
    tables: Sequence[InputTable], found: TagRoles, options: ReadOptions
) -> tuple[TagRoles, Classes]:
    """Decide on the classes and their order; put the columns of classes into that order.

    Raises
    ------
    UsageError, InputError
        If names are missing or contradict each other, or no row has a label.
    """
    entries = tuple(map(_Entries, tables))
    tags, roles = found.tags, found.roles
    probs = tuple(_with_width(entries, model, tags, options) for model in roles.probs)
    roles = replace(roles, probs=probs)
    classes = _chosen(entries, tags, roles, options)
    models = tuple(
        model if model.layout == TOP_K else arranged(model, classes) for model in roles.probs
    )
    return TagRoles(replace(roles, probs=models), tags.arranged(classes)), classes


def _with_width(
    entries: Sequence[_Entries], model: ProbColumns, tags: TagColumns, options: ReadOptions
) -> ProbColumns:
    if model.layout == TOP_K:
        return _vocabulary(entries, model, tags, options)
    tables = [each.table for each in entries]
    if model.layout == "map":
        names = options.classes or seen_names(tables, model)
        return replace(model, names=names, width=len(names))
    return model if model.width is not None else replace(model, width=seen_width(tables, model))


def _vocabulary(
    entries: Sequence[_Entries], model: ProbColumns, tags: TagColumns, options: ReadOptions
) -> ProbColumns:
    """Find the classes of lists of the most probable ones: all that are predicted or given."""
    if options.classes is not None:
        return replace(model, width=len(options.classes))
    if tags.layout != "list":
        return replace(model, width=_width(entries, tags))
    columns = (model.columns[0], tags.columns[0])
    seen = [seen_labels(entries, column).values for column in columns]
    if all(isinstance(value, str) for values in seen for value in values):
        names = tuple(sorted({str(value) for values in seen for value in values}))
        return replace(model, names=names, width=len(names))
    if any(isinstance(value, str) for values in seen for value in values):
        raise InputError(
            f"{model.shown} and {tags.shown} do not name classes alike: one holds text and the "
            "other numbers.",
            "Name the classes in the order of the numbers with --classes.",
        )
    most = max(int(value) for values in seen for value in values) if any(seen) else 0
    return replace(model, width=most + 1)


def _chosen(
    entries: Sequence[_Entries], tags: TagColumns, roles: Roles, options: ReadOptions
) -> Classes:
    said_by = options.origin("classes")
    if tags.layout == "list":
        column = _entry_column(entries, roles)
        if options.classes is None and roles.class_names is None:
            _demand_tags(column, tags)
        return choose_classes(column, roles, options.classes, said_by)
    width = _width(entries, tags)
    names, order = options.classes, said_by if options.classes else "0 to K - 1"
    model = roles.probs[0]
    if names is None and model.names is not None:
        names, order = model.names, f"suffixes of {model.shown}"
    column = _no_column(tags)
    if names is None and tags.names is not None:
        names, order = tags.names, f"suffixes of {tags.shown}"
    names = names or tuple(map(str, range(width)))
    if len(names) != width:
        raise UsageError(
            f"There are {len(names):,} classes, but {tags.shown} says of {width:,} whether a row "
            "has them.",
            "Give as many columns of labels as there are classes.",
        )
    return choose_classes(column, replace(roles, class_names=None), names, order)


def _width(entries: Sequence[_Entries], tags: TagColumns) -> int:
    if tags.layout == "wide columns":
        return len(tags.columns)
    return int(plain_type(entries[0].table.schema.field(tags.name).type).list_size)


def _no_column(tags: TagColumns) -> LabelColumn:
    """Return a column without labels: columns of flags name classes by their own names."""
    nothing = SeenLabels((), None)
    return LabelColumn(tags.name, pa.string(), lambda: nothing, lambda: None, lambda _: 0.0)


def _entry_column(entries: Sequence[_Entries], roles: Roles) -> LabelColumn:
    name = roles.labels
    return LabelColumn(
        name,
        roles.label_type,
        cache(lambda: seen_labels(entries, name)),
        cache(lambda: seen_range(entries, name)),
        partial(share_from, entries, name),
    )


def _demand_tags(column: LabelColumn, tags: TagColumns) -> None:
    if pt.is_null(column.plain) or not column.seen().values:
        raise InputError(
            f"Column {tags.shown} holds no label: the lists of all rows are empty or null.",
            "Give another column with --labels.",
        )


def tag_decoder(tables: Sequence[InputTable], found: TagRoles, classes: Classes) -> TagDecoder:
    """Return what turns batches of the table into blocks."""
    model = found.roles.probs[0]
    ids = classes.values
    values = classes.values if found.tags.layout == "list" else strings(classes.names)
    if model.layout == TOP_K:
        kind = _entry_type(tables[0].schema.field(model.columns[0]).type)
        ids = _id_values(kind, classes)
    return TagDecoder(found.tags, values, found.roles.probs, ids, classes.names)


def _id_values(kind: pa.DataType, classes: Classes) -> pa.Array:
    """Return what stands for each class in the lists: its name, its label, or its number."""
    if is_text(kind):
        return strings(classes.names)
    if is_text(classes.values.type):
        return numbers(np.arange(len(classes.names)))
    return classes.values
