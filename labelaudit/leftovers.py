"""Temporary folders that know whether their owner lives.

The system lets go of a lock when a process ends, however it ends. A folder whose lock is free was
left behind by a process that was killed, and goes with the next one that looks. The lock is made
before its folder and goes after it, so that a folder without one belongs to nobody either.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
from pathlib import Path

__all__ = ["new_folder", "remove_folder", "sweep_folders"]

_LOCK = re.compile(r"labelaudit-[0-9a-f]{16}\.lock")
_FOLDER = re.compile(r"labelaudit-[0-9a-f]{16}")
_ATTEMPTS = 100


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
        except BaseException:  # Ctrl-C too
            remove_folder(path, lock)
            raise
        return path, lock


def remove_folder(path: Path, lock: int) -> None:
    """Remove a folder with all that is in it, and then its lock.

    The lock of a folder that cannot be removed stays, and so the next process tries again.
    """
    try:
        if _emptied(path):
            _lock_of(path).unlink(missing_ok=True)
    finally:
        os.close(lock)


def _emptied(path: Path) -> bool:
    """Remove a folder, and what threads that are still at work put there meanwhile."""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return True
    return False


def sweep_folders(base: str | Path) -> None:
    """Remove the folders of processes that are gone; those in use, and other people's, stay."""
    with contextlib.suppress(OSError):  # whoever may not read it has left nothing there
        for found in Path(base).iterdir():
            with contextlib.suppress(OSError):  # somebody else's, or just being swept
                if _LOCK.fullmatch(found.name):
                    _sweep(found.with_suffix(""))
                elif _FOLDER.fullmatch(found.name) and _forsaken(found):
                    shutil.rmtree(found, ignore_errors=True)


def _sweep(path: Path) -> None:
    lock = os.open(_lock_of(path), os.O_RDWR | os.O_NOFOLLOW)
    try:
        if _lock(lock) and _emptied(path):
            _lock_of(path).unlink()
    finally:
        os.close(lock)


def _forsaken(path: Path) -> bool:
    """Whether it is a folder as they are made here, of this user, and its lock is gone."""
    found = path.lstat()
    ours = found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700
    return ours and stat.S_ISDIR(found.st_mode) and not os.path.lexists(_lock_of(path))


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
