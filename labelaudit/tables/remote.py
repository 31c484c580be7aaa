"""Files in object stores and on servers, by URI."""

from __future__ import annotations

import fnmatch
import importlib
import re
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from labelaudit.errors import InputError, MissingExtraError, NothingToAuditError, UsageError
from labelaudit.tables.azure_store import AZURE
from labelaudit.tables.boundary import reason
from labelaudit.tables.far_reading import far_reading
from labelaudit.tables.google_store import GOOGLE
from labelaudit.tables.object_stores import OBJECT_STORES, object_store, split_query
from labelaudit.tables.served import demand_dataset, mark_of, present_entry
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    import pyarrow.fs as pa_fs

__all__ = [
    "address_of",
    "file_state",
    "folders_at",
    "is_glob",
    "is_uri",
    "local_path",
    "names_in",
    "open_remote",
    "remote_files",
    "shown_uri",
]

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_GLOB = re.compile(r"[*?\[]")
_GLOB_ON_SERVERS = re.compile(r"[*\[]")
_PACKAGES = {
    "http": "fsspec aiohttp",
    "https": "fsspec aiohttp",
    "adl": "fsspec adlfs",
    "hf": "huggingface_hub",
    "sftp": "fsspec paramiko",
    "ssh": "fsspec paramiko",
    "github": "fsspec requests",
    "smb": "fsspec smbprotocol",
}
_CONNECT_SECONDS = 10
_STALL_SECONDS = 30


def is_uri(path: str) -> bool:
    """Say whether a path is a URI such as ``s3://bucket/data.parquet``."""
    return _URI.match(path) is not None


def is_glob(path: str) -> bool:
    """Say whether a path or URI stands for what it matches."""
    scheme = path.partition("://")[0].lower() if is_uri(path) else ""
    literal = scheme and scheme not in OBJECT_STORES
    return (_GLOB_ON_SERVERS if literal else _GLOB).search(path) is not None


def local_path(uri: str) -> str | None:
    """Return the path that a ``file://`` URI stands for, None for any other.

    Raises
    ------
    UsageError
        If it names another machine, as ``file://folder/file`` does.
    """
    if not uri.lower().startswith("file://"):
        return None
    from urllib.parse import unquote

    host, slash, path = uri[len("file://") :].partition("/")
    if host not in ("", "localhost") or not slash:
        raise UsageError(
            f"{safe(uri, 300)} names the machine '{safe(host)}', not a folder.",
            "Write file:/// and the whole path.",
        )
    return unquote(slash + path)


def shown_uri(uri: str) -> str:
    """Return a URI fit to be shown: without passwords, and without options, which may be some."""
    address, query = split_query(uri)
    scheme, mark, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if scheme.lower() in AZURE and at:
        authority = f"{user.partition(':')[0]}@{host}"
    elif ":" in user or scheme == "s3":
        authority = host
    more = "?..." if query and scheme not in OBJECT_STORES else ""
    return safe(f"{scheme}{mark}{authority}{slash}{path}", 4096) + more


def address_of(uri: str) -> str:
    """Return a URI without its options."""
    return split_query(uri)[0]


@lru_cache(maxsize=64)
def _filesystem(uri: str) -> tuple[pa_fs.FileSystem, str]:
    scheme = uri.partition("://")[0].lower()
    with far_reading(shown_uri(uri)):
        if scheme in OBJECT_STORES:
            return object_store(uri)
        import pyarrow.fs as pa_fs

        try:
            core = importlib.import_module("fsspec").core
            system, path = core.url_to_fs(uri, **_patience(scheme))
        except ImportError as error:
            raise _missing(scheme, error) from error
        except ValueError as error:
            if "Protocol not known" not in str(error):
                raise
            raise UsageError(
                f"Nothing is known of addresses that begin with {safe(scheme)}://.",
                "Check the address, or download the file and give that.",
            ) from error
        if scheme == "hf":
            demand_dataset(system, path, shown_uri(uri))
        return pa_fs.PyFileSystem(pa_fs.FSSpecHandler(system)), path


def _patience(scheme: str) -> dict[str, Any]:
    """Return how long to wait for a server; the library's own limit is five minutes."""
    if scheme not in ("http", "https"):
        return {}
    client = importlib.import_module("aiohttp")
    timeout = client.ClientTimeout(sock_connect=_CONNECT_SECONDS, sock_read=_STALL_SECONDS)
    return {"client_kwargs": {"timeout": timeout}}


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
    with far_reading(shown_uri(uri)):
        return system.open_input_file(path)


def file_state(uri: str) -> tuple[int, int]:
    """Return a file's bytes, and its time of change in nanoseconds or what else changes with it.

    Raises
    ------
    NothingToAuditError
        If it is not there.
    """
    system, path = _filesystem(uri)
    served = _served(system)
    absent = NothingToAuditError(f"There is no file {shown_uri(uri)}.", "Check the address.")
    if served is None:
        info = _info(uri)
        if not info.is_file:
            raise absent
        return int(info.size), int(info.mtime_ns or 0)
    with far_reading(shown_uri(uri)):
        entry = present_entry(served, path)
    if entry is None or entry["type"] != "file":
        raise absent
    if entry["size"] is None:
        raise InputError(
            f"The server of {shown_uri(uri)} does not say how long the file is.",
            "Download it, and give that file.",
        )
    return int(entry["size"]), mark_of(entry)


def _served(system: pa_fs.FileSystem) -> Any:
    """Return the system of fsspec behind one of pyarrow; None if there is none."""
    return getattr(getattr(system, "handler", None), "fs", None)


def remote_files(uri: str) -> Iterator[tuple[str, str]]:
    """Yield the files that a URI stands for, sorted, each with the folder it was found in.

    Parameters
    ----------
    uri : str
        Of a file (its folder is an empty string), of a folder, whose visible files are found at
        any depth, or a glob with ``*``, ``?``, ``[...]``, or ``**`` for any folders.
    """
    address, query = split_query(uri)
    scheme = uri.partition("://")[0].lower()
    match = (_GLOB if scheme in OBJECT_STORES else _GLOB_ON_SERVERS).search(address)
    if match is None:
        yield from _below_or_itself(address, query)
        return
    start, _, pattern = address[: match.start()].rpartition("/")
    pattern += address[match.start() :]
    matches = sorted(_matches(start, pattern.split("/"), query))
    for found in matches:
        yield from _below_or_itself(found, query)
    if not matches:
        _demand_server(start + query)


def _demand_server(uri: str) -> None:
    """Raise if the server does not say what is there: listings are empty then."""
    system, path = _filesystem(uri)
    served = _served(system)
    if served is not None and not uri.startswith("hf:"):
        with far_reading(shown_uri(uri)):
            present_entry(served, path)


def _matches(folder: str, parts: list[str], query: str) -> set[str]:
    """Return what is in a folder and matches a pattern, part by part."""
    first, *rest = parts
    if first == "**":
        below = _listed(folder, query, recursive=True, only="Directory")
        inner = {folder, *(each for each in below if _is_visible(each, folder))}
        return {each for within in inner for each in _matches(within, rest or ["*"], query)}
    if not _GLOB.search(first):
        here = [f"{folder}/{first}"]
    else:
        here = [
            each
            for each in _listed(folder, query, only="Directory" if rest else "")
            if fnmatch.fnmatchcase(each.rpartition("/")[2], first) and _is_visible(each, folder)
        ]
    if not rest:
        return {each for each in here if _info(each + query).type.name != "NotFound"}
    return {each for within in here for each in _matches(within, rest, query)}


def folders_at(folder: str, names: Sequence[str], query: str) -> list[str]:
    """Return which of these folders are in a folder far away."""
    system, path = _filesystem(folder + query)
    with far_reading(shown_uri(folder + query)):
        found = system.get_file_info([f"{path.rstrip('/')}/{name}" for name in names])
    return [name for name, info in zip(names, found, strict=True) if info.type.name == "Directory"]


def names_in(folder: str, query: str) -> list[str]:
    """Return the names of what is in a folder far away."""
    return [each.rpartition("/")[2] for each in _listed(folder, query)]


def _info(uri: str) -> pa_fs.FileInfo:
    system, path = _filesystem(uri)
    with far_reading(shown_uri(uri)):
        return system.get_file_info(path)


def _listed(folder: str, query: str, *, recursive: bool = False, only: str = "") -> list[str]:
    """Return the addresses of what is in a folder: all, or only of one type of thing."""
    import pyarrow.fs as pa_fs

    system, path = _filesystem(folder + query)
    # Google's store has no folders, and pyarrow lists only those that were made one by one.
    by_files = folder.partition("://")[0].lower() in GOOGLE
    chosen = pa_fs.FileSelector(path, allow_not_found=True, recursive=recursive or by_files)
    with far_reading(shown_uri(folder + query)):
        found = system.get_file_info(chosen)
    base = path.rstrip("/")
    types = {info.path[len(base) :].strip("/"): info.type.name for info in found}
    if by_files:
        types = _with_folders(types, recursive=recursive)
    return [
        f"{folder.rstrip('/')}/{name}" for name, kind in types.items() if not only or kind == only
    ]


def _with_folders(types: dict[str, str], *, recursive: bool) -> dict[str, str]:
    """Add the folders that files lie in; without ``recursive``, leave out what is deeper."""
    above = {str(each) for name in types for each in PurePosixPath(name).parents} - {"."}
    whole = types | dict.fromkeys(above, "Directory")
    return {name: kind for name, kind in whole.items() if name and (recursive or "/" not in name)}


def _below_or_itself(address: str, query: str) -> Iterator[tuple[str, str]]:
    if _info(address + query).type.name != "Directory":
        yield address + query, ""
        return
    for each in sorted(_listed(address, query, recursive=True, only="File")):
        if _is_visible(each, address):
            yield each + query, address


def _is_visible(path: str, folder: str) -> bool:
    parts = PurePosixPath(path[len(folder) :]).parts
    return not any(part.startswith((".", "_")) for part in parts)
