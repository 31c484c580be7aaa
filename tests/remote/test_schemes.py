"""Addresses of other kinds: files here, Hadoop, and what fsspec knows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.csv as pa_csv
import pytest

import labelaudit
from labelaudit.tables import ReadOptions, open_labels
from tests.in_process import FIXTURES, call

DIGITS = FIXTURES / "noisy/digits/data.parquet"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "a b"
    inside.mkdir()
    for name in ("x%20y.parquet", "z.parquet"):
        shutil.copy(DIGITS, inside / name)
    return inside


def test_files_here_by_address(folder: Path) -> None:
    start = f"file://{str(folder).replace(' ', '%20')}"
    both = (str(folder / "x%20y.parquet"), str(folder / "z.parquet"))
    for address, files in {
        f"{start}/x%2520y.parquet": both[:1],
        f"{start}/z.parquet": both[1:],
        f"FILE://localhost{folder}/z.parquet": both[1:],
        f"{start}/*.parquet": both,
        f"{start}/%5Bxy%5D*": both[:1],
        start: both,
        f"{start}/": both,
    }.items():
        found = open_labels([address], ReadOptions()).understanding.files
        assert [Path(each) for each in found] == [Path(each) for each in files], address


def test_a_file_here_that_is_not_there(folder: Path) -> None:
    done = call("inspect", f"file://{folder}/none.csv")
    assert (done.code, done.err) == (
        5,
        f"labelaudit: There is no file {folder}/none.csv.\nCheck the path.\n",
    )


def test_outputs_by_address(folder: Path) -> None:
    address = f"file://{str(folder).replace(' ', '%20')}"
    done = call("find-issues", f"{address}/z.parquet", "-q", "-o", f"csv:{address}/my%20issues.txt")
    assert (done.code, done.err) == (0, "")
    assert pa_csv.read_csv(folder / "my issues.txt").num_rows > 0
    done = call(
        "find-issues", f"{address}/z.parquet", "-q", "-o", f"{address}/z.parquet", "--force"
    )
    assert done.code == 2
    assert "an input is never overwritten" in done.err
    assert (folder / "z.parquet").read_bytes() == DIGITS.read_bytes()


@pytest.mark.parametrize("address", ["s3://b/x.csv", "csv:gs://b/x", "hf://datasets/a/b/x.csv"])
def test_outputs_are_here(address: str) -> None:
    done = call("find-issues", DIGITS, "-o", address)
    assert done.code == 2
    assert done.err.startswith(f"labelaudit: The output {address} is not a local path.\n")


@pytest.mark.parametrize("scheme", ["hdfs", "viewfs"])
def test_hadoop_that_is_not_there(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HADOOP_HOME", "ARROW_LIBHDFS_DIR", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ARROW_LIBHDFS_DIR", "/nowhere")
    done = call("inspect", f"{scheme}://host:9000/x.csv")
    assert done.code == 4
    first, second = done.err.splitlines()
    assert first.startswith(f"labelaudit: Reading {scheme}:// needs Hadoop and Java, which are not")
    assert second.startswith("Install them, and set HADOOP_HOME")


def test_no_such_kind_of_address() -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    done = call("inspect", "nosuch://x/y.csv")
    assert done.code == 2
    said = "Nothing is known of addresses that begin with nosuch://."
    assert done.err.startswith(f"labelaudit: {said}\n")


def test_memory_and_local() -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    system = fsspec.filesystem("memory")
    system.pipe("/labels/split=train/p.parquet", DIGITS.read_bytes())
    system.pipe("/labels/split=test/p.parquet", DIGITS.read_bytes())
    here = labelaudit.find_issues(DIGITS).table
    try:
        assert labelaudit.find_issues("memory://labels/split=train/p.parquet").table == here
        assert labelaudit.find_issues(f"local://{DIGITS}").table == here
        some = open_labels(["memory://labels"], ReadOptions(where="split = 'train'"))
        assert some.understanding.files == ("memory://labels/split=train/p.parquet",)
        assert some.rows == 1797
        found = open_labels(["memory://labels/*/*.parquet"], ReadOptions())
        assert len(found.understanding.files) == 2
        assert call("inspect", "memory://labels/none.csv").code == 5
        assert call("inspect", "memory://none/*.csv").code == 5
    finally:
        system.rm("/labels", recursive=True)
