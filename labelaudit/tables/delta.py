"""Delta tables: the log is read by deltalake, the files as all others."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from labelaudit.errors import InputError, NothingToAuditError, UsageError
from labelaudit.tables.arrays import bits
from labelaudit.tables.boundary import reading
from labelaudit.tables.lakes import moment_of
from labelaudit.tables.live import LiveColumn, LivePart
from labelaudit.tables.object_stores import plain_address, store_settings
from labelaudit.tables.remote import is_uri, local_path
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.tables.lakes import Lake

__all__ = ["delta_files"]

_PHYSICAL = b"delta.columnMapping.physicalName"
_ID = b"delta.columnMapping.id"
_REMEDY = "Check the table, the network and your credentials."
_NOTHING = np.zeros(0, np.int64)


def delta_files(lake: Lake) -> list[tuple[str, LivePart]]:
    """Return the files of a table's version, each with what of it counts.

    Raises
    ------
    NothingToAuditError
        If there is no such table.
    UsageError, InputError
        If there is no such version; if it cannot be read.
    """
    with reading(lake.title, _REMEDY):
        table = _opened(lake)
        schema = pa.schema(table.schema().to_arrow())
        numbered = table.metadata().configuration.get("delta.columnMapping.mode") == "id"
        deleted = _deleted(table)
        found = []
        for path, rows, values in _adds(table):
            columns = tuple(_column(field, values, by_id=numbered) for field in schema)
            place = _place(path, lake)
            gone = deleted.pop(_key(path, table.table_uri), _NOTHING)
            found.append((place, LivePart(columns, gone, rows)))
        if deleted:
            raise InputError(
                f"Deleted rows of {lake.name} are in files that are not found in it.",
                "Rewrite the table without deletion vectors (REORG TABLE ... APPLY (PURGE)).",
            )
        return found


def _opened(lake: Lake) -> DeltaTable:
    address = plain_address(lake.place) if is_uri(lake.place) else lake.place
    settings = store_settings(lake.place, lake.query) if is_uri(lake.place) else {}
    try:
        table = DeltaTable(address, storage_options=settings)
    except TableNotFoundError as error:
        raise NothingToAuditError(f"There is no {lake.name[4:]}.", "Check the address.") from error
    version, moment = lake.chosen("version"), lake.chosen("timestamp")
    if version is not None:
        _to_version(table, version, lake)
    elif moment is not None:
        _to_moment(table, moment, lake)
    return table


def _to_version(table: DeltaTable, version: str, lake: Lake) -> None:
    latest = table.version()
    if not version.isascii() or not version.isdigit() or int(version) > latest:
        raise UsageError(
            f"The version {safe(version, 40)} is none of {lake.name}.",
            f"Give a number from 0 to {latest}.",
        )
    try:
        table.load_as_version(int(version))
    except DeltaError as error:
        raise InputError(
            f"The version {version} of {lake.name} can no longer be read.",
            f"Its log or files may be cleaned up; the latest version is {latest}.",
        ) from error


def _to_moment(table: DeltaTable, said: str, lake: Lake) -> None:
    moment = moment_of(said)
    # The first version is what deltalake takes for any time before it.
    made = {entry.get("version"): entry.get("timestamp") for entry in table.history()}
    table.load_as_version(moment)
    first = made.get(table.version())
    if first is not None and first > moment.timestamp() * 1000:
        raise UsageError(
            f"{lake.title} did not exist at {safe(said, 60)}.",
            "Give a later time.",
        )


def _adds(table: DeltaTable) -> Iterator[tuple[str, int | None, dict[str, pa.Scalar]]]:
    """Yield each file's path in the log, its rows, and the values of its partition columns."""
    adds = pa.table(table.get_add_actions()).combine_chunks()
    partition = adds["partition"] if "partition" in adds.column_names else None
    for i, path in enumerate(adds["path"].to_pylist()):
        values = {} if partition is None else dict(partition[i].items())
        yield path, adds["num_records"][i].as_py(), values


def _column(field: pa.Field, values: dict[str, pa.Scalar], *, by_id: bool) -> LiveColumn:
    said = field.metadata or {}
    physical = said.get(_PHYSICAL, field.name.encode()).decode()
    number = int(said[_ID]) if by_id and _ID in said else None
    value = values.get(field.name, values.get(physical))
    if value is not None:
        value = value.cast(field.type)
    return LiveColumn(field, number, (physical,), value)


def _deleted(table: DeltaTable) -> dict[str, npt.NDArray[np.int64]]:
    """Return the rows that deletion vectors leave out, by file."""
    found = pa.table(table.deletion_vectors())
    return {
        _key(path.as_py(), table.table_uri): np.flatnonzero(
            ~bits(kept.values.buffers()[1], kept.values.offset, len(kept.values))
        ).astype(np.int64)
        for path, kept in zip(found["filepath"], found["selection_vector"], strict=True)
    }


def _key(path: str, root: str) -> str:
    """Return a file's address in one writing."""
    whole = path if is_uri(path) else f"{root.rstrip('/')}/{path.lstrip('/')}"
    return unquote(whole)


def _place(path: str, lake: Lake) -> str:
    """Return where a file is that the log names: below the table, or anywhere."""
    if is_uri(path):
        local = local_path(path)
        return local if local is not None else unquote(path) + lake.query
    inside = unquote(path)
    if PurePosixPath(inside).is_absolute():
        return inside
    return f"{lake.place.rstrip('/')}/{inside}{lake.query}"
