"""Small text files that people write: settings, classes, baselines, decisions."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

__all__ = ["small_text"]


def small_text(path: str | Path) -> str:
    """Return a file's text, without a byte order mark.

    A device may never end, and a named pipe may never begin: neither is read.

    Raises
    ------
    OSError
        If it cannot be read, or is neither a file nor a link to one.
    ValueError
        If it is not UTF-8, or the path holds a NUL.
    """
    mode = Path(path).stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file")
    return Path(path).read_text(encoding="utf-8-sig")
