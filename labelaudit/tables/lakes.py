"""Tables that are more than their files: Delta and Iceberg, whose logs say which rows count."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from labelaudit.errors import InputError, MissingExtraError, NothingToAuditError, UsageError
from labelaudit.tables.formats import FORMATS
from labelaudit.tables.object_stores import split_query
from labelaudit.tables.remote import folders_at, is_glob, is_uri, local_path, names_in, shown_uri
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from labelaudit.tables.live import LivePart

__all__ = ["Lake", "kind_of", "lake_at", "lake_files", "moment_of", "refuse_inside"]

_NAMES = {"delta": "Delta", "iceberg": "Iceberg", "hudi": "Hudi"}
_EXPLICIT = re.compile(r"(delta|iceberg)(?:\+([A-Za-z][A-Za-z0-9.]*))?://", re.IGNORECASE)
_MOMENTS = {"delta": ("version", "timestamp"), "iceberg": ("snapshot_id", "timestamp")}
_ALL_MOMENTS = frozenset({"version", "snapshot_id", "timestamp"})
_METADATA = re.compile(r"\.metadata\.json(\.gz)?$")
_LOGS = {"_delta_log": "delta", ".hoodie": "hudi"}


@dataclass(frozen=True, slots=True)
class Lake:
    """A table whose log says which of its files and rows count.

    Attributes
    ----------
    kind : {"delta", "iceberg"}
    place : str
        Its folder: a path or an address without options; of Iceberg, also a metadata file.
    query : str
        Options of the store, with their question mark, or an empty string.
    moment : tuple of (str, str)
        Which of its states is meant: ``version``, ``snapshot_id`` or ``timestamp``.
    catalog : str or None
        Of Iceberg: the catalog in which ``place`` is a name.
    """

    kind: str
    place: str
    query: str = ""
    moment: tuple[tuple[str, str], ...] = ()
    catalog: str | None = None

    @property
    def name(self) -> str:
        """The table as a message names it."""
        if self.catalog is not None:
            return f"the Iceberg table {safe(self.place, 300)}"
        shown = shown_uri(self.place) if is_uri(self.place) else safe(self.place, 4096)
        return f"the {_NAMES[self.kind]} table {shown}"

    @property
    def title(self) -> str:
        """The same at the beginning of a sentence."""
        return self.name[0].upper() + self.name[1:]

    def chosen(self, name: str) -> str | None:
        """Return a part of the moment."""
        return dict(self.moment).get(name)


def lake_at(path: str) -> Lake | None:
    """Return the table that lies at a path, None if it is no such table.

    Parameters
    ----------
    path : str
        A folder, or an address of one; or what says itself what it is: ``delta:///folder``,
        ``delta+s3://bucket/folder``, ``iceberg://catalog/namespace.table``. Options may follow:
        ``?version=3``, ``?snapshot_id=...``, ``?timestamp=...``.

    Raises
    ------
    UsageError
        If a table has no such option, or versions are asked of what has none.
    InputError
        If it is a Hudi table.
    """
    explicit = _EXPLICIT.match(path)
    if explicit is not None:
        return _explicit(explicit, path[explicit.end() :])
    place, query, moment = _without_moment(path)
    _refuse_option(place)
    of_a_page = place.lower().startswith(("http://", "https://"))
    if of_a_page or is_glob(place) or not (moment or _may_be_folder(place)):
        return None
    kind = kind_of(place, query)
    if kind is None:
        _refuse_moment(place, moment)
        return None
    return _checked(Lake(kind, place.rstrip("/") or "/", query, moment))


def _explicit(match: re.Match[str], rest: str) -> Lake:
    kind, scheme = match[1].lower(), match[2]
    address = rest if scheme is None else f"{scheme}://{rest}"
    place, query, moment = _without_moment(local_path(address) or address)
    catalog = None
    if kind == "iceberg" and scheme is None and not place.startswith("/"):
        catalog, _, place = place.partition("/")
    if not place.strip("/"):
        raise UsageError(
            f"{safe(match[0] + rest, 300)} names no table.",
            "Write delta:///folder, delta+s3://bucket/folder or iceberg://catalog/namespace.table.",
        )
    return _checked(Lake(kind, place.rstrip("/"), query, moment, catalog))


def _without_moment(path: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Split an address into the place, the options of the store, and which state is meant."""
    if not is_uri(path) and os.path.lexists(path):
        return path, "", ()
    place, query = split_query(path)
    options = parse_qsl(query[1:], keep_blank_values=True)
    moment = tuple(pair for pair in options if pair[0] in _ALL_MOMENTS)
    if not moment:
        return (place, query, ()) if is_uri(path) else (path, "", ())
    others = [pair for pair in options if pair not in moment]
    return place, f"?{urlencode(others)}" if others else "", moment


def _checked(lake: Lake) -> Lake:
    if lake.kind == "hudi":
        raise InputError(
            f"{lake.title} cannot be read: its files hold old rows too.",
            "Write its rows to Parquet files first.",
        )
    known = _MOMENTS[lake.kind]
    unknown = next((name for name, _ in lake.moment if name not in known), None)
    if unknown is not None or len(lake.moment) > 1:
        said = "several options" if unknown is None else f"the option {unknown}"
        raise UsageError(
            f"{said[0].upper()}{said[1:]} cannot be of {lake.name}.",
            f"Give one: {' or '.join(known)}.",
        )
    return lake


def moment_of(text: str) -> datetime:
    """Return the time that ``?timestamp=`` says; without a time zone it is meant in UTC.

    Raises
    ------
    UsageError
        If it says none.
    """
    try:
        # In an address, a plus stands for a blank.
        found = datetime.fromisoformat(re.sub(r"(:\d\d(?:\.\d+)?) (?=\d\d)", r"\1+", text))
    except ValueError as error:
        raise UsageError(
            f"The timestamp {safe(text, 60)} cannot be read.",
            "Write it like 2026-01-31T12:00:00Z.",
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _may_be_folder(place: str) -> bool:
    if not is_uri(place):
        return os.path.isdir(place)  # noqa: PTH112 - false for a name that is too long
    return PurePosixPath(place).suffix.lower() not in FORMATS


def kind_of(folder: str, query: str = "") -> str | None:
    """Return ``delta``, ``iceberg`` or ``hudi`` if a folder is such a table."""
    if is_uri(folder):
        present = folders_at(folder, [*_LOGS, "metadata"], query)
        log = next((_LOGS[name] for name in present if name in _LOGS), None)
        inner = names_in(f"{folder.rstrip('/')}/metadata", query) if "metadata" in present else ()
        return log or _iceberg(inner)
    for name, kind in _LOGS.items():
        if Path(folder, name).is_dir():
            return kind
    metadata = Path(folder, "metadata")
    return _iceberg(path.name for path in metadata.iterdir()) if metadata.is_dir() else None


def _iceberg(names: Iterable[str]) -> str | None:
    return "iceberg" if any(map(_METADATA.search, names)) else None


def _refuse_option(place: str) -> None:
    """Refuse what is asked of a table on this machine that it has no option for."""
    folder, _, asked = place.partition("?")
    if is_uri(place) or "=" not in asked or os.path.lexists(place) or not _may_be_folder(folder):
        return
    kind = kind_of(folder)
    if kind in _MOMENTS:
        lake = Lake(kind, folder.rstrip("/") or "/")
        raise UsageError(
            f"{lake.title} has no option '{safe(asked.partition('=')[0])}'.",
            f"Options are {' and '.join(_MOMENTS[kind])}.",
        )


def _refuse_moment(place: str, moment: tuple[tuple[str, str], ...]) -> None:
    if moment:
        raise UsageError(
            f"{safe(shown_uri(place), 300)} is no Delta or Iceberg table, which alone have "
            "versions.",
            f"Leave ?{moment[0][0]}= out.",
        )


def refuse_inside(folders: Iterable[str], query: str = "") -> None:
    """Refuse files that lie in a table with a log, which alone knows what of them counts.

    Parameters
    ----------
    folders : iterable of str
        In which files were found. Their parents count too where partitions lie in them.

    Raises
    ------
    UsageError
        If one of them is such a table, or a part of one.
    """
    seen: set[str] = set()
    for folder in folders:
        for each in _upwards(folder):
            if each in seen:
                break
            seen.add(each)
            kind = kind_of(each, query)
            if kind is not None:
                _refuse(kind, each)


def _refuse(kind: str, folder: str) -> None:
    shown = shown_uri(folder) if is_uri(folder) else safe(folder, 4096)
    raise UsageError(
        f"What is to be read lies in the {_NAMES[kind]} table {shown}, whose log says which files "
        "and rows count.",
        "Give that table itself; --where reads a part of it.",
    )


def _upwards(folder: str) -> Iterable[str]:
    """Yield a folder and those around it, as far as they can be parts of a table."""
    start = folder if is_uri(folder) else os.path.realpath(folder)
    while start.strip("/"):
        above, _, name = start.rpartition("/")
        if "=" not in name:
            yield start
        if "=" not in name and name != "data":
            return
        start = above


def lake_files(lake: Lake) -> list[tuple[str, LivePart]]:
    """Return the files that count, sorted, and what of each.

    Raises
    ------
    MissingExtraError
        If the package that reads such tables is not installed.
    NothingToAuditError
        If there is no such table or nothing in it.
    InputError
        If it cannot be read.
    """
    package = {"delta": "deltalake", "iceberg": "pyiceberg"}[lake.kind]
    try:
        if lake.kind == "delta":
            from labelaudit.tables.delta import delta_files as files_of
        else:
            from labelaudit.tables.iceberg import iceberg_files as files_of
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in (package, "arro3"):
            raise
        raise MissingExtraError(
            f"Reading {lake.name} needs {package}, which is not installed.",
            f"pip install 'labelaudit[{lake.kind}]'",
        ) from error
    found = sorted(files_of(lake), key=lambda file: file[0])
    if not found:
        raise NothingToAuditError(f"{lake.title} has no rows.", "Check its version.")
    return found
