"""Tables: bytes to blocks. The only room that knows file formats and paths."""

from __future__ import annotations

from labelaudit.tables.memory import memory_labels
from labelaudit.tables.options import ReadOptions
from labelaudit.tables.source import LabelSource, open_labels

__all__ = ["LabelSource", "ReadOptions", "memory_labels", "open_labels"]
