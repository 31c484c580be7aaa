"""Delta tables: the rows that count, whatever lies in the folder; deltalake is the oracle."""

from __future__ import annotations

import datetime as dt
import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit.errors import InputError, NothingToAuditError, UsageError
from labelaudit.tables import ReadOptions, open_labels
from labelaudit.tables.opening import open_files
from labelaudit.tables.paths import find_files
from tests.in_process import FIXTURES, call

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")

DIGITS = FIXTURES / "noisy/digits/data.parquet"


def digits() -> pa.Table:
    table = pq.read_table(DIGITS)
    split = np.where(np.arange(len(table)) % 3 == 0, "a=b/c d", "train")
    return table.append_column("split", pa.array(split))


def rows_of(address: str | Path) -> pa.Table:
    """Read what is live, all columns, as audits do."""
    files = find_files([str(address)])
    tables = open_files(files, lambda _: pytest.fail("no text"))
    names = tables[0].schema.names
    batches = [b for t in tables for b in t.read(range(len(t.group_rows)), names, 100)]
    first = batches[0].schema
    return pa.concat_tables([pa.Table.from_batches([batch]).cast(first) for batch in batches])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Partitioned, with rows deleted in version 1 and a column added in version 2."""
    path = tmp_path / "table"
    deltalake.write_deltalake(path, digits(), partition_by=["split"])
    deltalake.DeltaTable(path).delete("id >= 2000")
    more = digits().slice(0, 5).append_column("extra", pa.array(list("vwxyz")))
    more = more.set_column(0, "id", pa.array(range(9000, 9005)))
    deltalake.write_deltalake(path, more, mode="append", schema_mode="merge")
    return path


def test_deleted_rows_stay_deleted(table: Path, tmp_path: Path) -> None:
    every = pq.read_table(sorted(table.rglob("*.parquet")), partitioning=None)
    found = rows_of(table)
    assert len(every) > len(found) == 5 + pc.sum(pc.less(digits()["id"], 2000)).as_py()
    oracle = deltalake.DeltaTable(table).to_pyarrow_table().select(found.column_names)
    assert found.cast(oracle.schema).sort_by("id") == oracle.sort_by("id")


def test_audits_are_those_of_the_live_rows(table: Path) -> None:
    address = f"{table}?version=1"
    found = labelaudit.find_issues(address, keep=["split"], where="split = 'train'")
    live = digits().filter(pc.less(digits()["id"], 2000))
    alone = labelaudit.find_issues(live.filter(pc.equal(live["split"], "train")), keep=["split"])
    hidden = ["row", "rank", "file"]
    names = [name for name in alone.table.column_names if name not in hidden]
    assert found.table.select(names).sort_by("key") == alone.table.select(names).sort_by("key")
    assert found.understanding.rows_left_out == pc.sum(pc.equal(live["split"], "a=b/c d")).as_py()


def test_versions_and_times(table: Path) -> None:
    log = table / "_delta_log"
    for version, when in enumerate(("2026-01-01", "2026-02-01", "2026-03-01")):
        moment = dt.datetime.fromisoformat(when).replace(tzinfo=dt.UTC)
        file = log / f"{version:020}.json"
        actions = [json.loads(line) for line in file.read_text().splitlines()]
        for action in actions:
            if "commitInfo" in action:
                action["commitInfo"]["timestamp"] = int(moment.timestamp() * 1000)
        file.write_text("".join(json.dumps(action) + "\n" for action in actions))
        os.utime(file, (moment.timestamp(),) * 2)
    assert len(rows_of(f"{table}?version=0")) == len(digits())
    assert len(rows_of(f"{table}?version=2")) == len(rows_of(table))
    assert len(rows_of(f"{table}?timestamp=2026-01-15")) == len(digits())
    assert len(rows_of(f"{table}?timestamp=2026-02-01T01:00:00+02:00")) == len(digits())
    assert len(rows_of(f"delta://{table}?timestamp=2026-02-01T00:00:00Z")) < len(digits())
    for said, what in {
        "version=3": "version 3 is none of the Delta table",
        "version=-1": "version -1 is none of",
        "version=": "version  is none of",
        "timestamp=2025-01-01": "did not exist at 2025-01-01",
        "timestamp=now": "timestamp now cannot be read",
        "snapshot_id=3": "option snapshot_id cannot be of the Delta table",
        "version=1&timestamp=2026-02-01": "Several options cannot be of",
    }.items():
        with pytest.raises(UsageError, match=what):
            find_files([f"{table}?{said}"])


def test_a_column_added_later_is_null_before(table: Path) -> None:
    extra = rows_of(table)["extra"]
    assert sorted(extra.drop_null().to_pylist()) == list("vwxyz")
    assert extra.null_count == len(extra) - 5


def test_typed_partitions(tmp_path: Path) -> None:
    days = [dt.date(2026, 1, 1), dt.date(2026, 1, 2), None]
    kinds = {"day": pa.date32(), "flag": pa.bool_(), "number": pa.int32()}
    data = digits().slice(0, 300).drop_columns(["split"])
    for name, values in {"day": days, "flag": [True, False, None], "number": [1, 2, None]}.items():
        data = data.append_column(name, pa.array(values * 100, kinds[name]))
    deltalake.write_deltalake(tmp_path / "t", data, partition_by=list(kinds))
    found = rows_of(tmp_path / "t")
    assert {name: found.schema.field(name).type for name in kinds} == kinds
    assert found.select(data.column_names).sort_by("id") == data.cast(
        found.select(data.column_names).schema
    ).sort_by("id")
    some = open_labels([str(tmp_path / "t")], ReadOptions(where="number = 2 and flag = false"))
    assert some.rows == 100


_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(data: bytes) -> str:
    data += bytes(-len(data) % 4)
    words = [int.from_bytes(data[i : i + 4], "big") for i in range(0, len(data), 4)]
    return "".join(_LETTERS[word // 85**i % 85] for word in words for i in (4, 3, 2, 1, 0))


def vector(rows: list[int]) -> dict[str, Any]:
    """A deletion vector within the log: a roaring bitmap with one container."""
    container = struct.pack("<IIHHI", 12346, 1, 0, len(rows) - 1, 16)
    bitmap = container + struct.pack(f"<{len(rows)}H", *rows)
    body = struct.pack("<iqi", 1681511377, 1, 0) + bitmap
    return {
        "storageType": "i",
        "pathOrInlineDv": z85(body),
        "sizeInBytes": len(body),
        "cardinality": len(rows),
    }


def written(folder: Path, parts: list[pa.Table], fields: list[dict[str, Any]], **more: Any) -> Path:
    """Write a table with a log of our own: what deltalake reads but does not write."""
    (folder / "_delta_log").mkdir(parents=True)
    features = ["deletionVectors", "columnMapping"]
    configuration = {"delta.enableDeletionVectors": "true", **more.get("configuration", {})}
    schema = json.dumps({"type": "struct", "fields": fields})
    actions: list[dict[str, Any]] = [
        {
            "protocol": {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": features,
                "writerFeatures": features,
            }
        },
        {
            "metaData": {
                "id": "x",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": schema,
                "partitionColumns": more.get("partitions", []),
                "configuration": configuration,
                "createdTime": 1,
            }
        },
    ]
    for i, part in enumerate(parts):
        name = f"part {i}%.parquet"
        pq.write_table(part, folder / name, row_group_size=50)
        add = {
            "path": f"part%20{i}%25.parquet",
            "partitionValues": more.get("values", {}),
            "size": (folder / name).stat().st_size,
            "modificationTime": 1,
            "dataChange": True,
            "stats": json.dumps({"numRecords": more.get("rows", len(part))}),
        }
        gone = more.get("deleted", {}).get(i)
        actions.append({"add": add | ({"deletionVector": vector(gone)} if gone else {})})
    lines = "".join(json.dumps(action) + "\n" for action in actions)
    (folder / "_delta_log" / f"{0:020}.json").write_text(lines)
    return folder


def field(name: str, kind: Any, number: int = 0, physical: str = "") -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if physical:
        metadata = {
            "delta.columnMapping.id": number,
            "delta.columnMapping.physicalName": physical,
        }
    return {"name": name, "type": kind, "nullable": True, "metadata": metadata}


FLOATS = {"type": "array", "elementType": "float", "containsNull": True}
FIELDS = [field("id", "long"), field("label", "long"), field("pred_probs", FLOATS)]


def plain() -> pa.Table:
    table = pq.read_table(DIGITS).slice(0, 300)
    return table.set_column(2, "pred_probs", table["pred_probs"].cast(pa.list_(pa.float32())))


def test_deletion_vectors(tmp_path: Path) -> None:
    data = plain()
    gone = {0: [0, 3, 49], 1: list(range(50, 100))}
    folder = written(tmp_path / "t", [data.slice(0, 120), data.slice(120)], FIELDS, deleted=gone)
    dropped = {*gone[0], *(120 + row for row in gone[1])}
    left = data.take([row for row in range(300) if row not in dropped])
    assert rows_of(folder) == left.cast(rows_of(folder).schema)
    assert pa.table(deltalake.DeltaTable(folder).scan()).sort_by("id")["id"].to_pylist() == sorted(
        left["id"].to_pylist()
    )
    found, alone = labelaudit.find_issues(folder), labelaudit.find_issues(left)
    assert found.table.drop_columns("file") == alone.table
    where = labelaudit.find_issues(folder, where="id >= 1200")
    kept = np.flatnonzero(left["id"].to_numpy() >= 1200)
    assert where.table["key"].to_pylist() == (
        labelaudit.find_issues(left.take(kept)).table["key"].to_pylist()
    )
    assert set(where.table["row"].to_pylist()) <= set(kept.tolist())


def test_a_vector_beyond_the_file(tmp_path: Path) -> None:
    folder = written(tmp_path / "t", [plain()], FIELDS, deleted={0: [5, 300]})
    with pytest.raises(InputError, match="mask length 301 exceeds numRecords 300"):
        rows_of(folder)


def test_a_file_of_another_length(tmp_path: Path) -> None:
    folder = written(tmp_path / "t", [plain()], FIELDS, rows=299)
    with pytest.raises(InputError, match="has 300 rows, and its table says 299"):
        rows_of(folder)


@pytest.mark.parametrize("mode", ["name", "id"])
def test_renamed_columns(tmp_path: Path, mode: str) -> None:
    stored = plain().rename_columns(["label", "col-9", "col-7"])
    numbers = [b"1", b"2", b"3"]
    stored = stored.cast(
        pa.schema(
            [
                f.with_metadata({"PARQUET:field_id": n})
                for f, n in zip(stored.schema, numbers, strict=True)
            ]
        )
    )
    fields = [
        field("id", "long", 1, "label"),
        field("label", "long", 2, "col-9"),
        field("pred_probs", FLOATS, 3, "col-7"),
        field("when", "date", 4, "col-8"),
        field("year", "long", 5, "col-5"),
    ]
    more = {"configuration": {"delta.columnMapping.mode": mode}, "partitions": ["year"]}
    folder = written(tmp_path / "t", [stored], fields, values={"col-5": "2026"}, **more)
    found = rows_of(folder)
    assert found.column_names == ["id", "label", "pred_probs", "when", "year"]
    assert found["id"].equals(plain()["id"])
    assert found["label"].equals(plain()["label"])
    assert found["when"].null_count == 300
    assert set(found["year"].to_pylist()) == {2026}


def test_renamed_inner_fields_are_refused(tmp_path: Path) -> None:
    inner = pa.array([{"col-5": 0.5, "col-6": 0.5}] * 300)
    stored = plain().append_column("col-4", inner)
    struct_type = {
        "type": "struct",
        "fields": [field("a", "double", 5, "col-5"), field("b", "double", 6, "col-6")],
    }
    fields = [
        field("id", "long", 1, "id"),
        field("label", "long", 2, "label"),
        field("pred_probs", FLOATS, 3, "pred_probs"),
        field("other", struct_type, 4, "col-4"),
    ]
    more = {"configuration": {"delta.columnMapping.mode": "name"}}
    folder = written(tmp_path / "t", [stored], fields, **more)
    with pytest.raises(InputError, match="Column other has other inner fields in"):
        rows_of(folder)


def test_wider_types(tmp_path: Path) -> None:
    old = plain().set_column(0, "id", plain()["id"].cast(pa.int32()))
    doubles = {"type": "array", "elementType": "double", "containsNull": True}
    fields = [field("id", "double"), field("label", "long"), field("pred_probs", doubles)]
    found = rows_of(written(tmp_path / "t", [old], fields))
    assert found["id"].type == pa.float64()
    assert found["id"].to_pylist() == plain()["id"].to_pylist()


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(NothingToAuditError, match="There is no Delta table"):
        find_files([f"delta://{tmp_path}"])
    deltalake.DeltaTable.create(tmp_path / "empty", plain().schema)
    with pytest.raises(NothingToAuditError, match="has no rows"):
        find_files([str(tmp_path / "empty")])
    log = tmp_path / "broken" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("{")
    done = call("inspect", tmp_path / "broken")
    assert done.code == 3
    assert "The Delta table" in done.err
    assert "Traceback" not in done.err


def test_a_file_that_is_gone(table: Path) -> None:
    gone = next((table / "split=train").iterdir())
    (live,) = [file.path for file in find_files([str(table)]) if file.path == str(gone)] or [None]
    if live is None:
        gone = Path(find_files([str(table)])[0].path)
    gone.unlink()
    done = call("find-issues", table)
    assert (done.code, done.err.partition("\n")[0]) == (
        5,
        f"labelaudit: There is no file {gone}.",
    )


def test_exports(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "cleaned.parquet"
    done = call("export", table, "--policy", "flag", "-o", out)
    assert (done.code, done.err.partition("\n")[0][:5]) == (0, "")
    cleaned = pq.read_table(out)
    live = rows_of(table)
    assert len(cleaned) == len(live)
    assert cleaned["id"].to_pylist() == live["id"].to_pylist()
    assert cleaned["split"].to_pylist() == live["split"].to_pylist()
