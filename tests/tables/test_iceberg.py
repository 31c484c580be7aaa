"""Iceberg tables: the rows that count, by any of their names; pyiceberg reads them as oracle."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit.errors import InputError, NothingToAuditError, UsageError
from labelaudit.tables.opening import open_files
from labelaudit.tables.paths import find_files
from tests.in_process import FIXTURES, call

pytest.importorskip("pyiceberg", reason="pyiceberg is not installed")
sql = pytest.importorskip("pyiceberg.catalog.sql", reason="sqlalchemy is not installed")
manifest, scans, types, config = (
    pytest.importorskip(f"pyiceberg.{name}")
    for name in ("manifest", "table", "types", "utils.config")
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import DataScan, FileScanTask, Table

DIGITS = FIXTURES / "noisy/digits/data.parquet"

pytestmark = pytest.mark.filterwarnings("ignore:Delete operation did not match:UserWarning")


def digits() -> pa.Table:
    table = pq.read_table(DIGITS)
    split = np.where(np.arange(len(table)) % 3 == 0, "te st", "train")
    probs = table["pred_probs"].cast(pa.list_(pa.float32()))
    return table.set_column(2, "pred_probs", probs).append_column("split", pa.array(split))


def rows_of(address: Any) -> pa.Table:
    """Read what is live, all columns, as audits do."""
    files = find_files([str(address)])
    tables = open_files(files, lambda _: pytest.fail("no text"))
    names = tables[0].schema.names
    batches = [b for t in tables for b in t.read(range(len(t.group_rows)), names, 100)]
    first = batches[0].schema
    return pa.concat_tables([pa.Table.from_batches([batch]).cast(first) for batch in batches])


def same(found: pa.Table, oracle: pa.Table) -> bool:
    by_id = oracle.select(found.column_names).cast(found.schema).sort_by("id")
    return bool(by_id == found.sort_by("id"))


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Any]:
    made = sql.SqlCatalog("made", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}")
    made.create_namespace("space")
    yield made
    made.engine.dispose()


@pytest.fixture
def table(catalog: Any) -> Table:
    """Partitioned; then rows are deleted, a column is renamed, and one is added and filled."""
    made = catalog.create_table("space.t", schema=digits().schema)
    with made.update_spec() as spec:
        spec.add_identity("split")
    made.append(digits())
    made.delete("id >= 2000")
    with made.update_schema() as schema:
        schema.rename_column("label", "target")
        schema.add_column("extra", types.StringType())
    more = digits().slice(0, 5).append_column("extra", pa.array(list("vwxyz")))
    more = more.set_column(0, "id", pa.array(range(9000, 9005)))
    made.append(more.rename_columns(["id", "target", "pred_probs", "split", "extra"]))
    return made


@pytest.fixture
def folder(table: Table, tmp_path: Path) -> Path:
    return tmp_path / "space" / "t"


def test_deleted_rows_stay_deleted(table: Table, folder: Path) -> None:
    found = rows_of(folder)
    assert found.column_names == ["id", "target", "pred_probs", "split", "extra"]
    assert len(found) == 5 + pc.sum(pc.less(digits()["id"], 2000)).as_py()
    assert same(found, table.scan().to_arrow())
    assert found["extra"].null_count == len(found) - 5


def test_audits_are_those_of_the_live_rows(table: Table, folder: Path) -> None:
    found = labelaudit.find_issues(folder, where="split = 'train' and id < 9000", labels="target")
    live = digits().filter(pc.less(digits()["id"], 2000))
    alone = labelaudit.find_issues(live.filter(pc.equal(live["split"], "train")))
    names = [n for n in alone.table.column_names if n not in ("row", "rank")]
    assert found.table.select(names).sort_by("key") == alone.table.select(names).sort_by("key")


def test_snapshots_and_times(table: Table, folder: Path) -> None:
    first, *_, last = table.metadata.snapshots
    before = rows_of(f"{folder}?snapshot_id={first.snapshot_id}")
    assert before.column_names == ["id", "label", "pred_probs", "split"]
    assert same(before, table.scan(snapshot_id=first.snapshot_id).to_arrow())
    moment = dt.datetime.fromtimestamp(first.timestamp_ms / 1000, dt.UTC).isoformat()
    assert len(rows_of(f"iceberg://{folder}?timestamp={moment}")) == len(before)
    latest = f"latest snapshot is {last.snapshot_id}"
    for said in ("snapshot_id=5", "snapshot_id=x", "timestamp=2001-01-01"):
        with pytest.raises(UsageError, match="is not in the Iceberg table") as error:
            find_files([f"{folder}?{said}"])
        assert latest in str(error.value)
    with pytest.raises(UsageError, match="option version cannot be of"):
        find_files([f"{folder}?version=1"])


def test_by_its_catalog(
    table: Table, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYICEBERG_CATALOG__MADE__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__MADE__URI", f"sqlite:///{tmp_path}/c.db")
    monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", config.Config())  # else read at the import
    assert same(rows_of(folder), rows_of("iceberg://made/space.t"))
    with pytest.raises(NothingToAuditError, match=r"no Iceberg table space\.no in the catalog"):
        find_files(["iceberg://made/space.no"])


def test_two_newest_states(table: Table, folder: Path) -> None:
    newest = max((folder / "metadata").glob("*.metadata.json"))
    number = newest.name.partition("-")[0]
    shutil.copy(newest, folder / "metadata" / f"{number}-other.metadata.json")
    with pytest.raises(InputError, match="The catalog alone knows which of"):
        find_files([str(folder)])
    assert same(rows_of(f"iceberg://{newest}"), table.scan().to_arrow())


def test_what_swapped_names_mean(catalog: Any, tmp_path: Path) -> None:
    made = catalog.create_table("space.swap", schema=digits().schema)
    made.append(digits().slice(0, 300))
    with made.update_schema(allow_incompatible_changes=True) as schema:
        schema.delete_column("split")
    with made.update_schema() as schema:
        schema.add_column("split", types.LongType())
    found = rows_of(tmp_path / "space" / "swap")
    assert found["split"].null_count == 300
    assert found["split"].type == pa.int64()


def test_wider_numbers(catalog: Any, tmp_path: Path) -> None:
    narrow = digits().slice(0, 300).append_column("n", pa.array(range(300), pa.int32()))
    made = catalog.create_table("space.wide", schema=narrow.schema)
    made.append(narrow)
    with made.update_schema() as schema:
        schema.update_column("n", types.LongType())
    wide = narrow.set_column(4, "n", pa.array(range(300, 600), pa.int64()))
    made.append(wide.set_column(0, "id", pa.array(range(20_000, 20_300))))
    found = labelaudit.find_issues(tmp_path / "space" / "wide", keep=["n"])
    assert set(found.table["n"].to_pylist()) <= set(range(600))


def test_files_without_numbers(catalog: Any, tmp_path: Path) -> None:
    plain = tmp_path / "plain.parquet"
    pq.write_table(digits().slice(0, 300), plain)
    made = catalog.create_table("space.named", schema=digits().schema)
    made.add_files([f"file://{plain}"])
    assert same(rows_of(tmp_path / "space" / "named"), digits().slice(0, 300))
    with made.transaction() as change:
        change.remove_properties("schema.name-mapping.default")
    with pytest.raises(InputError, match="does not number its columns"):
        rows_of(tmp_path / "space" / "named")


def data_file(content: str, kind: str, path: Path, **more: Any) -> DataFile:
    return manifest.DataFile.from_args(
        content=manifest.DataFileContent[content],
        file_path=f"file://{path}",
        file_format=manifest.FileFormat[kind],
        partition=(),
        record_count=1,
        file_size_in_bytes=path.stat().st_size,
        **more,
    )


def deleting(monkeypatch: pytest.MonkeyPatch, deletes: DataFile) -> None:
    """Let plans name a file of deletes, which pyiceberg reads but does not write."""
    plan = scans.DataScan.plan_files

    def planned(scan: DataScan) -> list[FileScanTask]:
        return [scans.FileScanTask(task.file, {deletes}) for task in plan(scan)]

    monkeypatch.setattr(scans.DataScan, "plan_files", planned)


@pytest.fixture
def one(catalog: Any) -> Table:
    made = catalog.create_table("space.one", schema=digits().schema)
    made.append(digits().slice(0, 300))
    return made


GONE = [0, 7, 8, 299]


def test_positional_deletes(one: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (task,) = one.scan().plan_files()
    path = tmp_path / "deletes.parquet"
    paths = [*[task.file.file_path] * 4, "file:///elsewhere.parquet"]
    pq.write_table(pa.table({"file_path": paths, "pos": [*GONE, 5]}), path)
    deleting(monkeypatch, data_file("POSITION_DELETES", "PARQUET", path))
    left = digits().take([row for row in range(300) if row not in GONE])
    assert rows_of(tmp_path / "space" / "one").cast(left.schema) == left
    assert same(rows_of(tmp_path / "space" / "one"), one.scan().to_arrow())


def test_deletes_beyond_the_file(
    one: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (task,) = one.scan().plan_files()
    path = tmp_path / "deletes.parquet"
    pq.write_table(pa.table({"file_path": [task.file.file_path], "pos": [300]}), path)
    deleting(monkeypatch, data_file("POSITION_DELETES", "PARQUET", path))
    with pytest.raises(InputError, match="has 300 rows, and its table deletes row 300"):
        rows_of(tmp_path / "space" / "one")


def puffin(path: Path, data: str, rows: list[int]) -> None:
    """Write a deletion vector of version 3 tables."""
    container = struct.pack("<IIHHI", 12346, 1, 0, len(rows) - 1, 16)
    bitmap = struct.pack("<qi", 1, 0) + container + struct.pack(f"<{len(rows)}H", *rows)
    inner = bytes.fromhex("d1d33964") + bitmap
    blob = struct.pack(">I", len(inner)) + inner + struct.pack(">I", zlib.crc32(inner))
    described = {
        "type": "deletion-vector-v1",
        "fields": [],
        "snapshot-id": -1,
        "sequence-number": -1,
        "offset": 4,
        "length": len(blob),
        "properties": {"referenced-data-file": data, "cardinality": str(len(rows))},
    }
    footer = json.dumps({"blobs": [described]}).encode()
    end = struct.pack("<i", len(footer)) + bytes(4) + b"PFA1"
    path.write_bytes(b"PFA1" + blob + b"PFA1" + footer + end)


def test_deletion_vectors(one: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (task,) = one.scan().plan_files()
    path = tmp_path / "deletes.puffin"
    puffin(path, task.file.file_path, GONE)
    deleting(monkeypatch, data_file("POSITION_DELETES", "PUFFIN", path))
    left = digits().take([row for row in range(300) if row not in GONE])
    assert rows_of(tmp_path / "space" / "one").cast(left.schema) == left


def test_equality_deletes_are_refused(
    one: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deletes.parquet"
    pq.write_table(pa.table({"id": [1]}), path)
    deleting(
        monkeypatch,
        data_file("EQUALITY_DELETES", "PARQUET", path, equality_ids=[1]),
    )
    with pytest.raises(InputError, match="are deleted by their values"):
        find_files([str(tmp_path / "space" / "one")])

    def refusing(scan: DataScan) -> list[FileScanTask]:
        raise ValueError("PyIceberg does not yet support equality deletes: ...")

    monkeypatch.setattr(scans.DataScan, "plan_files", refusing)
    with pytest.raises(InputError, match="are deleted by their values"):
        find_files([str(tmp_path / "space" / "one")])


def test_files_that_are_not_parquet(
    one: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.orc"
    path.write_bytes(b"ORC")
    file = data_file("DATA", "ORC", path)
    monkeypatch.setattr(scans.DataScan, "plan_files", lambda _: [scans.FileScanTask(file)])
    with pytest.raises(InputError, match="is ORC, not Parquet"):
        find_files([str(tmp_path / "space" / "one")])


def test_nothing_there(catalog: Any, tmp_path: Path) -> None:
    with pytest.raises(NothingToAuditError, match="There is no Iceberg table"):
        find_files([f"iceberg://{tmp_path}/none"])
    catalog.create_table("space.empty", schema=digits().schema)
    with pytest.raises(NothingToAuditError, match="has no rows"):
        find_files([str(tmp_path / "space" / "empty")])
    broken = tmp_path / "broken" / "metadata"
    broken.mkdir(parents=True)
    (broken / "v1.metadata.json").write_text("{")
    done = call("inspect", broken.parent)
    assert done.code == 3
    assert done.err.startswith(f"labelaudit: The Iceberg table {broken.parent} cannot be read: ")
