"""Lazy tables: run once and in batches, and results as other libraries read them."""

from __future__ import annotations

import gc
import pickle
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit.errors import InputError, MissingExtraError
from labelaudit.tables import streams
from labelaudit.tables.streams import spooled_table
from tests.in_process import FIXTURES

DIGITS = FIXTURES / "noisy/digits/data.parquet"
VOTES = FIXTURES / "noisy/votes/data.parquet"


@pytest.fixture
def spools(tmp_path, monkeypatch):
    """The folder for temporary files, which must be empty in the end."""
    folder = tmp_path / "spools"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    gc.collect()
    assert list(folder.iterdir()) == []


def lazy(kind, table):
    if kind == "polars":
        return pl.from_arrow(table).lazy()
    if kind == "duckdb":
        return duckdb.from_arrow(table)
    if kind == "reader":
        return table.to_reader(max_chunksize=100)
    return pytest.importorskip("datasets").Dataset(table)


KINDS = ["polars", "duckdb", "reader", "datasets"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_lazy_table_is_audited_as_the_table(spools, kind):
    table = pq.read_table(DIGITS)
    data = lazy(kind, table)
    found = labelaudit.find_issues(data, keep=["id"], where="label != 9")
    whole = labelaudit.find_issues(table, keep=["id"], where="label != 9")
    assert found.table.equals(whole.table)
    assert found.understanding.format == "memory"


@pytest.mark.parametrize("kind", KINDS)
def test_lazy_votes(spools, kind):
    table = pq.read_table(VOTES)
    found = labelaudit.aggregate(lazy(kind, table), method="majority")
    whole = labelaudit.aggregate(table, method="majority")
    assert found.consensus.to_pylist() == whole.consensus.to_pylist()


@pytest.mark.parametrize("kind", KINDS)
def test_only_columns_in_use_are_kept_and_in_batches(spools, monkeypatch, kind):
    monkeypatch.setattr(streams, "_BATCH_ROWS", 100)
    monkeypatch.setattr(streams, "_GROUP_ROWS", 200)
    table = pq.read_table(DIGITS)
    table = table.append_column("blob", pa.array([b"x" * 5000] * len(table)))
    spooled = spooled_table(lazy(kind, table), lambda _: ("label", "pred_probs"))
    assert spooled is not None
    assert spooled.schema.names == ["label", "pred_probs"]
    assert len(spooled.group_rows) >= 5
    assert max(spooled.group_rows) <= 400
    (file,) = spools.iterdir()
    assert file.stat().st_size < 500_000
    again = pickle.loads(pickle.dumps(spooled))
    del again
    assert file.exists()
    rows = spooled.take(np.array([3, 1000]), ["label"])["label"].to_pylist()
    assert rows == [table["label"][3].as_py(), table["label"][1000].as_py()]


def test_a_query_is_run_once(spools):
    runs = []
    table = pl.read_parquet(DIGITS)

    def told(frame):
        runs.append(len(frame))
        return frame

    data = table.lazy().map_batches(told, schema=table.schema)
    labelaudit.find_issues(data)
    assert [rows for rows in runs if rows] == [len(table)]


def test_a_selection_of_a_dataset_is_what_is_audited(spools):
    datasets = pytest.importorskip("datasets")
    table = pq.read_table(DIGITS)
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(table))[:800]
    chosen = datasets.Dataset(table).select(rows)
    found = labelaudit.find_issues(chosen)
    assert found.table.equals(labelaudit.find_issues(table.take(rows)).table)
    filtered = datasets.Dataset(table).filter(
        lambda labels: [label < 5 for label in labels], input_columns="label", batched=True
    )
    assert labelaudit.find_issues(filtered, classes=[str(i) for i in range(10)]).audit.rows == (
        np.count_nonzero(table["label"].to_numpy() < 5)
    )


def test_class_names_of_a_dataset(spools):
    datasets = pytest.importorskip("datasets")
    names = ["cat", "dog"]
    labels = np.array([0, 1] * 30)
    probs = np.where(labels[:, None] == [0, 1], 0.9, 0.1)
    labels[4] = 1
    features = datasets.Features(
        {
            "label": datasets.ClassLabel(names=names),
            "probs": datasets.Sequence(datasets.Value("float64")),
        }
    )
    data = datasets.Dataset.from_dict({"label": labels, "probs": probs}, features=features)
    found = labelaudit.find_issues(data)
    assert found.understanding.classes == ("cat", "dog")
    assert found.table["row"].to_pylist() == [4]


def test_what_fails_is_said(spools, monkeypatch):
    bad = duckdb.sql("select error('no such luck') as label, [0.5, 0.5] as probs from range(3)")
    with pytest.raises(InputError, match=r"the table in memory cannot be read: .*no such luck"):
        labelaudit.find_issues(bad)
    gc.collect()
    monkeypatch.delattr(pl.LazyFrame, "collect_batches")
    with pytest.raises(MissingExtraError) as error:
        labelaudit.find_issues(pl.LazyFrame({"label": [1]}))
    assert error.value.remedy == "pip install -U polars"


def test_results_are_read_without_conversion(tmp_path):
    result = labelaudit.find_issues(DIGITS, keep=["id"])
    path = tmp_path / "issues.parquet"
    pq.write_table(result.table, path)
    rows = result.table["row"].to_pylist()
    methods = result.table["flagged_by"].to_pylist()
    assert pd.read_parquet(path)["row"].tolist() == rows
    assert pl.read_parquet(path)["flagged_by"].to_list() == methods
    assert duckdb.read_parquet(str(path)).project("row").fetchall() == [(row,) for row in rows]
    assert pl.DataFrame(result.table)["issue_type"].unique().to_list() == ["label_error"]
    high = duckdb.from_arrow(result.table).filter("severity = 'high'").count("*").fetchall()
    assert high == [(result.table["severity"].to_pylist().count("high"),)]
    assert result.to_pandas()["suggested_label"].tolist() == (
        result.table["suggested_label"].to_pylist()
    )


def test_a_consensus_is_read_without_conversion(tmp_path):
    found = labelaudit.aggregate(VOTES)
    for name in ("consensus", "workers", "confusion"):
        path = Path(tmp_path, f"{name}.parquet")
        table = getattr(found, name)
        pq.write_table(table, path)
        assert pl.read_parquet(path).rows() == [tuple(row.values()) for row in table.to_pylist()]
        assert duckdb.read_parquet(str(path)).fetchall() == pl.read_parquet(path).rows()
        assert len(pd.read_parquet(path)) == len(table)
