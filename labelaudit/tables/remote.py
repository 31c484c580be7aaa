"""Files in object stores and on servers, by URI."""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from labelaudit.errors import MissingExtraError, NothingToAuditError, UsageError
from labelaudit.tables.boundary import reading, reason
from labelaudit.wording import safe

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.fs as pa_fs

__all__ = ["file_state", "is_uri", "local_path", "open_remote", "remote_files"]

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_BUILT_IN = frozenset({"s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs"})
_PACKAGES = {
    "http": "fsspec aiohttp",
    "https": "fsspec aiohttp",
    "adl": "fsspec adlfs",
    "az": "fsspec adlfs",
    "hf": "huggingface_hub",
    "sftp": "fsspec paramiko",
    "ssh": "fsspec paramiko",
    "github": "fsspec requests",
    "smb": "fsspec smbprotocol",
}
_REMEDY = "Check the address, the network and your credentials."


def is_uri(path: str) -> bool:
    """Say whether a path is a URI such as ``s3://bucket/data.parquet``."""
    return _URI.match(path) is not None


def local_path(uri: str) -> str | None:
    """Return the path that a ``file://`` URI stands for, None for any other."""
    if not uri.startswith("file://"):
        return None
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(uri).path)


@lru_cache(maxsize=64)
def _filesystem(uri: str) -> tuple[pa_fs.FileSystem, str]:
    import pyarrow.fs as pa_fs

    scheme = uri.partition("://")[0].lower()
    with reading(safe(uri, 300), _REMEDY):
        if scheme in _BUILT_IN:
            built_in: tuple[pa_fs.FileSystem, str] = pa_fs.FileSystem.from_uri(uri)
            return built_in
        try:
            system, path = importlib.import_module("fsspec").core.url_to_fs(uri)
        except ImportError as error:
            raise _missing(scheme, error) from error
        return pa_fs.PyFileSystem(pa_fs.FSSpecHandler(system)), path


def _missing(scheme: str, error: ImportError) -> MissingExtraError:
    """Name what has to be installed for addresses of this kind."""
    if error.name == "fsspec":
        return MissingExtraError(
            f"Reading {safe(scheme)}:// needs fsspec, which is not installed.",
            f"pip install {_PACKAGES.get(scheme, 'fsspec')}",
        )
    package = _PACKAGES.get(scheme)
    return MissingExtraError(
        f"Reading {safe(scheme)}:// needs a package that is not installed: {reason(error)}.",
        f"pip install {package}" if package else "Install what fsspec asks for.",
    )


def open_remote(uri: str) -> pa.NativeFile:
    """Open a file for reading at any place."""
    system, path = _filesystem(uri)
    return system.open_input_file(path)


def file_state(uri: str) -> tuple[int, int]:
    """Return a file's bytes and time of change in nanoseconds.

    Raises
    ------
    NothingToAuditError
        If it is not there.
    """
    system, path = _filesystem(uri)
    with reading(safe(uri, 300), _REMEDY):
        info = system.get_file_info(path)
    if not info.is_file:
        raise NothingToAuditError(f"There is no file {safe(uri, 300)}.", "Check the address.")
    return int(info.size), int(info.mtime_ns or 0)


def remote_files(uri: str) -> list[str]:
    """Return the data files below a URI, sorted; the URI itself if it is a file."""
    import pyarrow.fs as pa_fs

    if set("*?[") & set(uri):
        raise UsageError(
            f"{safe(uri, 300)} is a glob, and globs match local files only.",
            "Give the folder, or the files one by one.",
        )
    system, path = _filesystem(uri)
    with reading(safe(uri, 300), _REMEDY):
        if system.get_file_info(path).type != pa_fs.FileType.Directory:
            return [uri]
        below = system.get_file_info(pa_fs.FileSelector(path, recursive=True))
    base = path.rstrip("/")
    found = [info.path[len(base) :].lstrip("/") for info in below if info.is_file]
    return [f"{uri.rstrip('/')}/{each}" for each in sorted(found) if _is_visible(each)]


def _is_visible(path: str) -> bool:
    return not any(part.startswith((".", "_")) for part in Path(path).parts)
