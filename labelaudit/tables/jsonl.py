"""How JSON lines are parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.json as pa_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from labelaudit.tables.input_file import InputFile

__all__ = ["JsonReader"]

_BLOCK = 16 << 20


@dataclass(frozen=True, slots=True)
class JsonReader:
    """One JSON object a line."""

    def sniff(self, file: InputFile) -> tuple[pa.Schema, bool]:
        """Return columns and types as the first block has them, and whether there are rows."""
        with pa_json.open_json(file.source, read_options=_read_options()) as opened:
            return opened.schema, True

    def read(self, file: InputFile, fields: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Read these columns as these types."""
        options = pa_json.ParseOptions(
            explicit_schema=fields, newlines_in_values=False, unexpected_field_behavior="ignore"
        )
        with pa_json.open_json(
            file.source, read_options=_read_options(), parse_options=options
        ) as opened:
            for batch in opened:
                yield batch.select(fields.names)


def _read_options() -> pa_json.ReadOptions:
    return pa_json.ReadOptions(use_threads=False, block_size=_BLOCK)
