"""Class names that Hugging Face datasets keep in the schema metadata."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["class_labels", "listed_class_labels"]


def class_labels(schema: pa.Schema) -> dict[str, tuple[str, ...]]:
    """Return the names of each Hugging Face ClassLabel column of the schema metadata."""
    try:
        info = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = info.get("info", {}).get("features", {})
        return {
            column: tuple(map(str, feature["names"]))
            for column, feature in features.items()
            if isinstance(feature, dict)
            and feature.get("_type") == "ClassLabel"
            and isinstance(feature.get("names"), list)
            and column in schema.names
        }
    except (ValueError, AttributeError):
        return {}


def listed_class_labels(schema: pa.Schema) -> dict[str, tuple[str, ...]]:
    """Return the names of each Hugging Face list of ClassLabel in the schema metadata."""
    try:
        info = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features: dict[str, Any] = info.get("info", {}).get("features", {})
        inner = {
            column: feature.get("feature") if isinstance(feature, dict) else feature[0]
            for column, feature in features.items()
            if isinstance(feature, dict | list) and feature and column in schema.names
        }
        return {
            column: tuple(map(str, each["names"]))
            for column, each in inner.items()
            if isinstance(each, dict)
            and each.get("_type") == "ClassLabel"
            and isinstance(each.get("names"), list)
        }
    except (ValueError, AttributeError, TypeError, KeyError):
        return {}
