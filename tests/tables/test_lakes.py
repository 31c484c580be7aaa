"""Folders with a log are never read as if they were plain files, package or not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from labelaudit.errors import InputError, MissingExtraError, UsageError
from labelaudit.tables.lakes import lake_at, moment_of
from labelaudit.tables.paths import find_files
from tests.in_process import FIXTURES, call

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = (FIXTURES / "noisy/digits/data.parquet").read_bytes()


def folder(path: Path, *marks: str, inner: str = "") -> Path:
    """A table with one live file, and what marks it as one."""
    file = path / inner / "part-0.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(DIGITS)
    for mark in marks:
        (path / mark).parent.mkdir(parents=True, exist_ok=True)
        (path / mark).write_text("{}")
    return path


DELTA = f"_delta_log/{0:020}.json"
ICEBERG = "metadata/v1.metadata.json"


@pytest.mark.parametrize(
    ("mark", "package", "extra", "name"),
    [
        (DELTA, "deltalake", "delta", "Delta"),
        (ICEBERG, "pyiceberg", "iceberg", "Iceberg"),
        ("metadata/00000-4f.gz.metadata.json", "pyiceberg", "iceberg", "Iceberg"),
    ],
)
def test_without_the_package(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mark: str,
    package: str,
    extra: str,
    name: str,
) -> None:
    for loaded in [each for each in sys.modules if each.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, loaded)
    for ours in ("labelaudit.tables.delta", "labelaudit.tables.iceberg"):
        monkeypatch.delitem(sys.modules, ours, raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    table = folder(tmp_path / "t", mark)
    for address in (str(table), f"{table}/", f"{extra}://{table}", f"file://{table}"):
        with pytest.raises(MissingExtraError) as error:
            find_files([address])
        assert str(error.value).startswith(
            f"Reading the {name} table {table} needs {package}, which is not installed."
        )
        assert error.value.remedy == f"pip install 'labelaudit[{extra}]'"
    assert call("find-issues", table).code == 4


@pytest.mark.parametrize("mark", [DELTA, ICEBERG, ".hoodie/hoodie.properties"])
def test_parts_of_a_table_are_refused(tmp_path: Path, mark: str) -> None:
    table = folder(tmp_path / "some" / "t", mark, inner="data/split=train")
    for address in (
        tmp_path,
        tmp_path / "some",
        tmp_path / "so*",
        tmp_path / "**" / "*.parquet",
        table / "data",
        table / "data" / "split=train",
        table / "data" / "*" / "*.parquet",
        table / "data" / "split=train" / "*",
    ):
        with pytest.raises(UsageError, match=r"lies in the (Delta|Iceberg|Hudi) table"):
            find_files([str(address)])


def test_a_file_that_is_named_itself_is_read(tmp_path: Path) -> None:
    table = folder(tmp_path / "t", DELTA)
    assert len(find_files([str(table / "part-0.parquet")])) == 1


def test_hudi_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"The Hudi table .* cannot be read"):
        find_files([str(folder(tmp_path / "t", ".hoodie/hoodie.properties"))])


def test_what_is_no_such_table(tmp_path: Path) -> None:
    plain = folder(tmp_path / "t", "metadata/readme.json")
    assert len(find_files([str(plain)])) == 1
    with pytest.raises(UsageError, match="is no Delta or Iceberg table, which alone have versions"):
        find_files([f"{plain}?version=1"])
    with pytest.raises(UsageError, match="names no table"):
        find_files(["delta://"])
    odd = tmp_path / "a?version=1.parquet"
    odd.write_bytes(DIGITS)
    assert find_files([str(odd)])[0].path == str(odd)


def test_addresses() -> None:
    table = lake_at("delta+s3://bucket/t/?version=3&region=x")
    assert table is not None
    assert (table.place, table.query, table.moment) == (
        "s3://bucket/t",
        "?region=x",
        (("version", "3"),),
    )
    table = lake_at("iceberg://cat/space.table?snapshot_id=7")
    assert table is not None
    assert (table.catalog, table.place) == ("cat", "space.table")
    assert lake_at("https://host/t?version=3") is None


def test_moments() -> None:
    assert moment_of("2026-01-31 12:30:00").isoformat() == "2026-01-31T12:30:00+00:00"
    assert moment_of("2026-01-31T12:30:00 02:00").isoformat() == "2026-01-31T12:30:00+02:00"
    with pytest.raises(UsageError, match="cannot be read"):
        moment_of("yesterday")


@pytest.mark.parametrize(
    ("mark", "options"),
    [(DELTA, "Options are version and timestamp."), (ICEBERG, "Options are snapshot_id and")],
)
def test_an_option_that_there_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str, options: str
) -> None:
    folder(tmp_path / "t", mark)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^The \w+ table t has no option 'foo'\.") as error:
        find_files(["t?foo=1"])
    assert error.value.remedy.startswith(options)
    folder(tmp_path / "plain")
    (tmp_path / "plain1foo=1.parquet").write_bytes(DIGITS)
    assert len(find_files(["plain?foo=1.parquet"])) == 1
