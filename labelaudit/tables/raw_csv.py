"""CSV records as they stand in the file, so that what is not touched keeps its bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from labelaudit.errors import InputError
from labelaudit.tables.boundary import reading
from labelaudit.tables.csv import delimiter_of
from labelaudit.tables.text import BROKEN_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from labelaudit.tables.input_file import InputFile

__all__ = ["RawCsv", "RawRecord", "cell"]

_PIECE = 4 << 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record: its bytes without the line end, and the line end."""

    body: bytes
    end: bytes


@dataclass(frozen=True, slots=True)
class RawCsv:
    """The records of one CSV file.

    Attributes
    ----------
    file : InputFile
    delimiter : str
    """

    file: InputFile
    delimiter: str

    @classmethod
    def of(cls, file: InputFile) -> RawCsv:
        """Look at the first line of a file."""
        with reading(file.name):
            return cls(file, delimiter_of(file))

    def records(self) -> Iterator[RawRecord]:
        """Yield the header and then each record that is not blank."""
        pattern = _record_pattern(self.delimiter)
        with (
            self.file.watched(),
            reading(self.file.name, BROKEN_TEXT),
            pa.input_stream(self.file.source) as opened,
        ):
            rest = b""
            while piece := bytes(opened.read(_PIECE)):
                found, rest = _split(pattern, rest + piece, last=False)
                yield from found
            found, rest = _split(pattern, rest, last=True)
            yield from found
        if rest:
            raise InputError(f"{self.file.name} ends inside of a quoted field.", BROKEN_TEXT)

    def fields(self, body: bytes) -> list[bytes]:
        """Return the fields of a record, quotes and all."""
        pattern = _field_pattern(self.delimiter)
        found, at = [], 0
        while True:
            match = pattern.match(body, at)
            end = match.end() if match else at
            found.append(body[at:end])
            if end >= len(body):
                return found
            at = end + 1

    def replaced(self, body: bytes, fields: Mapping[int, bytes], added: Sequence[bytes]) -> bytes:
        """Return a record with some fields replaced and others added at its end."""
        if fields:
            parts = self.fields(body)
            for place, text in fields.items():
                parts[place] = text
            body = self.delimiter.encode().join(parts)
        return self.delimiter.encode().join((body, *added))


def _field_pattern(delimiter: str) -> re.Pattern[bytes]:
    mark = re.escape(delimiter).encode()
    plain = b"[^%s\\r\\n]*+" % mark
    return re.compile(b'(?:"(?:[^"]|"")*+"%s|(?!")%s)' % (plain, plain))


def _record_pattern(delimiter: str) -> re.Pattern[bytes]:
    field = _field_pattern(delimiter).pattern
    mark = re.escape(delimiter).encode()
    return re.compile(b"(%s(?:%s%s)*+)(\\r\\n|\\n|\\r|\\Z)" % (field, mark, field))


def _split(pattern: re.Pattern[bytes], text: bytes, *, last: bool) -> tuple[list[RawRecord], bytes]:
    """Return the records of a piece of the file, and what may go on in the next piece."""
    found, at, end = [], 0, len(text)
    while at < end:
        match = pattern.match(text, at)
        if match is None or (match.end() == end and not last):
            break
        body, line_end = match.groups()
        if body and body != _BOM:
            found.append(RawRecord(body, line_end))
        at = match.end()
    return found, text[at:]


def cell(text: str | None, delimiter: str) -> bytes:
    """Return a value as a CSV field: quoted where it must be; null is an empty unquoted field."""
    if text is None:
        return b""
    special = not text or any(mark in text for mark in (delimiter, '"', "\r", "\n"))
    quoted = '"' + text.replace('"', '""') + '"' if special else text
    return quoted.encode()
