"""Rows that a condition leaves out: audits are those of the other rows alone."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

import labelaudit
from labelaudit.errors import InvalidDataError, NothingToAuditError, UsageError
from labelaudit.tables import ReadOptions, open_labels, parquet
from labelaudit.tables.lines import row_lines
from tests.in_process import FIXTURES, call

N = 600
WHERE = "split = 'train' and year >= 2020"


def digits():
    rng = np.random.default_rng(0)
    table = pq.read_table(FIXTURES / "noisy/digits/data.parquet").slice(0, N)
    split = np.where(rng.random(N) < 0.3, "test", "train")
    table = table.append_column("split", pa.array(split))
    return table.append_column("year", pa.array(np.repeat([2019, 2020, 2021], N // 3)))


def kept(table):
    train, year = table["split"].to_numpy() == "train", table["year"].to_numpy()
    return np.flatnonzero(train & (year >= 2020))


def saved(table, path):
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=70)
    elif path.suffix == ".arrow":
        feather.write_feather(table, path, chunksize=70, compression="uncompressed")
    elif path.suffix == ".arrows":
        with pa.ipc.new_stream(path, table.schema) as sink:
            sink.write_table(table, 70)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    else:
        names = table.schema.names
        rows = ([str(row[name]) for name in names] for row in table.to_pylist())
        lines = (",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows)
        path.write_text(",".join(names) + "\n" + "\n".join(lines) + "\n")
    return str(path)


def same(found, alone, rows):
    """Compare an audit of some rows with an audit of a table of these rows."""
    assert found.table.drop_columns("row").equals(alone.table.drop_columns("row"))
    assert found.table["row"].to_pylist() == rows[alone.table["row"].to_numpy()].tolist()
    assert found.audit.issues.row.tolist() == found.table["row"].to_pylist()
    for side in ("classes", "joint", "pairs", "groups"):
        assert getattr(found, side) == getattr(alone, side)
    assert found.understanding.rows == len(rows)
    assert found.understanding.rows_left_out == N - len(rows)


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "arrows", "csv", "jsonl", "memory"])
def test_an_audit_of_some_rows(tmp_path, suffix):
    table = digits()
    rows = kept(table)
    alone = table.take(rows)
    whole, part = table, alone
    if suffix != "memory":
        whole = saved(table, tmp_path / f"t.{suffix}")
        part = saved(alone, tmp_path / f"alone.{suffix}")
    options = {"group": "year", "keep": ["split"]}
    found = labelaudit.find_issues(whole, where=WHERE, **options)
    same(found, labelaudit.find_issues(part, **options), rows)


def test_rows_are_keys_of_the_whole_input(tmp_path):
    table = digits().drop_columns("id")
    rows = kept(table)
    found = labelaudit.find_issues(saved(table, tmp_path / "t.parquet"), where=WHERE)
    alone = labelaudit.find_issues(table.take(rows))
    assert found.table["key"].to_pylist() == rows[alone.table["key"].to_numpy()].tolist()


def test_several_files_and_folders(tmp_path):
    table = digits()
    for i, split in enumerate(("a", "b", "c")):
        (tmp_path / f"fold={split}").mkdir()
        part = table.slice(200 * i, 200)
        saved(part, tmp_path / f"fold={split}" / "t.parquet")
    test = table["split"].to_numpy() == "test"
    for where, rows in (
        ("fold in ('a', 'c')", np.r_[0:200, 400:600]),
        ("fold != 'a' and year = 2020", np.r_[200:400]),
        ("fold = 'b' or split = 'test'", np.flatnonzero(test | (np.arange(N) // 200 == 1))),
    ):
        found = labelaudit.find_issues(tmp_path, where=where)
        alone = labelaudit.find_issues(table.take(rows))
        assert found.table["row"].to_pylist() == rows[alone.table["row"].to_numpy()].tolist()
        assert found.table["key"].equals(alone.table["key"])
        assert found.understanding.rows_left_out == N - len(rows)


def test_row_groups_that_cannot_match_are_not_read(tmp_path, monkeypatch):
    path = saved(digits(), tmp_path / "t.parquet")
    read = []
    plain = parquet.ParquetTable.read

    def told(self, groups, columns, batch_rows):
        read.extend((group, name) for group in groups for name in columns)
        return plain(self, groups, columns, batch_rows)

    monkeypatch.setattr(parquet.ParquetTable, "read", told)
    labelaudit.find_issues(path, where="year = 2021")
    assert {group for group, _ in read} == {5, 6, 7, 8}


def test_bytes_to_read_are_those_of_the_groups_in_use(tmp_path):
    path = saved(digits(), tmp_path / "t.parquet")
    every = open_labels([path], ReadOptions()).bytes_to_read
    some = open_labels([path], ReadOptions(where="year = 2021")).bytes_to_read
    assert 0.3 * every < some < 0.6 * every


def test_multilabel_rows_and_their_tables(tmp_path):
    rng = np.random.default_rng(1)
    probs = rng.random((N, 3))
    tags = [[name for name, p in zip("abc", row, strict=True) if p > 0.5] for row in probs]
    for row in range(0, N, 37):
        tags[row] = [name for name in "abc" if name not in tags[row]]
    table = pa.table({"labels": tags, "probs": list(probs), "even": np.arange(N) % 2 == 0})
    options = {"classes": ["a", "b", "c"], "group": "even", "candidates": True, "relations": True}
    found = labelaudit.find_issues(table, where="even = true", **options)
    rows = np.arange(0, N, 2)
    alone = labelaudit.find_issues(table.take(rows), **options)
    assert len(alone.table) > 5
    for name in ("table", "rows"):
        here, there = getattr(found, name), getattr(alone, name)
        assert here["row"].to_pylist() == rows[there["row"].to_numpy()].tolist()
        assert here["key"].to_pylist() == here["row"].to_pylist()
    assert found.groups == alone.groups


def test_problems_name_rows_of_the_whole_input(tmp_path):
    table = digits()
    rows = kept(table)
    probs = np.stack(table["pred_probs"].to_pylist()).astype(np.float64)
    probs[rows[3]] = np.nan
    table = table.set_column(
        table.schema.get_field_index("pred_probs"), "pred_probs", [list(probs)]
    )
    with pytest.raises(InvalidDataError, match=rf"\(row {rows[3]}\)"):
        labelaudit.find_issues(table, where=WHERE)
    labelaudit.find_issues(table, where=f"not ({WHERE})")


def test_votes():
    rng = np.random.default_rng(2)
    table = pa.table(
        {
            "task": np.repeat(np.arange(100), 5),
            "worker": np.tile(list("vwxyz"), 100),
            "label": rng.choice(["cat", "dog"], 500),
            "batch": np.repeat([1, 2], 250),
        }
    )
    found = labelaudit.aggregate(table, where="batch = 2", method="majority")
    alone = labelaudit.aggregate(table.slice(250), method="majority")
    assert found.consensus == alone.consensus
    assert (found.understanding.rows, found.understanding.rows_left_out) == (250, 250)


def test_tasks_of_a_wide_table_are_rows_of_the_whole_input():
    table = pa.table({f"rater_{i}": ["a", "b", "a", "b"] * 5 for i in range(3)})
    table = table.append_column("late", [[False] * 10 + [True] * 10])
    found = labelaudit.aggregate(table, worker="rater_*", where="late = true")
    assert found.consensus["task"].to_pylist() == list(range(10, 20))


def test_what_a_condition_is_about_is_no_worker():
    table = pa.table({"task": range(4), "ann": list("aabb"), "bob": list("abab"), "batch": [1] * 4})
    found = labelaudit.aggregate(table, where="batch = 1")
    assert found.understanding.worker_columns == ("ann", "bob")


def test_lines_of_a_text_file(tmp_path):
    path = saved(digits(), tmp_path / "t.csv")
    source = open_labels([path], ReadOptions(where="year = 2021"))
    assert row_lines(source.tables) == {path: 2}


def test_what_cannot_be(tmp_path):
    path = saved(digits(), tmp_path / "t.parquet")
    with pytest.raises(UsageError, match="There is no column splt for where=") as error:
        labelaudit.find_issues(path, where="splt = 'a'")
    assert error.value.remedy.startswith("Did you mean split?")
    with pytest.raises(NothingToAuditError, match="holds for none of 600 rows"):
        labelaudit.find_issues(path, where="split = 'nope'")
    with pytest.raises(UsageError, match="where is of type int"):
        labelaudit.find_issues(path, where=3)


def test_commands(tmp_path):
    path = saved(digits(), tmp_path / "t.parquet")
    done = call("inspect", path, "--where", WHERE)
    out = N - len(kept(digits()))
    assert done.code == 0
    assert f"Where     {WHERE} ({out} rows left out)" in done.out
    outputs = ["-o", tmp_path / "s.json", "-o", tmp_path / "manifest.json"]
    page = ["-o", tmp_path / "r.html"]
    done = call("find-issues", path, "--where", WHERE, *outputs, *page)
    assert done.code == 0
    mapping = json.loads((tmp_path / "s.json").read_text())["mapping"]
    assert (mapping["where"], mapping["rows_left_out"]) == (WHERE, out)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["rows_left_out"] == out
    assert f"({out} rows left out)" in (tmp_path / "r.html").read_text()
    assert "--where" in done.out
    done = call("find-issues", path, "--where", WHERE, "--dry-run")
    assert f"A dry run: {N - out} rows would be audited" in " ".join(done.out.split())
    done = call("check", path, "--where", WHERE, "--require", f"rows == {N - out}", "-q")
    assert done.code == 0
    done = call("export", path, "--where", WHERE, "--policy", "flag", "-o", tmp_path / "c.csv")
    assert done.code == 2
