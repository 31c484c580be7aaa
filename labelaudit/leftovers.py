"""Temporary folders that know whether their owner lives.

The system lets go of a lock when a process ends, however it ends. A folder whose lock is free was
left behind by a process that was killed, and goes with the next one that looks.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from pathlib import Path

__all__ = ["new_folder", "remove_folder", "sweep_folders"]

_LOCK = re.compile(r"labelaudit-[0-9a-f]{16}\.lock")


def new_folder(base: str | Path) -> tuple[Path, int]:
    """Make a folder that is in use until it is removed, or this process ends.

    Returns
    -------
    Path
    int
        The descriptor of its lock.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    while True:
        path = Path(base) / f"labelaudit-{secrets.token_hex(8)}"
        lock = os.open(_lock_of(path), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        _lock(lock)
        if not os.fstat(lock).st_nlink:  # swept away before it was locked
            os.close(lock)
            continue
        try:
            path.mkdir(0o700)
        except OSError:
            remove_folder(path, lock)
            raise
        return path, lock


def remove_folder(path: Path, lock: int) -> None:
    """Remove a folder with all that is in it, and its lock."""
    shutil.rmtree(path, ignore_errors=True)
    _lock_of(path).unlink(missing_ok=True)
    os.close(lock)


def sweep_folders(base: str | Path) -> None:
    """Remove the folders of processes that are gone; those in use, and other people's, stay."""
    with contextlib.suppress(OSError):  # whoever may not read it has left nothing there
        for lock in Path(base).iterdir():
            if _LOCK.fullmatch(lock.name):
                with contextlib.suppress(OSError):  # somebody else's, or just being swept
                    _sweep(lock.with_suffix(""))


def _sweep(path: Path) -> None:
    lock = os.open(_lock_of(path), os.O_RDWR | os.O_NOFOLLOW)
    try:
        if _lock(lock):
            shutil.rmtree(path, ignore_errors=True)
            _lock_of(path).unlink()
    finally:
        os.close(lock)


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _lock(descriptor: int) -> bool:
    """Take a lock; False if another process has it, or there are no locks on this disk."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
