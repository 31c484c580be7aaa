"""How JSON lines are parsed."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.json as pa_json

from labelaudit.errors import InputError
from labelaudit.tables.boundary import BROKEN_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelaudit.tables.input_file import InputFile

__all__ = ["JsonReader"]

_BLOCK = 16 << 20
_PIECE = 1 << 20
_MOST_LEVELS = 1_000
_ROW = re.compile(r" in row ([0-9]+)")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True, slots=True)
class JsonReader:
    """One JSON object a line."""

    def sniff(self, file: InputFile) -> tuple[pa.Schema, bool]:
        """Return columns and types as the first block has them, and whether there are rows."""
        for number, line in enumerate(_lines(file), 1):
            if _is_deep(line):
                raise InputError(
                    f"{file.name}, line {number} is nested more than {_MOST_LEVELS:,} levels deep.",
                    BROKEN_FILE,
                )
        with (
            _naming_lines(file, []),
            pa_json.open_json(file.source, read_options=_read_options()) as opened,
        ):
            return opened.schema, True

    def read(self, file: InputFile, fields: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Read these columns as these types."""
        options = pa_json.ParseOptions(
            explicit_schema=fields, newlines_in_values=False, unexpected_field_behavior="ignore"
        )
        before: list[int] = []
        with (
            _naming_lines(file, before),
            pa_json.open_json(
                file.source, read_options=_read_options(), parse_options=options
            ) as opened,
        ):
            for batch in opened:
                before.append(batch.num_rows)
                yield batch.select(fields.names)


@contextmanager
def _naming_lines(file: InputFile, before: list[int]) -> Iterator[None]:
    """Name the line where the parser names a row: it counts them from 0, without blank lines.

    It counts within a block; `before` holds the rows of the blocks that have been read.
    """
    try:
        yield
    except pa.ArrowInvalid as error:
        raise pa.ArrowInvalid(_ROW.sub(partial(_in_line, file, before), str(error))) from error


def _in_line(file: InputFile, before: list[int], found: re.Match[str]) -> str:
    filled = (number for number, line in enumerate(_lines(file), 1) if line.strip())
    number = next(islice(filled, sum(before) + int(found[1]), None), None)
    return found[0] if number is None else f" in line {number:,}"


def _read_options() -> pa_json.ReadOptions:
    return pa_json.ReadOptions(use_threads=False, block_size=_BLOCK)


def _lines(file: InputFile) -> Iterator[bytes]:
    """Yield the lines, until one is longer than the parser takes."""
    rest = b""
    with pa.input_stream(file.source) as opened:
        while len(rest) < _BLOCK and (piece := opened.read(_PIECE)):
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
    yield rest


def _is_deep(line: bytes) -> bool:
    """Say whether the parser, which calls itself for each level, could end the process here."""
    if len(line) < _MOST_LEVELS or line.count(b"[") + line.count(b"{") <= _MOST_LEVELS:
        return False
    marks = np.frombuffer(_STRING.sub(b"", line), np.uint8)
    opens = np.isin(marks, np.frombuffer(b"[{", np.uint8)).astype(np.int64)
    closes = np.isin(marks, np.frombuffer(b"]}", np.uint8))
    return int(np.cumsum(opens - closes).max(initial=0)) > _MOST_LEVELS
