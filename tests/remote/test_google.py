"""Tables at Google, as an emulator on this machine has them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pyarrow.fs as pa_fs
import pytest

import labelaudit
from labelaudit.errors import InputError, UsageError
from labelaudit.tables import ReadOptions, open_labels, store_options
from tests.in_process import FIXTURES, ROOT, call
from tests.serving import listening, serving, silent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGITS = FIXTURES / "noisy/digits/data.parquet"
_SERVE = """
import sys
from gcp_storage_emulator.server import create_server
create_server("127.0.0.1", int(sys.argv[1]), in_memory=True, default_bucket="labels").run()
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    if importlib.util.find_spec("gcp_storage_emulator") is None:
        pytest.skip("gcp-storage-emulator is not installed")
    # In a process of its own: pyarrow holds the interpreter while it opens a file.
    with listening([sys.executable, "-c", _SERVE]) as number:
        yield number


@pytest.fixture
def bucket(port: int, monkeypatch: pytest.MonkeyPatch) -> pa_fs.GcsFileSystem:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    store = pa_fs.GcsFileSystem(
        endpoint_override=f"127.0.0.1:{port}", scheme="http", anonymous=True
    )
    for path in ("data.parquet", "hive/split=a b/p%20.parquet", "hive/split=train/p.parquet"):
        with store.open_output_stream(f"labels/{path}") as sink:
            sink.write(DIGITS.read_bytes())
    return store


def test_a_file_gives_the_same_as_here(bucket: pa_fs.GcsFileSystem) -> None:
    here = labelaudit.find_issues(DIGITS).table
    assert labelaudit.find_issues("gs://labels/data.parquet").table == here
    assert labelaudit.find_issues("gcs://anonymous@labels/data.parquet").table == here


def test_folders_and_globs(bucket: pa_fs.GcsFileSystem) -> None:
    train = "gs://labels/hive/split=train/p.parquet"
    other = "gs://labels/hive/split=a b/p%20.parquet"
    for pattern, files in {
        "hive": (other, train),
        "hive/*/*.parquet": (other, train),
        "h*/split=tr*": (train,),
        "**/p.parquet": (train,),
        "hive/split=[s-z]rain/p.parquet": (train,),
    }.items():
        source = open_labels([f"gs://labels/{pattern}"], ReadOptions())
        assert source.understanding.files == files, pattern
    some = open_labels(["gs://labels/hive"], ReadOptions(where="split = 'train'"))
    assert some.rows == 1797


def test_what_is_not_there(bucket: pa_fs.GcsFileSystem) -> None:
    for address in ("gs://labels/none.parquet", "gs://nobucket/x.csv", "gs://labels/no*"):
        assert call("inspect", address).code == 5
    with pytest.raises(UsageError, match="has no option 'schem'"):
        open_labels(["gs://labels/data.parquet?schem=http"], ReadOptions())


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_options, "CONNECT_SECONDS", 0.5)
    with silent() as port:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
        done = call("inspect", "gs://labels/x.csv")
    assert done.code == 3
    assert "cannot be reached: it does not answer." in done.err


def test_an_object_that_is_replaced(bucket: pa_fs.GcsFileSystem) -> None:
    (partition,) = open_labels(["gs://labels/data.parquet"], ReadOptions()).partitions
    blocks = partition.blocks()
    next(blocks)
    with bucket.open_output_stream("labels/data.parquet") as sink:
        sink.write(DIGITS.read_bytes() + b"more")
    with pytest.raises(InputError, match="was changed while it was read"):
        list(blocks)


def asked_apart(address: str, **environment: str) -> tuple[int, list[str]]:
    """Run in a process of its own: pyarrow holds the interpreter that a server here needs."""
    done = subprocess.run(
        [sys.executable, "-m", "labelaudit", "inspect", address],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize("path", ["x.csv", "*.csv"])
def test_access_denied(path: str) -> None:
    class Denying(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"error": {"code": 403, "message": "no", "errors": []}}'
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            return

    with serving(Denying) as url:
        code, said = asked_apart(f"gs://bucket/{path}?endpoint_override={url}&anonymous=true")
    shown = f"gs://bucket/{path}".removesuffix("/*.csv")
    assert (code, said) == (
        3,
        [
            f"labelaudit: {shown} cannot be read: access denied.",
            "Check your credentials and that they may read it.",
        ],
    )


def test_no_credentials(tmp_path: Path) -> None:
    nowhere = {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "none.json")}
    assert asked_apart("gs://bucket/x.csv", **nowhere) == (
        3,
        [
            "labelaudit: gs://bucket/x.csv cannot be read: nothing says who asks for it.",
            "Set the credentials of the store in the environment.",
        ],
    )
