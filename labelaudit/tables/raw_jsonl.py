"""JSON lines as they stand in the file, so that what is not touched keeps its bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from labelaudit.errors import InputError
from labelaudit.tables.boundary import reading
from labelaudit.tables.text import BROKEN_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from labelaudit.tables.input_file import InputFile

__all__ = ["RawJsonl"]

_PIECE = 4 << 20
_BLANK = " \t\r\n"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class RawJsonl:
    """The lines of one file with a JSON object on each."""

    file: InputFile

    def records(self) -> Iterator[str]:
        """Yield each line that is not blank, without its end."""
        with (
            self.file.watched(),
            reading(self.file.name, BROKEN_TEXT),
            pa.input_stream(self.file.source) as opened,
        ):
            rest = b""
            while piece := bytes(opened.read(_PIECE)):
                *lines, rest = (rest + piece).split(b"\n")
                yield from filter(None, map(_line, lines))
            yield from filter(None, map(_line, [rest]))

    def replaced(self, line: str, values: Mapping[str, str], added: Mapping[str, str]) -> str:
        """Return an object with the values of some keys replaced and other keys added at its end.

        Parameters
        ----------
        line : str
        values, added : mapping of str to str
            JSON text by key.

        Raises
        ------
        InputError
            If the line is not one object.
        """
        if not (line.startswith("{") and line.endswith("}")):
            raise InputError(
                f"{self.file.name} has a line that is not one JSON object.",
                "Write one object on each line.",
            )
        for start, end, text in reversed(self._places(line, values) if values else []):
            line = line[:start] + text + line[end:]
        body = line[:-1].rstrip(_BLANK)
        comma = "" if body == "{" else ","
        more = (f"{_key(key)}: {text}" for key, text in added.items())
        parts = ", ".join(more)
        return f"{body}{comma} {parts}}}" if parts else line

    def _places(self, line: str, values: Mapping[str, str]) -> list[tuple[int, int, str]]:
        """Find where the values of these keys stand; a key that is there twice counts twice."""
        found = []
        try:
            at = _skip(line, 1)
            while line[at] != "}":
                key, at = _DECODER.raw_decode(line, at)
                at = _skip(line, _skip(line, at) + 1)
                _, end = _DECODER.raw_decode(line, at)
                if key in values:
                    found.append((at, end, values[key]))
                at = _skip(line, end)
                at = _skip(line, at + 1) if line[at] == "," else at
        except (ValueError, IndexError) as error:
            raise InputError(
                f"{self.file.name} has a line that is not one JSON object.",
                "Write one object on each line.",
            ) from error
        return found


def _key(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _skip(line: str, at: int) -> int:
    while line[at] in _BLANK:
        at += 1
    return at


def _line(line: bytes) -> str:
    return line.decode("utf-8").lstrip("\ufeff").strip(_BLANK)
