"""Every worker must see the same files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from labelaudit.errors import InputError, LabelauditError
from labelaudit.tables.input_file import InputFile, state_of
from labelaudit.tables.remote import is_uri
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from distributed import Client

    from labelaudit.tables.table import InputTable

__all__ = ["demand_sight"]

_MOST_FILES = 256
_PARTS, _PART_BYTES = 9, 1 << 14


def demand_sight(client: Client, tables: Sequence[InputTable]) -> None:
    """Have every worker look at the files, at some of them where they are many.

    Raises
    ------
    InputError
        If a worker does not see one, or sees another file in its place.
    """
    files = list(dict.fromkeys(_files(tables)))
    chosen = files[:: -(-len(files) // _MOST_FILES)]
    marks = [_content_mark(file) for file in chosen]
    for worker, complaint in sorted(client.run(_complaint, chosen, marks).items()):
        if complaint:
            raise InputError(
                f"The worker at {safe(worker)} {complaint}",
                "Every worker must see the same files under the same path and with the same times: "
                "put them on a disk that all of them share, or in a bucket.",
            )


def _content_mark(file: InputFile) -> bytes:
    """Return a digest of some bytes all over a file, and of its end, where Parquet says most.

    It is empty for what is far away, where all see the same, and for what cannot be read.
    """
    if is_uri(file.path):
        return b""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with Path(file.path).open("rb") as opened:
            for part in range(_PARTS):
                opened.seek(max(file.size - _PART_BYTES, 0) * part // (_PARTS - 1))
                digest.update(opened.read(_PART_BYTES))
    except OSError:
        return b""
    return digest.digest()


def _files(tables: Sequence[InputTable]) -> Iterator[InputFile]:
    for table in tables:
        inner = table
        while hasattr(inner, "table"):
            inner = inner.table
        file = getattr(inner, "file", None)
        if isinstance(file, InputFile):
            yield file


def _complaint(files: Sequence[InputFile], marks: Sequence[bytes]) -> str:
    """Return what is wrong with the first file that a worker does not see as it should."""
    for file, mark in zip(files, marks, strict=True):
        try:
            found = state_of(file.path)
        except (OSError, LabelauditError) as error:
            why = getattr(error, "strerror", None) or getattr(error, "found", None) or str(error)
            return f"does not see {file.name}: {safe(why, 300).rstrip('.')}."
        if found[0] != file.size:
            return f"sees another {file.name}: of {found[0]:,} bytes, and here of {file.size:,}."
        if found[1] != file.changed:
            return f"sees another {file.name}: it was changed at another time than the one here."
        if mark and _content_mark(file) != mark:
            return f"sees another {file.name}: of the same size and time, with other content."
    return ""
