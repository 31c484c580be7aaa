"""Iceberg tables: metadata is read by pyiceberg, the files as all others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog import load_catalog
from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFileContent, FileFormat
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import StaticTable, Table
from pyiceberg.table.deletion_vector import deletion_vectors_from_puffin_file
from pyiceberg.table.puffin import PuffinFile
from pyiceberg.transforms import IdentityTransform

from labelaudit.errors import InputError, NothingToAuditError, UsageError
from labelaudit.tables.boundary import reading
from labelaudit.tables.iceberg_files import IcebergFiles, place_of
from labelaudit.tables.lakes import moment_of
from labelaudit.tables.live import LiveColumn, LivePart
from labelaudit.tables.remote import is_uri, names_in
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import DataScan, FileScanTask

    from labelaudit.tables.lakes import Lake

__all__ = ["iceberg_files"]

_METADATA = re.compile(r"v?([0-9]+).*\.metadata\.json$|v?([0-9]+).*\.gz\.metadata\.json$")
_REMEDY = "Check the table, the network and your credentials."


def iceberg_files(lake: Lake) -> list[tuple[str, LivePart]]:
    """Return the files of a table's snapshot, each with what of it counts.

    Raises
    ------
    NothingToAuditError
        If there is no such table.
    UsageError, InputError
        If there is no such snapshot; if it is not known which one is current; if rows are deleted
        in a way that pyiceberg cannot tell.
    """
    with reading(lake.title, _REMEDY):
        table = _table(lake)
        scan = _scan(table, lake)
        columns = _Columns(table, scan.projection())
        deleted = _Deleted(lake)
        return [
            (
                place_of(str(task.file.file_path), lake.query),
                LivePart(columns.of(task.file), deleted.of(task), int(task.file.record_count)),
            )
            for task in _planned(scan, lake)
        ]


def _planned(scan: DataScan, lake: Lake) -> Iterator[FileScanTask]:
    try:
        tasks = list(scan.plan_files())
    except (NotImplementedError, ValueError) as error:
        if "delete" not in str(error).lower():
            raise
        raise InputError(
            f"Some rows of {lake.name} are deleted by their values (equality deletes), which "
            "pyiceberg cannot read.",
            "Rewrite the table's data files (rewrite_data_files), which applies the deletes.",
        ) from error
    for task in tasks:
        if task.file.file_format != FileFormat.PARQUET:
            raise InputError(
                f"{safe(task.file.file_path, 300)} in {lake.name} is "
                f"{safe(task.file.file_format)}, not Parquet.",
                "Write the table again with Parquet files.",
            )
        yield task


def _table(lake: Lake) -> Table:
    if lake.catalog is not None:
        try:
            return load_catalog(lake.catalog or None).load_table(lake.place.replace("/", "."))
        except NoSuchTableError as error:
            raise NothingToAuditError(
                f"There is no Iceberg table {safe(lake.place)} in the catalog "
                f"{safe(lake.catalog)}.",
                "Write iceberg://catalog/namespace.table.",
            ) from error
    location = _metadata_file(lake)
    files = IcebergFiles(lake.query)
    return StaticTable(
        identifier=("", lake.place),
        metadata=FromInputFile.table_metadata(files.new_input(location)),
        metadata_location=location,
        io=files,
        catalog=NoopCatalog("static-table"),
    )


def _metadata_file(lake: Lake) -> str:
    """Return the newest metadata file of a folder, which is the one of the highest number."""
    if ".metadata.json" in lake.place.rpartition("/")[2]:
        return lake.place
    folder = f"{lake.place}/metadata"
    try:
        names = names_in(folder, lake.query) if is_uri(folder) else _names(folder)
    except FileNotFoundError:
        names = []
    found: dict[int, list[str]] = {}
    for name in names:
        match = _METADATA.match(name)
        if match is not None:
            found.setdefault(int(match[1] or match[2]), []).append(name)
    if not found:
        raise NothingToAuditError(f"There is no {lake.name[4:]}.", "Check the address.")
    newest = found[max(found)]
    if len(newest) > 1:
        raise InputError(
            f"The catalog alone knows which of {safe(', '.join(sorted(newest)), 300)} is the state "
            f"of {lake.name}.",
            "Name the table in its catalog, iceberg://catalog/namespace.table, or one of these "
            "files, iceberg:///folder/metadata/FILE.",
        )
    return f"{folder}/{newest[0]}"


def _names(folder: str) -> list[str]:
    return [path.name for path in Path(folder).iterdir()]


def _scan(table: Table, lake: Lake) -> DataScan:
    number, moment = lake.chosen("snapshot_id"), lake.chosen("timestamp")
    if number is not None:
        if not number.isascii() or not number.isdigit() or not table.snapshot_by_id(int(number)):
            _no_snapshot(f"The snapshot {safe(number, 40)}", table, lake)
        return table.scan(snapshot_id=int(number))
    if moment is None:
        return table.scan()
    snapshot = table.snapshot_as_of_timestamp(_milliseconds(moment))
    if snapshot is None:
        _no_snapshot(f"A snapshot of {safe(moment, 60)}", table, lake)
    return table.scan(snapshot_id=snapshot.snapshot_id)


def _no_snapshot(said: str, table: Table, lake: Lake) -> NoReturn:
    latest = table.current_snapshot()
    raise UsageError(
        f"{said} is not in {lake.name}.",
        f"Its latest snapshot is {latest.snapshot_id}." if latest else "It has none.",
    )


def _milliseconds(moment: str) -> int:
    return int(moment_of(moment).timestamp() * 1000)


class _Columns:
    """Which columns a table has, and where its files have them."""

    def __init__(self, table: Table, schema: Schema) -> None:
        self.fields = list(zip(schema.fields, schema_to_pyarrow(schema), strict=True))
        mapping = table.name_mapping()
        entries = () if mapping is None else mapping.root
        self.names = {each.field_id: tuple(each.names) for each in entries}
        self.table = table

    def of(self, file: DataFile) -> tuple[LiveColumn, ...]:
        """Return the columns of one file, with the values that it need not hold."""
        known = self._partition(file)
        return tuple(
            LiveColumn(
                arrow,
                field.field_id,
                self.names.get(field.field_id, ()),
                _scalar(known.get(field.field_id, field.initial_default), arrow.type),
            )
            for field, arrow in self.fields
        )

    def _partition(self, file: DataFile) -> dict[int, Any]:
        spec = self.table.specs()[file.spec_id]
        return {
            part.source_id: file.partition[i]
            for i, part in enumerate(spec.fields)
            if isinstance(part.transform, IdentityTransform)
        }


def _scalar(value: Any, kind: pa.DataType) -> pa.Scalar | None:
    return None if value is None else pa.scalar(value, kind)


class _Deleted:
    """Which rows of which files are deleted; files that say so are read once."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.known: dict[str, dict[str, npt.NDArray[np.int64]]] = {}

    def of(self, task: FileScanTask) -> npt.NDArray[np.int64]:
        """Return the 0-based rows of a file that are deleted, ascending."""
        path = str(task.file.file_path)
        found = [self._said_by(each).get(path) for each in task.delete_files]
        rows = [each for each in found if each is not None]
        return np.unique(np.concatenate(rows)) if rows else np.zeros(0, np.int64)

    def _said_by(self, file: DataFile) -> dict[str, npt.NDArray[np.int64]]:
        place = str(file.file_path)
        if file.content != DataFileContent.POSITION_DELETES:
            raise InputError(
                f"Some rows of {self.lake.name} are deleted by their values (equality deletes).",
                "Rewrite the table's data files (rewrite_data_files), which applies the deletes.",
            )
        if place not in self.known:
            with IcebergFiles(self.lake.query).new_input(place).open() as source:
                whole = source.read()
            puffin = file.file_format == FileFormat.PUFFIN
            self.known[place] = _vectors(whole) if puffin else _positions(whole)
        return self.known[place]


def _positions(whole: bytes) -> dict[str, npt.NDArray[np.int64]]:
    said = pq.ParquetFile(pa.BufferReader(whole)).read(["file_path", "pos"])
    paths, places = np.array(said["file_path"].to_pylist(), object), said["pos"].to_pylist()
    where = np.array(places, np.int64)
    return {path: where[paths == path] for path in dict.fromkeys(paths.tolist())}


def _vectors(whole: bytes) -> dict[str, npt.NDArray[np.int64]]:
    return {
        vector.referenced_data_file: np.array(vector.to_vector().to_pylist(), np.int64)
        for vector in deletion_vectors_from_puffin_file(PuffinFile(whole))
    }
