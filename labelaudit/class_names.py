"""Names of classes whose labels are codes in the data: people are shown names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labelaudit.findings import LabelIssues
    from labelaudit.tag_findings import TagIssues

__all__ = ["named_labels", "names_of"]

_LABELS = ("given_label", "suggested_label")


def names_of(result: LabelIssues | TagIssues) -> Mapping[Any, str]:
    """Return the name of each label that is a number, or true or false; none where it is one."""
    labels, names = result.classes["class"], result.understanding.classes
    if pa.types.is_string(labels.type) or labels.cast(pa.string()).to_pylist() == list(names):
        return {}
    return dict(zip(labels.to_pylist(), names, strict=True))


def named_labels(table: pa.Table, names: Mapping[Any, str]) -> pa.Table:
    """Return a table of issues with the names of classes in place of labels that are codes."""
    if not names:
        return table
    texts = pa.array(list(names.values()), pa.string())
    for column in _LABELS:
        labels = table[column]
        place = pc.index_in(labels, value_set=pa.array(list(names), labels.type))
        at = table.schema.get_field_index(column)
        table = table.set_column(at, column, texts.take(place.combine_chunks()))
    return table
