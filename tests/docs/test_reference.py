"""The command reference is what its script writes."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from tests.docs.examples import DOCS, ROOT
from tests.docs.pages import section
from tests.in_process import FIXTURES, call

if TYPE_CHECKING:
    from pathlib import Path

SIDE_TABLES = ("classes", "joint", "pairs", "groups")


def test_the_page_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text("utf-8") == module.page(), "run python docs/make_reference.py"
    assert module.SCHEMA.read_text("utf-8") == module.schema(), "run python docs/make_reference.py"


def test_every_key_of_the_summary_is_described() -> None:
    path = ROOT / "labelaudit" / "reports" / "summary.schema.json"
    keys = json.loads(path.read_text("utf-8"))["properties"]
    assert len(keys) > 10
    assert [key for key in keys if f"`{key}`" not in section("Summary")] == []


def test_every_column_is_described(tmp_path: Path) -> None:
    data = FIXTURES / "noisy" / "digits-parts" / "data"
    outputs = ["-o", tmp_path / "issues.parquet"]
    for name in SIDE_TABLES:
        outputs += ["-o", f"{name}:{tmp_path / name}.parquet"]
    done = call("find-issues", data, "-q", "--group", "label", *outputs)
    assert done.code == 0, done.err
    for name in ("issues", *SIDE_TABLES):
        columns = pq.ParquetFile(tmp_path / f"{name}.parquet").schema_arrow.names
        described = section(name.capitalize())
        assert [each for each in columns if f"`{each}`" not in described] == [], name


def test_every_key_of_the_summary_of_votes_is_described() -> None:
    path = ROOT / "labelaudit" / "reports" / "crowd.schema.json"
    keys = json.loads(path.read_text("utf-8"))["properties"]
    assert len(keys) > 10
    assert [key for key in keys if f"`{key}`" not in section("Summary", "votes")] == []


def test_every_column_about_votes_is_described(tmp_path: Path) -> None:
    data = FIXTURES / "noisy" / "votes" / "data.parquet"
    contents = ("consensus", "workers", "confusion", "soft", "top-two")
    outputs = ["-o", tmp_path / "consensus.parquet"]
    for name in contents[1:]:
        outputs += ["-o", f"{name}:{tmp_path / name}.parquet"]
    done = call("aggregate", data, "-q", "--method", "top-two", *outputs)
    assert done.code == 0, done.err
    for name in contents:
        columns = pq.ParquetFile(tmp_path / f"{name}.parquet").schema_arrow.names
        described = section(name.capitalize(), "votes")
        assert [each for each in columns if f"`{each}`" not in described] == [], name
