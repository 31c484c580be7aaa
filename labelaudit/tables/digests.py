"""Sizes and hashes of files, near and far."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labelaudit.tables.boundary import reading
from labelaudit.tables.remote import is_uri, open_remote
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Digest", "digest"]

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Digest:
    """What a file is told by.

    Attributes
    ----------
    bytes : int
    sha256 : str
        64 hexadecimal digits.
    """

    bytes: int
    sha256: str


def digest(path: str) -> Digest:
    """Read a file, or what a URI stands for, and return its size and hash.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    size, sha = 0, hashlib.sha256()
    with reading(safe(path, 300), "Put it back, or leave the manifest out."):
        for piece in _pieces(path):
            size += len(piece)
            sha.update(piece)
    return Digest(size, sha.hexdigest())


def _pieces(path: str) -> Iterator[bytes]:
    with open_remote(path) if is_uri(path) else Path(path).open("rb") as source:
        while piece := source.read(_PIECE):
            yield piece
