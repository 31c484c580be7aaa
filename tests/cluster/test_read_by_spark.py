"""Spark reads what labelaudit writes, as it is; ``pytest -m engine tests/cluster`` runs this."""

import sys

import pyarrow.parquet as pq
import pytest

from tests.in_process import FIXTURES, call

DIGITS = FIXTURES / "noisy/digits/data.parquet"
VOTES = FIXTURES / "noisy/votes/data.parquet"


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
def test_results(tmp_path, monkeypatch):
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    outputs = [f"-oissues.{suffix}" for suffix in ("parquet", "csv", "jsonl")]
    assert call("find-issues", DIGITS, "-q", *outputs, cwd=tmp_path).code == 0
    outputs = ("-o", "consensus.parquet", "-o", "soft:soft.parquet")
    assert call("aggregate", VOTES, "-q", *outputs, cwd=tmp_path).code == 0
    expected = pq.read_table("issues.parquet").to_pylist()
    names = ["rank", "key", "row", "given_label", "suggested_label", "label_quality", "issue_id"]
    builder = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.driver.host", "127.0.0.1").getOrCreate()
    try:
        columnar = spark.read.parquet("issues.parquet")
        text = spark.read.csv("issues.csv", header=True, inferSchema=True)
        lines = spark.read.json("issues.jsonl")
        for frame in (columnar, text, lines):
            found = [row.asDict() for row in frame.select(names).orderBy("rank").collect()]
            assert found == [{name: row[name] for name in names} for row in expected]
        (row,) = columnar.orderBy("rank").limit(1).collect()
        assert list(row["flagged_by"]) == expected[0]["flagged_by"]
        assert row["severity"] == expected[0]["severity"]
        data = spark.read.parquet(str(DIGITS))
        joined = columnar.join(
            data, (columnar["key"] == data["id"]) & (columnar["given_label"] == data["label"])
        )
        assert joined.count() == len(expected) == 152
        consensus = spark.read.parquet("consensus.parquet")
        assert consensus.count() == spark.read.parquet("soft.parquet").count() > 100
    finally:
        spark.stop()
