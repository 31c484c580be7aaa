"""Dictionary columns as numbers, while their entries are still being found out."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

__all__ = ["Coded"]


@dataclass(slots=True)
class Coded:
    """Tells what the numbers that stand for dictionary columns mean.

    Files of batches have one dictionary for each column, from the first batch on, and tables of
    several files or row groups have several.

    Attributes
    ----------
    schema : pyarrow.Schema
        With the dictionary columns.
    """

    schema: pa.Schema
    _entries: dict[str, pa.Array] = field(default_factory=dict)

    @property
    def stored(self) -> pa.Schema:
        """The schema with numbers in place of dictionaries."""
        return pa.schema(
            (each.name, pa.int32() if pt.is_dictionary(each.type) else each.type)
            for each in self.schema
        )

    def encoded(self, table: pa.Table) -> pa.Table:
        """Return a table, in which each dictionary column has one dictionary, with numbers."""
        for i, each in enumerate(self.schema):
            if pt.is_dictionary(each.type):
                column = _one_chunk(table.column(i))
                codes = self._codes(each.name, column.dictionary).take(column.indices)
                table = table.set_column(i, each.name, codes)
        return table

    def _codes(self, name: str, dictionary: pa.Array) -> pa.Array:
        """Return the number of each entry; entries not met before are added."""
        known = self._entries.setdefault(name, dictionary)
        if known is not dictionary and not known.equals(dictionary):
            new = dictionary.filter(pc.invert(pc.is_in(dictionary, value_set=known)))
            known = self._entries[name] = pa.concat_arrays([known, new])
        return pc.index_in(dictionary, value_set=known)

    def decoded(self, table: pa.Table) -> pa.Table:
        """Return a table of numbers with dictionary columns, all types as in the schema."""
        for i, each in enumerate(self.schema):
            column = table.column(i)
            if pt.is_dictionary(each.type):
                entries = self._entries.get(each.name, pa.array([], each.type.value_type))
                codes = _one_chunk(column).cast(each.type.index_type)
                whole = pa.DictionaryArray.from_arrays(codes, entries, ordered=each.type.ordered)
                table = table.set_column(i, each.name, whole)
            elif not column.type.equals(each.type, check_metadata=True):
                # Names inside of maps get lost in Arrow's files.
                table = table.set_column(i, each.name, column.cast(each.type))
        return table


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
