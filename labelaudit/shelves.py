"""What is kept of the rows between passes: in memory, or in files of a temporary folder."""

from __future__ import annotations

import errno
import os
import pickle
import tempfile
import threading
import weakref
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from labelaudit.errors import EnvironmentalError
from labelaudit.leftovers import new_folder, remove_folder, sweep_folders
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    import numpy.typing as npt

__all__ = [
    "MemoryShelf",
    "Shelf",
    "SpillShelf",
    "TemporaryFolder",
    "loaded_arrays",
    "save_arrays",
    "size_of",
    "spilling",
    "temporary_base",
]


_ON_DISK = "/var/tmp"  # noqa: S108 - what is made there has a name that nobody can guess
_REFUSED = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EOPNOTSUPP}


class Shelf(Protocol):
    """Values under keys. What was put may be changed by nobody."""

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value in place of what was there."""

    def get(self, key: Hashable) -> Any:
        """Return a value; raise ``KeyError`` where there is none."""

    def drop(self, key: Hashable) -> None:
        """Let go of a value; do nothing where there is none."""


class MemoryShelf:
    """Everything in memory."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value in place of what was there."""
        self._values[key] = value

    def get(self, key: Hashable) -> Any:
        """Return a value; raise ``KeyError`` where there is none."""
        return self._values[key]

    def drop(self, key: Hashable) -> None:
        """Let go of a value; do nothing where there is none."""
        self._values.pop(key, None)


class TemporaryFolder:
    """A folder that is gone when it is closed, forgotten, or the process ends in good order.

    What a killed process has left is removed when another one makes such a folder.

    It is made where ``TMPDIR`` says, else in /var/tmp, which is on a disk where /tmp may be in
    memory, else where Python makes temporary files.
    """

    def __init__(self) -> None:
        self.base = temporary_base()
        with spilling(self.base):
            sweep_folders(self.base)
            self.path, lock = new_folder(self.base)
        self._remove = weakref.finalize(self, remove_folder, self.path, lock)

    @property
    def bytes(self) -> int:
        """Of all files in it."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    def close(self) -> None:
        """Remove it with all that is in it."""
        self._remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def temporary_base() -> str:
    """Return where temporary folders and files are made.

    Raises
    ------
    EnvironmentalError
        If ``TMPDIR`` names what is no folder that can be written to.
    """
    named = os.environ.get("TMPDIR")
    if not named:
        return _ON_DISK if os.access(_ON_DISK, os.W_OK | os.X_OK) else tempfile.gettempdir()
    wrong = "is not there" if not Path(named).exists() else "is not a folder"
    if Path(named).is_dir():
        if _takes_files(named):
            return named
        wrong = "cannot be written to"
    raise EnvironmentalError(
        f"Temporary files are needed, and {safe(named, 300)}, which TMPDIR names, {wrong}.",
        "Have TMPDIR name a folder that can be written to, or unset it.",
    )


def _takes_files(folder: str) -> bool:
    """Whether files can be made there; the rights to it alone do not tell (/proc)."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:  # what else may be wrong, such as a full disk, is told of when it is
        return error.errno not in _REFUSED
    return True


@contextmanager
def spilling(folder: str | Path) -> Iterator[None]:
    """Turn what goes wrong in a temporary folder into an error that says how to mend it.

    Raises
    ------
    EnvironmentalError
        If the folder cannot be written to, or its disk is full.
    """
    try:
        yield
    except OSError as error:
        raise EnvironmentalError(
            f"What does not fit in memory cannot be kept in {folder}: {error.strerror or error}.",
            "Make room there, name another folder by the variable TMPDIR, or allow more with "
            "--memory.",
        ) from error


@dataclass(frozen=True, slots=True)
class _OnDisk:
    path: Path


@dataclass(slots=True)
class SpillShelf:
    """In memory as far as a budget goes; beyond it in files of a temporary folder.

    Attributes
    ----------
    budget : int
        Bytes to keep in memory.
    """

    budget: int
    _folder: TemporaryFolder | None = None
    _values: dict[Hashable, tuple[Any, int]] = field(default_factory=dict)
    _used: int = 0
    _files: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value in place of what was there.

        Raises
        ------
        EnvironmentalError
            If the folder cannot be written to, or its disk is full.
        """
        self.drop(key)
        size = size_of(value)
        with self._lock:
            stays = self._used + size <= self.budget
            self._used += size if stays else 0
            self._files += not stays
            name = str(self._files)
            folder = None if stays else self._made()
        if folder is None:
            self._values[key] = value, size
            return
        path = folder.path / name
        with spilling(folder.path), path.open("wb") as file:
            pickle.dump(value, file, protocol=5)
        self._values[key] = _OnDisk(path), 0

    def _made(self) -> TemporaryFolder:
        """Make the folder when something goes there for the first time."""
        self._folder = self._folder or TemporaryFolder()
        return self._folder

    def get(self, key: Hashable) -> Any:
        """Return a value; raise ``KeyError`` where there is none."""
        value, _ = self._values[key]
        if isinstance(value, _OnDisk):
            with spilling(value.path.parent), value.path.open("rb") as file:
                return pickle.load(file)  # noqa: S301 - written by this process, readable by it only
        return value

    def drop(self, key: Hashable) -> None:
        """Let go of a value; do nothing where there is none."""
        value, size = self._values.pop(key, (None, 0))
        with self._lock:
            self._used -= size
        if isinstance(value, _OnDisk):
            with spilling(value.path.parent):
                value.path.unlink()

    @property
    def temporary_bytes(self) -> int:
        """What stands in files."""
        return 0 if self._folder is None else self._folder.bytes

    def close(self) -> None:
        """Remove the folder."""
        self._values.clear()
        if self._folder is not None:
            self._folder.close()


def save_arrays(path: Path, *arrays: npt.NDArray[Any]) -> None:
    """Write arrays of numbers into a file of a temporary folder.

    Raises
    ------
    EnvironmentalError
        If the folder cannot be written to, or its disk is full.
    """
    with spilling(path.parent), path.open("wb") as file:
        for array in arrays:
            _save(file, np.asarray(array, order="C"))


def _save(file: IO[bytes], array: npt.NDArray[Any]) -> None:
    """Write what ``np.save`` writes, which does not say why where the disk is full."""
    header = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(file, header)
    file.write(array.reshape(-1).view(np.uint8).data)


def loaded_arrays(path: Path) -> tuple[npt.NDArray[Any], ...]:
    """Read the arrays that ``save_arrays`` has written."""
    found = []
    with spilling(path.parent), path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(0)
        while file.tell() < end:
            found.append(np.load(file, allow_pickle=False))
    return tuple(found)


def size_of(value: Any) -> int:
    """Bytes of an array, or of the arrays that a dataclass holds, itself or in others."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    return sum(size_of(getattr(value, name)) for name in getattr(type(value), "__slots__", ()))
