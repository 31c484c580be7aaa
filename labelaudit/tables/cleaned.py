"""Which labels and columns the rows of a batch get: the same for every output format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.changes import DROP, RELABEL, SOURCES, Changes, Quality
from labelaudit.errors import UsageError
from labelaudit.tables.arrays import flags, numbers
from labelaudit.tables.layouts import plain_type
from labelaudit.tables.roles import listed
from labelaudit.tables.scanning import is_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from labelaudit.tables.cleaned_tags import TagEdits
    from labelaudit.tables.labelled import LabelledTable

    Further = Callable[[pa.RecordBatch, int], dict[str, pa.Array]]

__all__ = ["AddedNames", "Cleaned", "Cleaning", "Marks", "label_type_out", "with_values"]


@dataclass(frozen=True, slots=True)
class AddedNames:
    """What the added columns are called.

    Attributes
    ----------
    prefix : str
        What their names begin with.
    """

    prefix: str = "label_"

    @property
    def given(self) -> str:
        """Column of labels before the export."""
        return f"{self.prefix}given"

    @property
    def source(self) -> str:
        """Column that says where each label comes from."""
        return f"{self.prefix}source"

    @property
    def quality(self) -> str:
        """Column of label quality."""
        return f"{self.prefix}quality"

    @property
    def base(self) -> tuple[str, str, str]:
        """The columns that every export has."""
        return self.given, self.source, self.quality

    @property
    def marks(self) -> tuple[str, str]:
        """The columns of the policy ``flag``."""
        return f"{self.prefix}issue", f"{self.prefix}suggested"


@dataclass(frozen=True, slots=True)
class Marks:
    """The flagged rows, to be marked, by ascending row.

    Attributes
    ----------
    row : (m,) int64
    suggested : (m,) int32
        Class code, or -1.
    """

    row: npt.NDArray[np.int64]
    suggested: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What becomes of the rows of one batch.

    Attributes
    ----------
    label : pyarrow.Array
        All labels of the batch, in the column's own type.
    changed : int64
        Places in the batch whose label was replaced, ascending.
    kept : bool or None
        Rows that stay; None: all.
    added : dict of str to pyarrow.Array
    """

    label: pa.Array
    changed: npt.NDArray[np.int64]
    kept: npt.NDArray[np.bool_] | None
    added: dict[str, pa.Array]


@dataclass(frozen=True, slots=True)
class Cleaning:
    """How every row of a table is cleaned.

    Attributes
    ----------
    labelled : LabelledTable
    changes : Changes
    quality : Quality
    names : AddedNames
    again : bool
        The input is an export already: its added columns are carried on.
    marks : Marks or None
        Columns that mark flagged rows are added.
    further : callable or None
        Makes further columns of a batch and its first row, from the columns in ``needs``.
    further_types : tuple of (str, pyarrow.DataType)
    needs : tuple of str
    tags, suggested_tags : TagEdits or None
        With several labels a row: what is edited, and what all suggestions together would edit.
    """

    labelled: LabelledTable
    changes: Changes
    quality: Quality
    names: AddedNames
    again: bool = False
    marks: Marks | None = None
    further: Further | None = None
    further_types: tuple[tuple[str, pa.DataType], ...] = ()
    needs: tuple[str, ...] = ()
    tags: TagEdits | None = None
    suggested_tags: TagEdits | None = None

    @property
    def rows_out(self) -> int:
        """Rows of the export."""
        return self.labelled.rows - self.changes.dropped

    def added_types(self, label: pa.DataType) -> dict[str, pa.DataType]:
        """Return the added columns with their types, in order."""
        types = {
            self.names.given: label,
            self.names.source: pa.string(),
            self.names.quality: pa.float64(),
        }
        if self.marks is not None:
            issue, suggested = self.names.marks
            types |= {issue: pa.bool_(), suggested: label}
        return types | dict(self.further_types)

    @property
    def carried(self) -> tuple[str, ...]:
        """Added columns that an export which is exported again has already."""
        return tuple(self.added_types(pa.null())) if self.again else ()

    def columns(self, schema: pa.Schema) -> list[str]:
        """Return the columns of the input that are needed to know what becomes of a row."""
        wanted = dict.fromkeys([self.labelled.labels, *self.needs, *self.carried])
        return [name for name in schema.names if name in wanted]

    def check_names(self, schema: pa.Schema) -> None:
        """Raise ``UsageError`` if an added column has the name of one that is there."""
        added = self.added_types(pa.null())
        taken = [n for n in added if n in schema.names and n not in self.carried]
        if taken:
            raise UsageError(
                f"The input has columns named {listed(taken)}, as the export would add.",
                "Choose another beginning of the added names with --prefix, such as "
                "--prefix clean_.",
            )

    def clean(self, batch: pa.RecordBatch, first_row: int, typed: pa.RecordBatch) -> Cleaned:
        """Decide about the rows of a batch.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            With the label column, and those carried on, as they are to be written.
        first_row : int
        typed : pyarrow.RecordBatch
            With the columns in ``needs``, as they were understood.
        """
        label = batch.column(self.labelled.labels)
        lines = self.changes.within(first_row, batch.num_rows)
        replaced = lines.chosen(np.flatnonzero(lines.action == RELABEL))
        at = replaced.row - first_row
        kept = None
        gone = lines.row[lines.action == DROP] - first_row
        if len(gone):
            kept = np.ones(batch.num_rows, np.bool_)
            kept[gone] = False
        added = self._base(batch, first_row, lines)
        if self.marks is not None:
            added |= self._marked(self.marks, first_row, label)
        if self.further is not None:
            added |= self.further(typed, first_row)
        if self.tags is not None:
            return Cleaned(self.tags.edited(label, first_row), at, kept, added)
        new = self.spelled(replaced.new, label.type)
        return Cleaned(with_values(label, at, new), at, kept, added)

    def spelled(self, codes: npt.NDArray[np.int32], kind: pa.DataType) -> pa.Array:
        """Return classes as labels of a type, without dictionary; code -1 is null."""
        values, kind = self.labelled.class_list.values, plain_type(kind)
        if is_text(kind) and not is_text(values.type):
            whole = values.cast(pa.string())
            if pt.is_floating(plain_type(self.labelled.label_type)):
                whole = pc.binary_join_element_wise(whole, ".0", "")
            values = whole
        places = pa.array(np.maximum(codes, 0), mask=codes < 0)
        return values.take(places).cast(kind)

    def _base(self, batch: pa.RecordBatch, first_row: int, lines: Changes) -> dict[str, pa.Array]:
        given, source, quality = self.names.base
        rows = batch.num_rows
        value, unknown = self.quality.within(first_row, rows)
        known = pa.array(value, mask=unknown)
        codes = np.zeros(rows, np.int8)
        codes[lines.row - first_row] = lines.source
        sources = pa.array(SOURCES, pa.string()).take(numbers(codes))
        if not self.again:
            return {given: batch.column(self.labelled.labels), source: sources, quality: known}
        before = batch.column(quality)
        same_type = known.cast(before.type)
        return {
            given: batch.column(given),
            source: pc.if_else(flags(codes > 0), sources, _text(batch.column(source))),
            quality: pc.if_else(flags(unknown), before, same_type),
        }

    def _marked(self, marks: Marks, first_row: int, label: pa.Array) -> dict[str, pa.Array]:
        rows, kind = len(label), label.type
        low, high = np.searchsorted(marks.row, (first_row, first_row + rows))
        at = marks.row[low:high] - first_row
        issue, codes = np.zeros(rows, np.bool_), np.full(rows, -1, np.int32)
        issue[at], codes[at] = True, marks.suggested[low:high]
        if self.suggested_tags is not None:
            lists = self.suggested_tags.edited(label, first_row)
            shown = pc.if_else(flags(issue), lists, pa.scalar(None, kind))
            return dict(zip(self.names.marks, (flags(issue), shown), strict=True))
        shown = self.spelled(codes, kind)
        if pt.is_dictionary(kind):
            shown = shown.dictionary_encode()
        return dict(zip(self.names.marks, (flags(issue), shown), strict=True))


def _text(column: pa.Array) -> pa.Array:
    return column.cast(pa.string())


def label_type_out(kind: pa.DataType, n_classes: int) -> pa.DataType:
    """Return the type of the label column of the export: the input's, if all classes fit."""
    if not pt.is_dictionary(kind):
        return kind
    width = kind.index_type.bit_width
    fits = width >= 32 or n_classes < 1 << (width - 2)
    index = kind.index_type if fits else pa.int32()
    return pa.dictionary(index, kind.value_type, kind.ordered)


def with_values(column: pa.Array, at: npt.NDArray[np.int64], new: pa.Array) -> pa.Array:
    """Return a column with the values at some places replaced, in the same type."""
    if not len(at):
        return column
    if isinstance(column, pa.ExtensionArray):
        storage = with_values(column.storage, at, new)
        return pa.ExtensionArray.from_storage(column.type, storage)
    if pt.is_dictionary(column.type):
        return _with_entries(column, at, new)
    mask = np.zeros(len(column), np.bool_)
    mask[at] = True
    return pc.replace_with_mask(column, flags(mask), new.cast(column.type))


def _with_entries(column: pa.DictionaryArray, at: npt.NDArray[np.int64], new: pa.Array) -> pa.Array:
    kind = column.type
    entries, new = column.dictionary, new.cast(kind.value_type)
    missing = pc.unique(new.filter(pc.invert(pc.is_in(new, value_set=entries))))
    entries = pa.concat_arrays([entries, missing])
    wide = label_type_out(kind, len(entries))
    places = pc.index_in(new, value_set=entries).cast(wide.index_type)
    indices = with_values(column.indices.cast(wide.index_type), at, places)
    return pa.DictionaryArray.from_arrays(indices, entries, ordered=kind.ordered)
