"""Paths, globs and folders to the list of files to read."""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from labelaudit.errors import EnvironmentalError, InputError, NothingToAuditError, UsageError
from labelaudit.tables.boundary import reading
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["FORMATS", "InputFile", "find_files"]

FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".parq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_MAGIC = (
    (b"PAR1", "parquet"),
    (b"PARE", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),
)
_OTHERS = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\x89HDF", "HDF5"),
    (b"\x93NUMPY", "NumPy"),
    (b"SQLite", "SQLite"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
)
_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file to read, and what it looked like when it was found.

    Attributes
    ----------
    path : str
        Where it is.
    name : str
        As the user named it, fit to be shown.
    format : str
        ``parquet``, ``arrow``, ``csv`` or ``jsonl``.
    size, changed : int
        Bytes, and time of the last change in nanoseconds.
    hive : tuple of (str, str)
        Folders named ``key=value`` on the way to it, which are columns.
    """

    path: str
    name: str
    format: str
    size: int
    changed: int
    hive: tuple[tuple[str, str], ...] = ()

    def check_unchanged(self) -> None:
        """Raise ``InputError`` if the file is no longer the one that was opened."""
        try:
            now = Path(self.path).stat()
        except OSError as error:
            raise InputError(
                f"{self.name} has gone away while it was read.", "Start again when it is back."
            ) from error
        if (now.st_size, now.st_mtime_ns) != (self.size, self.changed):
            raise InputError(
                f"{self.name} was changed while it was read.",
                "Start again when nothing writes to it any more.",
            )


def find_files(paths: Sequence[str]) -> tuple[InputFile, ...]:
    """Expand files, globs and folders to files, sorted by path, each once.

    Raises
    ------
    NothingToAuditError
        If nothing matched.
    InputError
        If a path is no regular file, or a file is not what its suffix says.
    UsageError
        If files are of several formats.
    """
    found: dict[str, InputFile] = {}
    for path in paths:
        for each, folder in _expand(path):
            found.setdefault(os.path.realpath(each), _input_file(each, folder))
    files = tuple(sorted(found.values(), key=lambda file: file.path))
    _check_one_format(files)
    return files


def _expand(path: str) -> Iterator[tuple[str, str]]:
    """Yield each file and the folder it was found in, or an empty string."""
    if Path(path).is_dir():
        yield from ((each, path) for each in _walk(path))
    elif os.path.lexists(path) or not _GLOB & set(path):
        yield path, ""
    else:
        for match in sorted(glob.glob(path, recursive=True)):  # noqa: PTH207 - names as typed
            yield from _expand(match) if Path(match).is_dir() else ((match, ""),)


def _walk(folder: str) -> Iterator[str]:
    """Yield the files below a folder, without hidden ones, entering no folder twice."""
    entered = {os.path.realpath(folder)}
    for root, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(
            name for name in folders if _is_data(name) and _first_time(root, name, entered)
        )
        for name in sorted(filter(_is_data, files)):
            path = os.path.join(root, name)  # noqa: PTH118 - keeps a leading ./ as typed
            if Path(path).suffix.lower() in FORMATS or not Path(path).is_file():
                yield path


def _is_data(name: str) -> bool:
    return not name.startswith((".", "_"))


def _first_time(root: str, name: str, entered: set[str]) -> bool:
    real = os.path.realpath(Path(root, name))
    if real in entered:
        return False
    entered.add(real)
    return True


def _input_file(path: str, folder: str) -> InputFile:
    name = safe(path, 300)
    try:
        state = Path(path).stat()
    except FileNotFoundError:
        raise NothingToAuditError(f"There is no file {name}.", "Check the path.") from None
    except OSError as error:
        raise EnvironmentalError(
            f"{name} cannot be looked at: {safe(error.strerror)}.", "Check the path and its rights."
        ) from error
    if not stat.S_ISREG(state.st_mode):
        raise InputError(
            f"{name} is {_kind(state.st_mode)}, not a file.",
            "Save its content to a file and give that one.",
        )
    return InputFile(
        path, name, _format(path, name), state.st_size, state.st_mtime_ns, _hive(path, folder)
    )


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "a folder"


def _hive(path: str, folder: str) -> tuple[tuple[str, str], ...]:
    if not folder:
        return ()
    parts = Path(path).relative_to(folder).parent.parts
    pairs = [part.partition("=") for part in parts if "=" in part]
    return tuple((unquote(key), unquote(value)) for key, _, value in pairs if key)


def _format(path: str, name: str) -> str:
    """Return the format by the suffix, and check it against the first bytes."""
    suffix = Path(path).suffix.lower()
    by_suffix = FORMATS.get(suffix)
    with reading(name), Path(path).open("rb") as file:
        start = file.read(8)
    if not start:
        raise NothingToAuditError(f"{name} is empty.", "Give a file with rows in it.")
    by_magic = next((format_ for magic, format_ in _MAGIC if start.startswith(magic)), None)
    if by_suffix is None and by_magic is None:
        raise InputError(
            f"{name} is {_looks(start)}, which cannot be read.",
            "Convert it to Parquet, Arrow, CSV or JSONL, with the suffix that says so.",
        )
    binary = {"parquet", "arrow"}
    if by_suffix == by_magic or by_suffix is None or (by_magic is None and by_suffix not in binary):
        return by_suffix or by_magic or ""
    looks = f"{by_magic.capitalize()} data" if by_magic else _looks(start)
    raise InputError(
        f"{name} is {looks}, not {by_suffix} as its suffix says.",
        f"Give it the right suffix, or write it again as {by_suffix}.",
    )


def _looks(start: bytes) -> str:
    kind = next((kind for magic, kind in _OTHERS if start.startswith(magic)), None)
    if kind:
        return f"{kind} data"
    text = all(byte >= 32 or byte in b"\t\r\n" for byte in start)
    return "text" if text else "of no known kind"


def _check_one_format(files: tuple[InputFile, ...]) -> None:
    if not files:
        raise NothingToAuditError(
            "No file matched.",
            "Check the path; a glob must be quoted, and a folder must hold "
            ".parquet, .arrow, .csv or .jsonl files.",
        )
    for file in files[1:]:
        if file.format != files[0].format:
            raise UsageError(
                f"{files[0].name} is {files[0].format}, but {file.name} is {file.format}.",
                "Give files of one format.",
            )
