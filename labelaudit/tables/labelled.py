"""A table whose labels are to be looked up and changed; it need not hold probabilities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.errors import InvalidDataError, NothingToAuditError, UsageError
from labelaudit.tables.arrays import numbers, strings, viewed
from labelaudit.tables.classes import Classes
from labelaudit.tables.hive import with_folders
from labelaudit.tables.keys import key_problem
from labelaudit.tables.labels import label_codes
from labelaudit.tables.layouts import plain_type
from labelaudit.tables.opening import open_files
from labelaudit.tables.parts import check_names, check_parts, common_type
from labelaudit.tables.paths import find_files
from labelaudit.tables.roles import assign_label_roles
from labelaudit.tables.scanning import seen_labels
from labelaudit.tables.text import TextColumns
from labelaudit.tables.writing import cell_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.tables.options import ReadOptions
    from labelaudit.tables.source import LabelSource
    from labelaudit.tables.table import InputTable

__all__ = ["Found", "LabelledTable", "labelled_of", "labelled_source", "open_labelled"]

_BATCH_ROWS = 1 << 17
_MANY_KEYS = 50_000


@dataclass(frozen=True, slots=True)
class Found:
    """Where some keys are, and which labels stand there.

    Attributes
    ----------
    row : (m,) int64
        0-based row of each key; -1: there is none.
    code : (m,) int32
        Class code of the row's label; negative: no class.
    text : list of str or None
        The label, as text.
    """

    row: npt.NDArray[np.int64]
    code: npt.NDArray[np.int32]
    text: list[str | None]


@dataclass(frozen=True)
class LabelledTable:
    """Tables that are parts of one, their label column and their key.

    Attributes
    ----------
    tables : tuple of InputTable
    labels : str
    key : str or None
        None: row numbers are the keys.
    class_list : Classes
    warnings : tuple of str
    understood : tuple of str
        Columns whose types were found when the table was opened.
    """

    tables: tuple[InputTable, ...]
    labels: str
    key: str | None
    class_list: Classes
    warnings: tuple[str, ...] = ()
    understood: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of the whole input."""
        return sum(sum(table.group_rows) for table in self.tables)

    @property
    def label_type(self) -> pa.DataType:
        """Type of the label column, the same for all parts."""
        return common_type([table.schema.field(self.labels).type for table in self.tables])

    @cached_property
    def codes(self) -> dict[str, int]:
        """Class code by what a label may be written as: its value, or else the class's name."""
        texts = _texts(self.class_list.values)
        by_name = {name: code for code, name in enumerate(self.class_list.names)}
        return by_name | {str(text): code for code, text in enumerate(texts)}

    def label_text(self, code: int) -> str:
        """Return the label of a class as text."""
        return str(_texts(self.class_list.values.slice(code, 1))[0])

    def with_classes(self, more: Sequence[str]) -> LabelledTable:
        """Return the same table with further classes, where labels can be of any class.

        Raises
        ------
        UsageError
            If the labels are numbers and a class is not.
        """
        new = [name for name in dict.fromkeys(more) if name not in self.codes]
        if not new:
            return self
        old = self.class_list
        values = _extended(old.values, new, self.labels)
        names = (*old.names, *new)
        return replace(self, class_list=Classes(names, values, old.order, old.warnings))

    def batches(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield the first row and these columns of each batch."""
        row = 0
        for table in self.tables:
            for batch in table.read(range(len(table.group_rows)), columns, _BATCH_ROWS):
                yield row, batch
                row += batch.num_rows

    def take(self, rows: npt.NDArray[np.int64], column: str) -> pa.Array:
        """Return a column of these rows (ascending, 0-based in the whole input)."""
        kind = common_type([table.schema.field(column).type for table in self.tables])
        parts, first = [], 0
        for table in self.tables:
            n = sum(table.group_rows)
            low, high = np.searchsorted(rows, (first, first + n))
            if low < high:
                taken = table.take(rows[low:high] - first, [column])[column]
                parts += taken.cast(kind).chunks
            first += n
        chunks = pa.chunked_array(parts, kind).unify_dictionaries()
        return pa.concat_arrays(chunks.chunks) if parts else pa.array([], kind)

    def find(self, keys: Sequence[str]) -> Found:
        """Look keys up, which are written as text; one reading of keys and labels.

        Raises
        ------
        InvalidDataError
            If one of them names several rows.
        """
        order = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        wanted = strings(list(order)).cast(pa.large_string())
        row = np.full(len(order), -1, np.int64)
        code = np.full(len(order), -1, np.int32)
        text = np.full(len(order), None, object)
        for place, at, label in self._matches(order):
            self._refuse_repeated(row[place], place, wanted)
            row[place] = at
            code[place] = label_codes(label, self.class_list.values)
            text[place] = _texts(label)
        back = np.array([order[key] for key in keys], np.int64)
        return Found(row[back], code[back], text[back].tolist())

    def _matches(
        self, order: dict[str, int]
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], pa.Array]]:
        """Yield places among the wanted keys, rows, and labels there."""
        columns = [self.labels] if self.key is None else [self.key, self.labels]
        for first, batch in self.batches(list(dict.fromkeys(columns))):
            if self.key is None:
                keys = numbers(np.arange(first, first + batch.num_rows)).cast(pa.large_string())
            else:
                keys = _key_text(batch.column(self.key))
            places = _places(keys, order)
            at = np.flatnonzero(places >= 0)
            if len(at):
                yield places[at], at + first, batch.column(self.labels).take(numbers(at))

    def _refuse_repeated(
        self, before: npt.NDArray[np.int64], place: npt.NDArray[np.int64], wanted: pa.Array
    ) -> None:
        twice = place[before >= 0]
        if not len(twice):
            values, counts = np.unique(place, return_counts=True)
            twice = values[counts > 1]
        if len(twice):
            from labelaudit.wording import safe

            shown = safe(wanted[int(twice[0])].as_py())
            raise InvalidDataError(
                [f"The key {shown} names several rows."],
                "Give each row a key of its own, or name another column with --key.",
            )


def _places(keys: pa.Array, order: dict[str, int]) -> npt.NDArray[np.int64]:
    """Return the place of each key among those that are looked up, -1 where it is none of them."""
    if len(order) > _MANY_KEYS:
        # Arrow would build its table of them anew for each batch.
        return np.array([order.get(key, -1) for key in keys.to_pylist()], np.int64)
    wanted = strings(list(order)).cast(pa.large_string())
    found = pc.fill_null(pc.index_in(keys, value_set=wanted, skip_nulls=True), -1)
    return viewed(found).astype(np.int64)


def _key_text(keys: pa.Array) -> pa.Array:
    return cell_text(keys).cast(pa.large_string())


def _texts(values: pa.Array) -> list[str | None]:
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pt.is_dictionary(values.type):
        values = values.dictionary_decode()
    found: list[str | None] = values.cast(pa.string()).to_pylist()
    return found


def _extended(values: pa.Array, new: Sequence[str], column: str) -> pa.Array:
    try:
        added = strings(new).cast(pa.string()).cast(values.type)
    except pa.ArrowInvalid as error:
        raise UsageError(
            f"The class {new[0]!r} cannot be a label in column {column}, which is of type "
            f"{values.type}.",
            "Name classes as the labels of that column are written.",
        ) from error
    return pa.concat_arrays([values, added])


def labelled_source(source: LabelSource) -> LabelledTable:
    """Return what there is to change of a source that was opened for an audit."""
    roles = source.roles
    understood = (*source.decoder.columns, *([roles.key] if roles.key else []))
    return LabelledTable(
        source.tables, roles.labels, roles.key, source.class_list, (), tuple(understood)
    )


def open_labelled(paths: Sequence[str], options: ReadOptions) -> LabelledTable:
    """Open tables of which only labels and keys are needed.

    The classes are those of a Hugging Face ClassLabel, or else all labels that occur.

    Raises
    ------
    UsageError, InputError, NothingToAuditError
        As ``open_labels`` says.
    """

    def columns(schema: pa.Schema) -> TextColumns:
        label, key, _ = assign_label_roles(schema, options)
        named = [name for name in (label, key) if name is not None]
        return TextColumns(plain=tuple(named), labels=(label,))

    files = find_files(paths)
    return labelled_of(with_folders(open_files(files, columns), files), options)


def labelled_of(tables: Sequence[InputTable], options: ReadOptions) -> LabelledTable:
    """Understand labels and keys of tables that are parts of one."""
    for table in tables:
        check_names(table)
    tables = tuple(table for table in tables if sum(table.group_rows))
    if not tables:
        raise NothingToAuditError("The table has no rows.", "Give a table with at least one row.")
    label, key, names = assign_label_roles(tables[0].schema, options)
    check_parts(tables, [label] if key is None else [label, key])
    understood = (label,) if key is None else (label, key)
    classes = _classes(tables, label, names)
    found = LabelledTable(tables, label, key, classes, (), understood)
    found = found.with_classes(options.classes or ())
    return _with_sound_key(found, named=options.key is not None)


def _classes(tables: Sequence[InputTable], label: str, names: tuple[str, ...] | None) -> Classes:
    kind = plain_type(tables[0].schema.field(label).type)
    if names is not None and pt.is_integer(kind):
        return Classes(names, numbers(np.arange(len(names))), "Hugging Face ClassLabel")
    seen = seen_labels(tables, label).values
    if pt.is_boolean(kind):
        return Classes(("false", "true"), pa.array([False, True]), "false, then true")
    if pt.is_integer(kind) or pt.is_floating(kind):
        whole = [int(value) for value in seen if float(value).is_integer()]
        values = pa.array(whole, pa.uint64() if max(whole, default=0) >= 2**63 else pa.int64())
        return Classes(tuple(map(str, whole)), values, "sorted labels")
    texts = tuple(map(str, seen))
    return Classes(texts, strings(texts), "sorted labels")


def _with_sound_key(table: LabelledTable, *, named: bool) -> LabelledTable:
    """Use row numbers in place of a key that was only guessed and does not name rows."""
    key = table.key
    if key is None:
        return table
    problem = key_problem(lambda: (batch.column(0) for _, batch in table.batches([key])), key)
    if problem is None:
        return table
    if named:
        raise InvalidDataError([problem.sentence], problem.remedy)
    return replace(table, key=None, warnings=(f"{problem.sentence} Row numbers are the keys.",))
