"""How CSV is parsed."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.types as pt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelaudit.tables.input_file import InputFile

__all__ = ["CsvReader", "delimiter_of", "header_of", "parsed"]

_BLOCK = 4 << 20
_SNIFFED = 1 << 20


@dataclass(frozen=True, slots=True)
class CsvReader:
    """Comma-separated values; semicolons or tabs where the first line has no comma."""

    def sniff(self, file: InputFile) -> tuple[pa.Schema, bool]:
        """Return columns and types as the first block suggests, and whether there are rows.

        Text that looks like ``[0.1, 0.9]`` is a list of floats.
        """
        if len(_start(file).splitlines()) < 2:
            return pa.schema([]), False
        options = pc_csv.ConvertOptions(null_values=[""], strings_can_be_null=True)
        with _opened(file, options, _SNIFFED) as opened:
            first = next(opened, None)
            for field in opened.schema:
                if pt.is_binary(field.type):
                    raise ValueError(f"invalid UTF8 data in column {field.name}")
            fields = [_sniffed(field, first) for field in opened.schema]
        return pa.schema(fields), first is not None and first.num_rows > 0

    def read(self, file: InputFile, fields: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Read these columns as these types; an unquoted empty field is null."""
        stored = {
            field.name: pa.string() if pt.is_list(field.type) else field.type for field in fields
        }
        options = pc_csv.ConvertOptions(
            include_columns=fields.names,
            column_types=stored,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        with _opened(file, options) as opened:
            for batch in opened:
                columns = map(parsed, batch.columns, fields.types)
                yield pa.RecordBatch.from_arrays(list(columns), schema=fields)


def _opened(
    file: InputFile, options: pc_csv.ConvertOptions, block: int = _BLOCK
) -> pc_csv.CSVStreamingReader:
    return pc_csv.open_csv(
        file.source,
        read_options=pc_csv.ReadOptions(use_threads=False, block_size=block),
        parse_options=pc_csv.ParseOptions(delimiter=delimiter_of(file), newlines_in_values=True),
        convert_options=options,
    )


def _start(file: InputFile) -> bytes:
    with pa.input_stream(file.source) as opened:
        return bytes(opened.read(1 << 16))


def delimiter_of(file: InputFile) -> str:
    """Return what separates the fields of a file, by its first line."""
    header = _start(file).partition(b"\n")[0]
    if b"," in header:
        return ","
    return next((mark for mark in (";", "\t") if mark.encode() in header), ",")


def header_of(file: InputFile) -> list[str]:
    """Return the column names that the first line holds."""
    lines = _start(file).decode("utf-8-sig").splitlines()
    return next(csv.reader(lines[:1], delimiter=delimiter_of(file)), [])


def _sniffed(field: pa.Field, batch: pa.RecordBatch | None) -> pa.Field:
    if batch is None or not pt.is_string(field.type):
        return field
    texts = batch.column(field.name).drop_null()
    is_list = len(texts) and texts[0].as_py().startswith("[")
    return field.with_type(pa.list_(pa.float64())) if is_list else field


def parsed(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Turn text such as ``[0.1, 0.9]`` or ``[0.1 0.9]`` into a list."""
    if not pt.is_list(kind):
        return column
    inside = pc.utf8_trim(column, characters="[]() \t\r\n")
    words = pc.split_pattern_regex(inside, pattern=r"\s*[,\s]\s*")
    numbers = words.values.cast(pa.float64())
    missing = column.is_null() if column.null_count else None
    return pa.ListArray.from_arrays(words.offsets, numbers, type=kind, mask=missing)
