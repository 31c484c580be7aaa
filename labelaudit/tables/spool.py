"""Standard input, kept in a temporary file: readers must be able to go back."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

from labelaudit.shelves import temporary_base
from labelaudit.tables.boundary import reading

__all__ = ["spooled_input"]


def spooled_input() -> str:
    """Copy standard input to a temporary file, deleted at exit, and return its path.

    The suffix says what it is by its first byte where there are no magic bytes: ``{`` is JSON
    lines, anything else CSV.
    """
    with reading("standard input", "Give a file instead."):
        first = sys.stdin.buffer.read(8)
        suffix = ".jsonl" if first.lstrip().startswith(b"{") else ".csv"
        suffix = "" if first.startswith((b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")) else suffix
        with tempfile.NamedTemporaryFile(
            dir=temporary_base(), prefix="labelaudit-", suffix=suffix, delete=False
        ) as spool:
            atexit.register(Path(spool.name).unlink, missing_ok=True)
            spool.write(first)
            shutil.copyfileobj(sys.stdin.buffer, spool, 1 << 20)
    return spool.name
