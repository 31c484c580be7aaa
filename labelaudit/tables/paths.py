"""Paths, globs and folders to the list of files to read."""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote

from labelaudit.errors import EnvironmentalError, InputError, NothingToAuditError, UsageError
from labelaudit.tables.boundary import reading, reason
from labelaudit.tables.far_reading import far_reading
from labelaudit.tables.formats import FORMATS, format_of
from labelaudit.tables.input_file import InputFile, state_of
from labelaudit.tables.lakes import lake_at, lake_files, refuse_inside
from labelaudit.tables.object_stores import split_query
from labelaudit.tables.remote import (
    address_of,
    is_glob,
    is_uri,
    local_path,
    open_remote,
    remote_files,
    shown_uri,
)
from labelaudit.tables.spool import spooled_input
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["find_files"]

_GLOB = frozenset("*?[")


def find_files(paths: Sequence[str]) -> tuple[InputFile, ...]:
    """Expand files, globs and folders to files, sorted by path, each once.

    Raises
    ------
    NothingToAuditError
        If nothing matched.
    InputError
        If a path is no regular file, or a file is not what its suffix says.
    UsageError
        If files are of several formats, or standard input is named twice.
    """
    if list(paths).count("-") > 1:
        raise UsageError("Standard input is named twice.", "Write - once: it is read to its end.")
    found: dict[str, InputFile] = {}
    for path in paths:
        for file in _files_at(local_path(path) or path):
            real = file.path if is_uri(file.path) else os.path.realpath(file.path)
            found.setdefault(real, file)
    files = tuple(sorted(found.values(), key=lambda file: file.path))
    _check_one_format(files)
    return files


def _files_at(path: str) -> Iterator[InputFile]:
    lake = lake_at(path) if path and "\0" not in path else None
    if lake is None:
        found = list(_expand(path))
        if len(found) != 1 or found[0][0] != path:
            refuse_inside(_folders_of(found), split_query(path)[1] if is_uri(path) else "")
        top = _glob_top(path)
        for each, folder in found:
            yield _input_file(each, folder, (folder or "-") if top is None else top)
        return
    for each, part in lake_files(lake):
        file = _input_file(each, "", "-")
        if file.format != "parquet":
            raise InputError(
                f"{file.name} in {lake.name} is {file.format}, not Parquet.",
                "Write the table again with Parquet files.",
            )
        yield replace(file, part=part)


def _glob_top(path: str) -> str | None:
    """Return the folder that a glob is looked for in; None for any other path."""
    address = address_of(path) if is_uri(path) else path
    if not is_uri(path) and (path == "-" or os.path.lexists(path)):
        return None
    start = next((i for i, letter in enumerate(address) if letter in _GLOB), None)
    if start is None or not is_glob(path):
        return None
    return address[:start].rpartition("/")[0]


def _folders_of(found: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield the folders that files are in, up to the one that was looked through."""
    for path, top in found:
        if top == "-":
            continue
        folder = (address_of(path) if is_uri(path) else path).rpartition("/")[0]
        yield folder
        while top and len(folder) > len(top.rstrip("/")):
            folder = folder.rpartition("/")[0]
            yield folder


def _expand(path: str) -> Iterator[tuple[str, str]]:
    """Yield each file and the folder it was found in, or an empty string."""
    if not path or "\0" in path:
        raise UsageError(f"{safe(repr(path))} is not a path.", "Give a file, a folder or a glob.")
    if path == "-":
        yield spooled_input(), path
    elif is_uri(path):
        yield from (
            (each, folder)
            for each, folder in remote_files(path)
            if not folder or _named_data(address_of(each))
        )
    elif os.path.isdir(path):  # noqa: PTH112 - false for a name that is too long
        yield from ((each, path) for each in _walk(path))
    elif os.path.lexists(path) or not _GLOB & set(path):
        yield path, ""
    else:
        for match in sorted(glob.glob(path, recursive=True)):  # noqa: PTH207 - names as typed
            yield from _expand(match) if Path(match).is_dir() else ((match, ""),)


def _walk(folder: str) -> Iterator[str]:
    """Yield the files below a folder, without hidden ones, entering no folder twice."""
    entered = {os.path.realpath(folder)}
    for root, folders, files in os.walk(folder, onerror=_unreadable, followlinks=True):
        folders[:] = sorted(
            name for name in folders if _is_data(name) and _first_time(root, name, entered)
        )
        for name in sorted(filter(_is_data, files)):
            path = os.path.join(root, name)  # noqa: PTH118 - keeps a leading ./ as typed
            if _named_data(name) or not Path(path).is_file():
                yield path


def _unreadable(error: OSError) -> NoReturn:
    raise EnvironmentalError(
        f"The folder {safe(error.filename, 300)} cannot be listed: {reason(error)}.",
        "Allow yourself to read it, or leave it out.",
    ) from error


def _named_data(name: str) -> bool:
    return Path(name).suffix.lower() in FORMATS


def _is_data(name: str) -> bool:
    return not name.startswith((".", "_"))


def _first_time(root: str, name: str, entered: set[str]) -> bool:
    real = os.path.realpath(Path(root, name))
    if real in entered:
        return False
    entered.add(real)
    return True


def _input_file(path: str, folder: str, top: str) -> InputFile:
    name = "standard input" if folder == "-" else _name(path)
    if not is_uri(path):
        _check_regular(path, name)
    size, changed = state_of(path)
    start = _first_bytes(path, name)
    format_ = format_of(address_of(path) if is_uri(path) else path, name, start)
    return InputFile(path, name, format_, size, changed, _hive(path, top))


def _name(path: str) -> str:
    return shown_uri(path) if is_uri(path) else safe(path, 4096)


def _first_bytes(path: str, name: str) -> bytes:
    if is_uri(path):
        with far_reading(name), open_remote(path) as remote:
            return bytes(remote.read(8))
    with reading(name), Path(path).open("rb") as file:
        return file.read(8)


def _check_regular(path: str, name: str) -> None:
    """Raise if there is no such file, or it is a pipe or device, which cannot be read twice."""
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        raise NothingToAuditError(f"There is no file {name}.", "Check the path.") from None
    except (OSError, ValueError) as error:
        raise EnvironmentalError(
            f"{name} cannot be looked at: {reason(error)}.", "Check the path and its rights."
        ) from error
    if not stat.S_ISREG(mode):
        raise InputError(
            f"{name} is {_kind(mode)}, not a file.", "Save its content to a file and give that one."
        )


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "a folder"


def _hive(path: str, top: str) -> tuple[tuple[str, str], ...]:
    """Return what the folders below ``top`` say; nothing if that is ``-``."""
    if top == "-":
        return ()
    inside = (address_of(path) if is_uri(path) else path)[len(top) :]
    parts = Path(inside).parent.parts
    pairs = [part.partition("=") for part in parts if "=" in part]
    return tuple((unquote(key), unquote(value)) for key, _, value in pairs if key)


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
