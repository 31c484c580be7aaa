"""What the metadata of a schema says, kept where it is still true of the cleaned table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.types as pt

if TYPE_CHECKING:
    import pyarrow as pa

    from labelaudit.tables.cleaned import Cleaning

__all__ = ["metadata_out"]

_ABOUT_COLUMNS = ("features", "description", "citation", "homepage", "license")


def metadata_out(
    before: dict[bytes, bytes] | None, schema: pa.Schema, cleaning: Cleaning
) -> dict[bytes, bytes] | None:
    """Return the metadata of the export.

    Hugging Face features get the added columns, and lose counts and sizes. A range index of
    pandas, which no longer counts the rows, is left out. What cannot be understood is left out
    too, everything else kept.

    Parameters
    ----------
    before : dict or None
    schema : pyarrow.Schema
        Of the export.
    cleaning : Cleaning
    """
    if before is None:
        return None
    kept = dict(before)
    for key, mend in ((b"huggingface", _features), (b"pandas", _pandas)):
        if key in kept:
            try:
                kept[key] = json.dumps(mend(json.loads(kept[key]), schema, cleaning)).encode()
            except (ValueError, TypeError, KeyError, AttributeError):
                del kept[key]
    return kept


def _features(document: dict[str, Any], schema: pa.Schema, cleaning: Cleaning) -> dict[str, Any]:
    info = {name: value for name, value in document["info"].items() if name in _ABOUT_COLUMNS}
    features = dict(info["features"])
    label = features.get(cleaning.labelled.labels)
    like_label = {cleaning.names.given, cleaning.names.marks[1]}
    for name in cleaning.added_types(schema.field(cleaning.labelled.labels).type):
        if name in like_label and label is not None:
            features[name] = label
        elif name not in features:
            features[name] = _feature(schema.field(name).type)
    return {**document, "info": {**info, "features": features}}


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pt.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    names = {"double": "float64", "float": "float32"}
    return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}


def _pandas(document: dict[str, Any], schema: pa.Schema, cleaning: Cleaning) -> dict[str, Any]:
    del schema
    several = len(cleaning.labelled.tables) > 1
    if several or cleaning.changes.dropped:
        document["index_columns"] = [
            each for each in document["index_columns"] if not isinstance(each, dict)
        ]
    return document
