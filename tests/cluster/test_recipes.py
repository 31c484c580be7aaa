"""The recipes for Spark and Ray in the docs, run as they stand there.

``pip install pyspark`` (with Java 17) or ``pip install 'ray[data]'``, each in an environment of its
own; then ``pytest -m engine tests/cluster``.
"""

import os
import re
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelaudit
from tests.in_process import FIXTURES, ROOT

PAGE = ROOT / "docs" / "how-to" / "spark-and-ray.md"
CLASSES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def recipe(name):
    """The code on the page that begins with a comment of that name."""
    found = re.search(rf"```py\n# {name}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return found[1]


def digits():
    parts = sorted((FIXTURES / "noisy" / "digits-parts" / "data").glob("*.parquet"))
    table = pa.concat_tables([pq.read_table(part) for part in parts])
    plain = table["label"].cast(pa.string())
    return table.set_column(table.schema.get_field_index("label"), "label", plain)


def same(found, table):
    expected = labelaudit.find_issues(table, classes=CLASSES)
    assert found.table.equals(expected.table)
    assert repr(found.audit) == repr(expected.audit)
    assert found.audit.n_issues > 100


@pytest.fixture
def _workers_find_us(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, sys.path)]))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("_workers_find_us")
def test_spark(tmp_path):
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    (tmp_path / "predictions").mkdir()
    table = digits()
    for at in range(0, len(table), 450):
        pq.write_table(table.slice(at, 450), tmp_path / "predictions" / f"{at:04}.parquet")
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    for name in ("host", "bindAddress"):
        builder = builder.config(f"spark.driver.{name}", "127.0.0.1")
    # Else all is one partition: small files are read together.
    session = builder.config("spark.sql.files.maxPartitionBytes", "20000").getOrCreate()
    try:
        names = {}
        exec(recipe("spark"), names)  # noqa: S102 - the page is ours
        assert names["rows"].rdd.getNumPartitions() > 2
        same(names["found"], names["rows"].orderBy("row").drop("row").toArrow())
        assert names["issues"].count() == names["found"].audit.n_issues
    finally:
        session.stop()


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("_workers_find_us")
def test_ray(tmp_path):
    ray = pytest.importorskip("ray", reason="ray is not installed")
    pytest.importorskip("ray.data", reason="ray.data is not installed")
    (tmp_path / "numbered").mkdir()
    table = digits().append_column("row", pa.array(np.arange(1797)))
    for at in range(0, len(table), 450):
        pq.write_table(table.slice(at, 450), tmp_path / "numbered" / f"{at:04}.parquet")
    ray.init(num_cpus=2, include_dashboard=False, configure_logging=False)
    try:
        names = {}
        exec(recipe("ray"), names)  # noqa: S102 - the page is ours
        same(names["found"], table)
    finally:
        ray.shutdown()


def test_one_table_at_a_time():
    """What Ray does, where it is not installed: one table at a time, in any order."""
    table = digits().append_column("row", pa.array(np.arange(1797)))

    def run(step):
        tables = [table.slice(at, 300) for at in range(0, 1797, 300)]
        return pa.concat_tables([step.on_table(each) for each in reversed(tables)])

    same(labelaudit.find_issues(labelaudit.EngineTable(table.schema, run), classes=CLASSES), table)
