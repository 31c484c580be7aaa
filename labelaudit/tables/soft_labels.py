"""How a table of soft labels says what it is, and how it is told when it is read again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["COLUMNS", "MARK", "are_soft_labels", "mark", "warning_about"]

MARK = "labelaudit"
"""Key of the schema's metadata."""

COLUMNS = ("task", "label", "probs")

_CONTENT = "soft labels"
_ADVICE = (
    "they come from the same votes as the labels, and are no model's out-of-sample predictions. "
    "Wrong labels can hardly be found with them: train a model on them, and audit its predictions."
)


def mark() -> str:
    """Return what stands under ``MARK``."""
    return json.dumps({"content": _CONTENT, "made_from": "votes"})


def are_soft_labels(schema: pa.Schema) -> bool:
    """Say whether a table is one of soft labels: by its mark, or by its columns alone."""
    return _is_marked(schema) or tuple(schema.names) == COLUMNS


def _is_marked(schema: pa.Schema) -> bool:
    try:
        said = json.loads((schema.metadata or {}).get(MARK.encode(), b"{}"))
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("content") == _CONTENT


def warning_about(schema: pa.Schema, probs: str) -> tuple[str, ...]:
    """Return a warning if the column of probabilities holds soft labels."""
    if probs != COLUMNS[-1] or not are_soft_labels(schema):
        return ()
    how = "are" if _is_marked(schema) else "look like"
    return (f"The probabilities {how} soft labels from votes (labelaudit aggregate): {_ADVICE}",)
