"""Results are read by other tools as they are, without conversion."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from tests.in_process import FIXTURES, call

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = FIXTURES / "noisy/digits/data.parquet"
VOTES = FIXTURES / "noisy/votes/data.parquet"
NUMBERS = ("rank", "key", "row", "given_label", "suggested_label", "label_quality", "margin")
WORDS = ("issue_id", "issue_type", "severity")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    outputs = [f"-o{folder}/issues.{suffix}" for suffix in ("parquet", "arrow", "csv", "jsonl")]
    done = call("find-issues", DIGITS, "-q", *outputs, "-o", f"classes:{folder}/classes.parquet")
    assert done.code == 0, done.err
    done = call(
        *("aggregate", VOTES, "-q", "-o", folder / "consensus.parquet"),
        *("-o", f"workers:{folder}/workers.csv", "-o", f"soft:{folder}/soft.parquet"),
    )
    assert done.code == 0, done.err
    return folder


@pytest.fixture(scope="module")
def issues(results: Path) -> pa.Table:
    table = pq.read_table(results / "issues.parquet")
    assert table.num_rows == 152
    return table


def plain(value: Any) -> Any:
    """Return null for pandas' NaN, which is what it has for it."""
    return None if isinstance(value, float) and math.isnan(value) else value


def same(found: list[dict[str, Any]], issues: pa.Table) -> None:
    """Compare what another library read, as plain values."""
    expected = issues.to_pylist()
    assert len(found) == len(expected)
    names = (*NUMBERS, *WORDS)
    for one, other in zip(found, expected, strict=True):
        assert [plain(one[name]) for name in names] == [other[name] for name in names]
        assert one["is_issue"] is True
        if not isinstance(one["flagged_by"], str):
            assert list(one["flagged_by"]) == other["flagged_by"]


def test_pandas(results: Path, issues: pa.Table) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    same(pandas.read_parquet(results / "issues.parquet").to_dict("records"), issues)
    same(pandas.read_feather(results / "issues.arrow").to_dict("records"), issues)
    text = pandas.read_csv(results / "issues.csv")
    same(text.astype({"margin": "float32"}).to_dict("records"), issues)
    lines = pandas.read_json(
        results / "issues.jsonl", lines=True, dtype={"issue_id": str}, precise_float=True
    )
    assert lines["key"].tolist() == issues["key"].to_pylist()
    assert lines["label_quality"].tolist() == issues["label_quality"].to_pylist()
    frame = pandas.read_parquet(results / "issues.parquet")
    assert str(frame["severity"].dtype) == "category"
    assert frame["key"].dtype == "int64"


def test_polars(results: Path, issues: pa.Table) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    same(polars.read_parquet(results / "issues.parquet").to_dicts(), issues)
    same(polars.scan_parquet(results / "issues.parquet").collect().to_dicts(), issues)
    same(polars.read_ipc(results / "issues.arrow").to_dicts(), issues)
    text = polars.read_csv(results / "issues.csv", schema_overrides={"margin": polars.Float32})
    same(text.to_dicts(), issues)
    lines = polars.read_ndjson(
        results / "issues.jsonl", schema_overrides={"margin": polars.Float32}
    )
    same(lines.to_dicts(), issues)
    assert polars.read_parquet(results / "consensus.parquet").height > 100
    assert polars.read_parquet(results / "soft.parquet")["probs"].dtype.inner == polars.Float64


def test_duckdb(results: Path, issues: pa.Table) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    with duckdb.connect() as connection:

        def rows(relation: Any) -> list[dict[str, Any]]:
            ranked = relation.order("rank")
            return [dict(zip(ranked.columns, row, strict=True)) for row in ranked.fetchall()]

        same(rows(connection.read_parquet(f"{results}/issues.parquet")), issues)
        same(rows(connection.from_arrow(feather.read_table(results / "issues.arrow"))), issues)
        text = connection.read_csv(f"{results}/issues.csv", dtype={"margin": "FLOAT"})
        same(rows(text), issues)
        lines = rows(connection.read_json(f"{results}/issues.jsonl"))
        assert [line["key"] for line in lines] == issues["key"].to_pylist()
        connection.read_parquet(f"{results}/issues.parquet").create_view("i")
        connection.read_parquet(str(DIGITS)).create_view("d")
        joined = connection.sql(
            "select count(*) from i join d on i.key = d.id and i.given_label = d.label"
        )
        assert joined.fetchall() == [(152,)]
        assert len(connection.read_csv(f"{results}/workers.csv")) > 3


def test_plain_python(results: Path, issues: pa.Table) -> None:
    lines = (results / "issues.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["issue_id"] for line in lines] == issues["issue_id"].to_pylist()
