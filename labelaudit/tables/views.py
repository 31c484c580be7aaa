"""Types that pyarrow cannot yet compute with, and those that it can instead."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.types as pt

__all__ = ["without_view", "without_views"]


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
