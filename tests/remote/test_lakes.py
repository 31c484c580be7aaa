"""Delta and Iceberg tables in a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.fs as pa_fs
import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit.errors import UsageError
from labelaudit.tables import ReadOptions, open_labels
from tests.in_process import FIXTURES, call

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = FIXTURES / "noisy/digits/data.parquet"


def copy(store: pa_fs.S3FileSystem, folder: Path, path: str) -> None:
    for file in sorted(each for each in folder.rglob("*") if each.is_file()):
        with store.open_output_stream(f"{path}/{file.relative_to(folder)}") as sink:
            sink.write(file.read_bytes())


@pytest.fixture
def delta(store: pa_fs.S3FileSystem, tmp_path: Path) -> str:
    deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
    table = pq.read_table(DIGITS)
    table = table.append_column("split", pc.if_else(pc.less(table["id"], 1500), "a b", "c%d"))
    deltalake.write_deltalake(tmp_path / "t", table, partition_by=["split"])
    deltalake.DeltaTable(tmp_path / "t").delete("id >= 2000")
    copy(store, tmp_path / "t", "labels/delta")
    return "s3://labels/delta"


def live() -> Any:
    table = pq.read_table(DIGITS)
    return table.filter(pc.less(table["id"], 2000))


def test_delta(delta: str) -> None:
    alone = labelaudit.find_issues(live())
    for address in (delta, f"{delta}/?version=1", "delta+s3://test:test@labels/delta"):
        found = labelaudit.find_issues(address)
        names = [name for name in alone.table.column_names if name not in ("row", "rank")]
        assert found.table.select(names).sort_by("key") == alone.table.select(names).sort_by("key")
        assert all(name.startswith(delta) for name in found.understanding.files)
    assert open_labels([f"{delta}?version=0"], ReadOptions()).rows == 1797


def test_options_of_the_address(delta: str, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    asked = f"{delta.replace('//', '//who:hush@')}?endpoint_override={server}&version=0"
    found = open_labels([asked], ReadOptions())
    assert found.rows == 1797
    assert "hush" not in "".join(found.understanding.files)


def test_parts_of_it_are_refused(delta: str) -> None:
    for address in (f"{delta}/split=a%20b", f"{delta}/*/*.parquet", "s3://labels/del*"):
        with pytest.raises(UsageError, match="lies in the Delta table s3://labels/delta,"):
            open_labels([address], ReadOptions())
    with pytest.raises(UsageError, match="alone have versions"):
        open_labels(["s3://labels/digits?version=1"], ReadOptions())


def test_nothing_there(store: pa_fs.S3FileSystem) -> None:
    pytest.importorskip("deltalake", reason="deltalake is not installed")
    for address in ("delta+s3://labels/none", "delta+s3://labels/digits"):
        done = call("inspect", address)
        assert done.code == 5, done.err
        assert done.err.startswith("labelaudit: There is no Delta table s3://labels/")


def test_iceberg(store: pa_fs.S3FileSystem, server: str, tmp_path: Path) -> None:
    sql = pytest.importorskip("pyiceberg.catalog.sql", reason="pyiceberg is not installed")
    catalog = sql.SqlCatalog(
        "made",
        uri=f"sqlite:///{tmp_path}/c.db",
        warehouse="s3://labels/ice",
        **{
            "s3.endpoint": server,
            "s3.access-key-id": "test",
            "s3.secret-access-key": "test",
            "s3.region": "us-east-1",
        },
    )
    catalog.create_namespace("space")
    made = catalog.create_table("space.t", schema=live().schema)
    made.append(pq.read_table(DIGITS).cast(live().schema))
    made.delete("id >= 2000")
    found = labelaudit.find_issues("s3://labels/ice/space/t")
    alone = labelaudit.find_issues(live())
    assert found.table.equals(alone.table)
    catalog.engine.dispose()
