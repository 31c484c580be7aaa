"""A single-label table of one or several files, ready to be audited."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.errors import NothingToAuditError
from labelaudit.findings import Understanding
from labelaudit.tables.arrays import numbers, strings
from labelaudit.tables.classes import Classes, LabelColumn, arranged, choose_classes
from labelaudit.tables.decode import Decoder
from labelaudit.tables.held import Budget, HeldPartition
from labelaudit.tables.hive import HiveTable, with_folders
from labelaudit.tables.keys import key_problem
from labelaudit.tables.parts import check_names, check_parts, common_type
from labelaudit.tables.paths import find_files
from labelaudit.tables.roles import Roles, assign_roles
from labelaudit.tables.scanning import seen_labels, seen_names, seen_range, seen_width
from labelaudit.tables.text import TextColumns
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.blocks import LabelBlock, Partition
    from labelaudit.findings import Problem
    from labelaudit.tables.layouts import ProbColumns
    from labelaudit.tables.options import ReadOptions
    from labelaudit.tables.table import InputTable

__all__ = ["GroupsPartition", "LabelSource", "open_labels", "source_of"]

_PARTITION_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class GroupsPartition:
    """Some consecutive row groups of one table: a recipe, picklable."""

    first_row: int
    rows: int
    table: InputTable
    groups: range
    decoder: Decoder

    def blocks(self) -> Iterator[LabelBlock]:
        """Read and decode the rows, in order."""
        row = self.first_row
        for batch in self.table.read(self.groups, self.decoder.columns, self.decoder.batch_rows):
            yield from self.decoder.blocks(batch, row)
            row += batch.num_rows


@dataclass(frozen=True, slots=True)
class LabelSource:
    """A single-label table: what was understood of it, and how to read it.

    Attributes
    ----------
    understanding : Understanding
    tables : tuple of InputTable
        The files, in row order.
    roles : Roles
    class_list : Classes
    decoder : Decoder
    partitions : tuple of Partition of LabelBlock
        In row order; each a recipe that can be pickled and read in another thread or process.
    warnings : tuple of str
        What was assumed.
    """

    understanding: Understanding
    tables: tuple[InputTable, ...]
    roles: Roles
    class_list: Classes
    decoder: Decoder
    partitions: tuple[Partition[LabelBlock], ...]
    warnings: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities."""
        return self.class_list.names

    @property
    def rows(self) -> int:
        """Rows in the whole input."""
        return self.understanding.rows

    @property
    def paths(self) -> tuple[str, ...]:
        """Where the files are; empty for a table in memory."""
        return tuple(table.path for table in self.tables if table.path)

    @property
    def key_is_inferred(self) -> bool:
        """True if the key column was not named by the user: it may be given up."""
        return self.roles.origins.get("key", "").startswith("inferred")

    @property
    def bytes_to_read(self) -> int:
        """Stored bytes of the columns that one pass decodes."""
        columns = self.decoder.columns
        return sum(sum(table.group_bytes(columns)) for table in self.tables)

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Return these columns of these rows, types as in the input.

        Parameters
        ----------
        rows : (m,) int64
            0-based in the whole input, sorted ascending.
        columns : sequence of str

        Returns
        -------
        pyarrow.Table
            m rows, in the order of ``rows``. Only row groups with one of the rows are read.
        """
        columns = list(dict.fromkeys(columns))
        fields = [
            (name, common_type([table.schema.field(name).type for table in self.tables]))
            for name in columns
        ]
        parts = [
            table.take(local, columns).cast(pa.schema(fields)) for table, local in self._local(rows)
        ]
        if not parts:
            return pa.Table.from_batches([], pa.schema(fields))
        return pa.concat_tables(parts).unify_dictionaries()

    def file_of(self, rows: npt.NDArray[np.int64]) -> pa.Array | None:
        """Return the file of each row as a dictionary array; None if there is one file only."""
        if len(self.tables) == 1:
            return None
        which = np.searchsorted(self._starts(), rows, side="right") - 1
        names = strings([table.name for table in self.tables]).cast(pa.string())
        return pa.DictionaryArray.from_arrays(numbers(which.astype(np.int32)), names)

    def _starts(self) -> npt.NDArray[np.int64]:
        rows = [sum(table.group_rows) for table in self.tables]
        return np.concatenate(([0], np.cumsum(rows[:-1], dtype=np.int64))).astype(np.int64)

    def _local(
        self, rows: npt.NDArray[np.int64]
    ) -> Iterator[tuple[InputTable, npt.NDArray[np.int64]]]:
        starts = self._starts()
        bounds = np.append(np.searchsorted(rows, starts), len(rows))
        for i, table in enumerate(self.tables):
            if bounds[i] < bounds[i + 1]:
                yield table, rows[bounds[i] : bounds[i + 1]] - starts[i]

    def check_keys(self) -> Problem | None:
        """Return what is wrong with the key column: nulls, or keys that are there twice."""
        key = self.roles.key
        if key is None:
            return None
        return key_problem(lambda: self._column(key), key)

    def _column(self, name: str) -> Iterator[pa.Array]:
        kind = common_type([table.schema.field(name).type for table in self.tables])
        for table in self.tables:
            for batch in table.read(range(len(table.group_rows)), (name,), 1 << 17):
                yield batch.column(0).cast(kind)

    def without_key(self) -> LabelSource:
        """Return the same source with row numbers for keys."""
        origins = {**self.roles.origins, "key": "row numbers: the key column is not unique"}
        understanding = replace(self.understanding, key_column=None, origins=origins)
        roles = replace(self.roles, key=None, origins=origins)
        return replace(self, understanding=understanding, roles=roles)

    def label_value(self, code: int) -> pa.Scalar:
        """Return the label of a class as a scalar of the label column's value type."""
        return self.class_list.values[code].cast(_value_type(self.roles.label_type))

    def held(self, budget_bytes: int) -> LabelSource:
        """Return the same source whose decoded blocks stay in memory while they fit a budget.

        Parameters
        ----------
        budget_bytes : int
            For all partitions together; the ones that are read first are kept.
        """
        budget = Budget(budget_bytes)
        ends = [*(each.first_row for each in self.partitions[1:]), self.rows]
        sizes = [
            (end - each.first_row) * self.decoder.row_bytes
            for each, end in zip(self.partitions, ends, strict=True)
        ]
        kept = tuple(
            HeldPartition(each, size, budget)
            for each, size in zip(self.partitions, sizes, strict=True)
        )
        return replace(self, partitions=kept)


def _value_type(kind: pa.DataType) -> pa.DataType:
    from labelaudit.tables.layouts import plain_type

    return plain_type(kind)


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


def _text_columns(options: ReadOptions, schema: pa.Schema) -> TextColumns:
    roles = assign_roles(schema, options)
    named = [roles.labels, roles.key, roles.group, *roles.keep]
    return TextColumns(
        plain=tuple(name for name in named if name is not None),
        probs=tuple(column for model in roles.probs for column in model.columns),
        labels=(roles.labels,),
    )


def source_of(tables: tuple[InputTable, ...], options: ReadOptions) -> LabelSource:
    """Understand the columns and classes of tables that are parts of one."""
    for table in tables:
        check_names(table)
    tables = _with_rows(tables)
    roles = assign_roles(tables[0].schema, options)
    check_parts(tables, _used(roles))
    tables = tuple(_encoding(table, roles.labels) for table in tables)
    probs = tuple(_with_width(tables, model, options) for model in roles.probs)
    roles = replace(roles, probs=probs)
    column = _label_column(tables, roles)
    said_by = options.origin("classes")
    classes = choose_classes(column, roles, options.classes, said_by)
    probs = tuple(arranged(model, classes) for model in probs)
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
        classes.warnings,
    )


def _encoding(table: InputTable, labels: str) -> InputTable:
    """Have a Parquet file's labels read as a dictionary."""
    if isinstance(table, HiveTable):
        return replace(table, table=_encoding(table.table, labels))
    if table.format != "parquet" or labels not in table.schema.names:
        return table
    from labelaudit.tables.parquet import ParquetTable

    return replace(table, encoded=(labels,)) if isinstance(table, ParquetTable) else table


def _with_rows(tables: tuple[InputTable, ...]) -> tuple[InputTable, ...]:
    kept = tuple(table for table in tables if sum(table.group_rows))
    if not kept:
        raise NothingToAuditError(
            f"{tables[0].name} has no rows.", "Give a table with at least one row."
        )
    return kept


def _used(roles: Roles) -> list[str]:
    probs = [column for model in roles.probs for column in model.columns]
    others = [name for name in (roles.key, roles.group) if name is not None]
    return list(dict.fromkeys([roles.labels, *probs, *others, *roles.keep]))


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
    )


def _partitions(tables: Sequence[InputTable], decoder: Decoder) -> Iterator[GroupsPartition]:
    row = 0
    for table in tables:
        for groups in _joined(table, decoder):
            rows = sum(table.group_rows[groups.start : groups.stop])
            yield GroupsPartition(row, rows, table, groups, decoder)
            row += rows


def _joined(table: InputTable, decoder: Decoder) -> Iterator[range]:
    """Join small row groups, so that a partition is worth a task of its own."""
    start, size = 0, 0
    for group, rows in enumerate(table.group_rows):
        size += rows * decoder.row_bytes
        if size >= _PARTITION_BYTES:
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
