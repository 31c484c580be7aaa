"""Types that pyarrow cannot yet compute with, and those that it can instead."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from labelaudit.tables.arrays import flags, null_mask, viewed

__all__ = ["plain_batch", "plain_column", "without_view", "without_views"]


def without_view(kind: pa.DataType) -> pa.DataType:
    """Return the type with strings and lists stored in the plain way instead of as views."""
    if pt.is_string_view(kind):
        return pa.large_string()
    if pt.is_binary_view(kind):
        return pa.large_binary()
    if pt.is_list_view(kind) or pt.is_large_list_view(kind) or pt.is_large_list(kind):
        return pa.large_list(_item(kind))
    if pt.is_list(kind):
        return pa.list_(_item(kind))
    if pt.is_dictionary(kind):
        return pa.dictionary(kind.index_type, without_view(kind.value_type), kind.ordered)
    return kind


def _item(kind: pa.DataType) -> pa.Field:
    return kind.value_field.with_type(without_view(kind.value_type))


def without_views(schema: pa.Schema) -> pa.Schema:
    """Return the schema with every type stored in the plain way."""
    fields = [field.with_type(without_view(field.type)) for field in schema]
    return pa.schema(fields, schema.metadata)


def plain_column(column: pa.Array) -> pa.Array:
    """Return a column stored in the plain way."""
    kind = column.type
    if pt.is_list_view(kind) or pt.is_large_list_view(kind):
        return _list_of_views(column)
    plain = without_view(kind)
    return column if plain == kind else column.cast(plain)


def _list_of_views(column: pa.Array) -> pa.Array:
    # pyarrow 26 casts views to lists with wrong offsets, so they are put together here.
    null = null_mask(column)
    lengths = np.where(null, 0, viewed(pc.list_value_length(column)))
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)))
    validity = flags(~null).buffers()[1] if null.any() else None
    values = plain_column(column.flatten())
    kind = without_view(column.type)
    return pa.Array.from_buffers(
        kind, len(column), [validity, pa.py_buffer(offsets)], children=[values]
    )


def plain_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with its columns stored in the plain way."""
    columns = list(map(plain_column, batch.columns))
    return pa.RecordBatch.from_arrays(columns, schema=without_views(batch.schema))
