"""Files that appear whole or not at all, and several of them together or none.

Files are written in a room: a folder beside the outputs, with a lock that the operating system
takes away from a process that ends, however it ends. A room without a living owner is swept away by
the next run that writes to the same folder.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import secrets
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from labelaudit.errors import LabelauditError, OutputError
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

__all__ = [
    "Staged",
    "Staging",
    "is_temporary",
    "sweep",
    "target_of",
    "temporary_name",
    "unwritable",
]

_TEMPORARY = re.compile(r"\.labelaudit-[0-9a-f]{16}\.tmp")
_LOCK = "lock"
_AT_A_TIME = 8 << 20


def temporary_name() -> str:
    """Return a new name that ``sweep`` knows."""
    return f".labelaudit-{secrets.token_hex(8)}.tmp"


def is_temporary(name: str) -> bool:
    """Whether a name is one of ``temporary_name``."""
    return _TEMPORARY.fullmatch(name) is not None


def target_of(path: str) -> Path:
    """Return what a path leads to through links; a pipe or device stands for itself.

    An open pipe such as ``/dev/fd/63`` is a link to something that has no path.
    """
    given = Path(path)
    if given.exists() and not given.is_file() and not given.is_dir():
        return given
    return Path(os.path.realpath(path))


def unwritable(name: str, error: Exception) -> OutputError:
    """Return the error about an output, its name fit to be shown, that cannot be written."""
    reason = getattr(error, "strerror", None) or str(error)
    return OutputError(
        f"The output {name} cannot be written: {safe(reason)}.",
        "Free space or change the permissions there, or write elsewhere.",
    )


def sweep(folder: Path) -> None:
    """Remove what runs that were killed have left in a folder; rooms in use stay."""
    with contextlib.suppress(OSError):  # whoever may not read the folder has left nothing there
        for entry in os.scandir(folder):
            if is_temporary(entry.name):
                with contextlib.suppress(OSError):  # somebody else's, or just being swept
                    _sweep_one(Path(entry.path), is_room=entry.is_dir(follow_symlinks=False))


def _sweep_one(path: Path, *, is_room: bool) -> None:
    if not is_room:
        path.unlink()
        return
    try:
        lock = os.open(path / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        path.rmdir()
        return
    try:
        if _locked(lock, wait=False):
            _empty(path)
    finally:
        os.close(lock)


def _empty(room: Path) -> None:
    """Remove a room; the lock goes last, so that half a room is still one."""
    for path in sorted(room.iterdir(), key=lambda path: path.name == _LOCK):
        path.unlink()
    room.rmdir()


def _locked(descriptor: int, *, wait: bool) -> bool:
    """Take the lock; False if another process has it, or there are no locks on this disk."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Room:
    """A folder for files that are not yet where they belong, locked while its owner lives."""

    path: Path
    lock: int

    @classmethod
    def beside(cls, folder: Path) -> _Room:
        """Make one in a folder, after those that are left over there have been removed."""
        sweep(folder)
        while True:
            path = folder / temporary_name()
            path.mkdir(0o700)
            try:
                lock = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            except FileNotFoundError:  # swept away before it had a lock
                continue
            _locked(lock, wait=True)
            if os.fstat(lock).st_nlink:
                return cls(path, lock)
            os.close(lock)

    def close(self) -> None:
        """Remove it with all that is in it."""
        with contextlib.suppress(FileNotFoundError):
            _empty(self.path)
        os.close(self.lock)


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that is written and not yet where it belongs.

    Attributes
    ----------
    path : str
        As the user named it.
    temporary, target : Path
        Where it is, and where it belongs.
    backup : Path
        Where an older file of that name is kept until all files are in their places.
    """

    path: str
    temporary: Path
    target: Path
    backup: Path

    def move(self, *, keep: bool) -> None:
        """Move the file to its place, and keep the one that was there if asked to."""
        if keep and self.target.exists():
            try:
                self.backup.hardlink_to(self.target)
            except OSError:  # not every disk has links, and not every file may be linked
                shutil.copy2(self.target, self.backup)
        self.temporary.replace(self.target)

    def undo(self) -> None:
        """Put back what was there before ``move``, however far that came."""
        if self.temporary.exists():
            return
        if self.backup.exists():
            self.backup.replace(self.target)
        else:
            self.target.unlink(missing_ok=True)


class _SetOut(io.FileIO):
    """A file whose bytes set out for the disk while later ones are still to be written.

    So there is little left to wait for when all of them have to be there.
    """

    _at = 0
    _sent = 0

    def write(self, data: Any) -> int:
        """Write bytes, and have the system begin with what has gathered."""
        written = super().write(data)
        self._at += written
        if self._at - self._sent >= _AT_A_TIME and hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):  # it was only advice
                os.posix_fadvise(self.fileno(), self._sent, 0, os.POSIX_FADV_DONTNEED)
            self._sent = self._at
        return written


class Staging:
    """Files written beside their final places, and moved there together.

    As a context manager it removes whatever has not been moved, however the block ends.
    """

    def __init__(self) -> None:
        self._staged: list[Staged] = []
        self._rooms: dict[Path, _Room] = {}
        self._made: list[Path] = []

    def __enter__(self) -> Self:
        return self

    @property
    def staged(self) -> tuple[Staged, ...]:
        """The files that are written so far."""
        return tuple(self._staged)

    @contextmanager
    def file(self, path: str) -> Iterator[IO[bytes]]:
        """Open a new file that ``commit`` will move to ``path``.

        A device or a pipe, which nothing can be moved over, is opened itself.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        try:
            target = target_of(path)
            if target.exists() and not target.is_file():
                with target.open("wb") as sink:
                    yield sink
                return
            each = self._place(path, target)
            self._staged.append(each)
            with io.BufferedWriter(_SetOut(each.temporary, "xb")) as sink:
                yield sink
                sink.flush()
                os.fsync(sink.fileno())
        except (BrokenPipeError, LabelauditError):
            raise
        except OSError as error:
            raise unwritable(safe(path, 200), error) from error

    def _place(self, path: str, target: Path) -> Staged:
        folder = target.parent
        if folder not in self._rooms:
            self._rooms[folder] = _Room.beside(folder)
        room, number = self._rooms[folder].path, len(self._staged)
        return Staged(path, room / f"{number}.new", target, room / f"{number}.old")

    def folder(self, path: str) -> None:
        """Make a folder for files to come; it goes again if they do not come.

        Raises
        ------
        OutputError
            If it cannot be made.
        """
        target = Path(os.path.realpath(path))
        try:
            if not target.is_dir():
                target.mkdir()
                self._made.append(target)
        except OSError as error:
            raise unwritable(safe(path, 200), error) from error

    def commit(self) -> None:
        """Move every file to its place, in the order in which they were written.

        Raises
        ------
        OutputError
            If one cannot be moved; then all are as they were.
        """
        begun: list[Staged] = []
        try:
            for each in self._staged:
                begun.append(each)
                each.move(keep=each is not self._staged[-1])
        except BaseException as error:
            if begun[-1].temporary.exists():  # else a signal came when all was done
                _undo(begun)
            if isinstance(error, OSError):
                raise unwritable(safe(begun[-1].path, 200), error) from error
            raise
        self._made.clear()
        for folder in self._rooms:
            _persist(folder)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for room in self._rooms.values():
            room.close()
        self._rooms.clear()
        self._staged.clear()
        for folder in self._made:
            with contextlib.suppress(OSError):  # something else is in it by now
                folder.rmdir()


def _undo(begun: Sequence[Staged]) -> None:
    for each in reversed(begun):
        each.undo()


def _persist(folder: Path) -> None:
    """Have the new names of files survive a power cut, where the disk can promise that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
