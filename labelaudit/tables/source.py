"""Files, or a table in memory, to a source: what is understood before anything is read."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from itertools import groupby
from typing import TYPE_CHECKING

from labelaudit.errors import NothingToAuditError
from labelaudit.findings import Understanding
from labelaudit.tables.classes import (
    Classes,
    LabelColumn,
    arranged,
    choose_classes,
    sorted_after_all,
)
from labelaudit.tables.decode import Decoder
from labelaudit.tables.fitting_order import fits_sorted_better
from labelaudit.tables.hive import HiveTable, with_folders
from labelaudit.tables.label_source import GroupsPartition, LabelSource
from labelaudit.tables.layouts import list_layout
from labelaudit.tables.parts import check_names, check_parts
from labelaudit.tables.paths import find_files
from labelaudit.tables.roles import Roles, assign_roles
from labelaudit.tables.scanning import seen_labels, seen_names, seen_range, seen_width, share_from
from labelaudit.tables.selecting import SelectedTable, filter_columns, left_out, selected
from labelaudit.tables.soft_labels import warning_about
from labelaudit.tables.tag_layouts import TOP_K
from labelaudit.tables.tag_roles import TagRoles, assign_tag_roles, is_multilabel
from labelaudit.tables.text import TextColumns
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from labelaudit.tables.layouts import ProbColumns
    from labelaudit.tables.options import ReadOptions
    from labelaudit.tables.table import InputTable
    from labelaudit.tables.tag_decode import TagDecoder

__all__ = ["LabelSource", "columns_in_use", "open_labels", "source_of"]

_PARTITION_BYTES = 4 << 20
_CLASS_BYTES = 16 << 10


def open_labels(paths: Sequence[str], options: ReadOptions) -> LabelSource:
    """Find the files, and understand their columns and classes without reading the table.

    Parameters
    ----------
    paths : sequence of str
        Files, globs, folders.
    options : ReadOptions

    Raises
    ------
    UsageError
        If a column is missing or several could be meant, or class names are needed.
    InputError
        If a file cannot be read, or is not what it claims to be.
    NothingToAuditError
        If no file matched or there are no rows.
    """
    from labelaudit.tables.opening import open_files

    files = find_files(paths)
    opened = open_files(files, partial(_text_columns, options))
    return source_of(with_folders(opened, files), options)


def columns_in_use(options: ReadOptions, schema: pa.Schema) -> tuple[str, ...]:
    """Return the columns that are read for any reason."""
    chosen = _text_columns(options, schema)
    return (*chosen.plain, *chosen.probs)


def _text_columns(options: ReadOptions, schema: pa.Schema) -> TextColumns:
    if is_multilabel(schema, options):
        asked = filter_columns(options.where, schema)
        return _tag_text_columns(assign_tag_roles(schema, options), schema, asked)
    roles = assign_roles(schema, options)
    asked = filter_columns(options.where, schema)
    named = [roles.labels, roles.key, roles.group, *roles.keep, *asked]
    return TextColumns(
        plain=tuple(name for name in named if name is not None),
        probs=tuple(column for model in roles.probs for column in model.columns),
        labels=(roles.labels,),
    )


def _tag_text_columns(found: TagRoles, schema: pa.Schema, asked: Sequence[str]) -> TextColumns:
    roles, tags = found.roles, found.tags
    read = [*tags.columns, *(column for model in roles.probs for column in model.columns)]
    # What looks like lists of numbers is one; lists of text have their type from the file.
    floats = [
        name
        for name in read
        if (name not in tags.columns and not _is_ids(roles, name))
        or list_layout(schema.field(name)) is not None
    ]
    others = (name for name in read if name not in floats)
    named = [roles.key, roles.group, *roles.keep, *asked, *others]
    plain = tuple(dict.fromkeys(name for name in named if name is not None))
    return TextColumns(plain=plain, probs=tuple(floats), labels=tags.columns)


def _is_ids(roles: Roles, name: str) -> bool:
    return any(model.layout == TOP_K and model.columns[0] == name for model in roles.probs)


def source_of(tables: tuple[InputTable, ...], options: ReadOptions) -> LabelSource:
    """Understand the columns and classes of tables that are parts of one."""
    for table in tables:
        check_names(table)
    tables = selected(tables, options.where)
    without = left_out(tables)
    source = _source_of(_with_rows(tables), options)
    known = replace(source.understanding, where=options.where, rows_left_out=without)
    return replace(source, understanding=known)


def _source_of(tables: tuple[InputTable, ...], options: ReadOptions) -> LabelSource:
    if is_multilabel(tables[0].schema, options):
        return _tag_source_of(tables, options)
    roles = assign_roles(tables[0].schema, options)
    check_parts(tables, _used(roles))
    tables = tuple(_encoding(table, roles.labels) for table in tables)
    probs = tuple(_with_width(tables, model, options) for model in roles.probs)
    roles = replace(roles, probs=probs)
    column = _label_column(tables, roles)
    said_by = options.origin("classes")
    classes = choose_classes(column, roles, options.classes, said_by)
    source = _with_classes(tables, roles, classes)
    if classes.doubtful and fits_sorted_better(source.partitions, classes.names):
        return _with_classes(tables, roles, sorted_after_all(column, roles.probs[0], classes))
    return source


def _with_classes(tables: tuple[InputTable, ...], roles: Roles, classes: Classes) -> LabelSource:
    probs = tuple(arranged(model, classes) for model in roles.probs)
    roles = replace(roles, probs=probs)
    decoder = Decoder(roles.labels, classes.values, probs, classes.names)
    partitions = tuple(_partitions(tables, decoder))
    return LabelSource(
        _understanding(tables, roles, classes),
        tables,
        roles,
        classes,
        decoder,
        partitions,
        (*classes.warnings, *warning_about(tables[0].schema, probs[0].name)),
    )


def _tag_source_of(tables: tuple[InputTable, ...], options: ReadOptions) -> LabelSource:
    from labelaudit.tables.tag_source import tag_classes, tag_decoder

    found = assign_tag_roles(tables[0].schema, options)
    check_parts(tables, _used(found.roles, found.tags.columns))
    found, classes = tag_classes(tables, found, options)
    decoder = tag_decoder(tables, found, classes)
    understanding = _understanding(tables, found.roles, classes)
    list_of = "list of " if found.tags.layout == "list" else ""
    kind = f"{list_of}{understanding.label_type}"
    if not list_of:
        kind = f"{len(found.tags.columns)} columns of {understanding.label_type}"
    # A task makes room for counts of each class, which must be worth it.
    least = max(_PARTITION_BYTES, _CLASS_BYTES * len(classes.names))
    return LabelSource(
        replace(understanding, task="multilabel", label_type=kind),
        tables,
        found.roles,
        classes,
        decoder,
        tuple(_partitions(tables, decoder, least)),
        classes.warnings,
    )


def _encoding(table: InputTable, labels: str) -> InputTable:
    """Have a Parquet file's labels read as a dictionary."""
    if isinstance(table, HiveTable | SelectedTable):
        return replace(table, table=_encoding(table.table, labels))
    if table.format != "parquet" or labels not in table.schema.names:
        return table
    from labelaudit.tables.live import LiveTable
    from labelaudit.tables.parquet import ParquetTable

    if isinstance(table, LiveTable):
        stored = table.stored.get(labels, "")
        return replace(table, table=_encoding(table.table, stored))
    return replace(table, encoded=(labels,)) if isinstance(table, ParquetTable) else table


def _with_rows(tables: tuple[InputTable, ...]) -> tuple[InputTable, ...]:
    kept = tuple(table for table in tables if sum(table.group_rows))
    if not kept:
        raise NothingToAuditError(
            f"{tables[0].name} has no rows.", "Give a table with at least one row."
        )
    return kept


def _used(roles: Roles, labels: Sequence[str] = ()) -> list[str]:
    probs = [column for model in roles.probs for column in model.columns]
    others = [name for name in (roles.key, roles.group) if name is not None]
    return list(dict.fromkeys([*(labels or [roles.labels]), *probs, *others, *roles.keep]))


def _with_width(
    tables: Sequence[InputTable], model: ProbColumns, options: ReadOptions
) -> ProbColumns:
    """Find out how many entries a list has; what classes the user named need not be counted."""
    if model.layout == "map":
        names = options.classes or seen_names(tables, model)
        return replace(model, names=names, width=len(names))
    if model.width is not None:
        return model
    return replace(model, width=seen_width(tables, model))


def _label_column(tables: Sequence[InputTable], roles: Roles) -> LabelColumn:
    name, kind = roles.labels, roles.label_type
    return LabelColumn(
        name,
        kind,
        cache(lambda: seen_labels(tables, name)),
        cache(lambda: seen_range(tables, name)),
        partial(share_from, tables, name),
    )


def _partitions(
    tables: Sequence[InputTable], decoder: Decoder | TagDecoder, least: int = _PARTITION_BYTES
) -> Iterator[GroupsPartition]:
    row = 0
    for table in tables:
        for groups in _joined(table, decoder, least):
            rows = sum(table.group_rows[groups.start : groups.stop])
            yield GroupsPartition(row, rows, table, groups, decoder)
            row += rows


def _joined(table: InputTable, decoder: Decoder | TagDecoder, least: int) -> Iterator[range]:
    """Join small row groups, so that a partition is worth a task of its own."""
    start, size = 0, 0
    for group, rows in enumerate(table.group_rows):
        size += rows * decoder.row_bytes
        if size >= least:
            yield range(start, group + 1)
            start, size = group + 1, 0
    if start < len(table.group_rows):
        yield range(start, len(table.group_rows))


def _understanding(tables: Sequence[InputTable], roles: Roles, classes: Classes) -> Understanding:
    model = roles.probs[0]
    return Understanding(
        files=tuple(name for name, _ in groupby(table.name for table in tables)),
        format=tables[0].format,
        task="multiclass",
        label_column=roles.labels,
        label_type=safe(roles.label_type),
        prob_columns=tuple(each.name for each in roles.probs),
        prob_layout=model.layout,
        prob_type=model.float_type,
        key_column=roles.key,
        classes=classes.names,
        class_order=classes.order,
        origins=roles.origins,
        rows=sum(sum(table.group_rows) for table in tables),
    )
