"""Tables on a web server of this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit.tables import remote
from labelaudit.tables.remote import file_state
from tests.in_process import FIXTURES, call
from tests.remote.changing import between_readings
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGITS = FIXTURES / "noisy/digits/data.parquet"


@dataclass
class Web:
    """The server: files by path, and how it answers."""

    files: dict[str, bytes]
    marks: dict[str, str] = field(default_factory=dict)
    status: int = 200
    ranges: bool = True
    length: bool = True
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    web: Web

    def log_message(self, *_: Any) -> None:
        return

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        data = self.web.files.get(self.path)
        if self.web.status != 200 or data is None:
            self.send_response(404 if data is None else self.web.status)
            self.end_headers()
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked and self.web.ranges:
            start, stop = int(asked[1]), min(int(asked[2]) + 1, len(data))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
            data = data[start:stop]
        else:
            self.send_response(200)
        if self.web.length:
            self.send_header("Content-Length", str(len(data)))
        for name, value in self.web.marks.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


@pytest.fixture
def web() -> Iterator[Web]:
    for package in ("fsspec", "aiohttp"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    served = Web({"/data.parquet": DIGITS.read_bytes()})

    class Here(Handler):
        web = served

    with serving(Here) as served.url:
        yield served
    remote._filesystem.cache_clear()


def test_a_file_gives_the_same_as_here(web: Web) -> None:
    here = labelaudit.find_issues(DIGITS).table
    assert labelaudit.find_issues(f"{web.url}/data.parquet").table == here
    web.files["/data.csv?name=x&y=1"] = (FIXTURES / "noisy/digits-wide/data.csv").read_bytes()
    assert labelaudit.find_issues(f"{web.url}/data.csv?name=x&y=1").table.num_rows > 0


def test_what_is_not_there(web: Web) -> None:
    assert call("inspect", f"{web.url}/none.parquet").code == 5


@pytest.mark.parametrize("status", [401, 403])
def test_access_denied(web: Web, status: int) -> None:
    web.status = status
    done = call("inspect", f"{web.url}/data.parquet")
    assert done.code == 3
    said = f"{web.url}/data.parquet cannot be read: access denied."
    assert done.err.startswith(f"labelaudit: {said}\n")


def test_a_server_that_is_broken(web: Web) -> None:
    web.status = 500
    done = call("inspect", f"{web.url}/data.parquet")
    assert done.code == 3
    assert done.err.startswith(f"labelaudit: {web.url}/data.parquet cannot be read: 500")
    assert len(done.err.splitlines()) == 2


def test_nobody_answers() -> None:
    for package in ("fsspec", "aiohttp"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    for path in ("x.csv", "*.csv"):
        done = call("inspect", f"http://127.0.0.1:9/{path}")
        assert done.code == 3
        assert "cannot be reached: no connection to its server." in done.err


def test_a_length_that_is_not_told(web: Web) -> None:
    web.length = False
    done = call("inspect", f"{web.url}/data.parquet")
    assert done.code == 3
    said = f"The server of {web.url}/data.parquet does not say how long the file is."
    assert done.err.startswith(f"labelaudit: {said}\n")


def test_a_server_that_gives_no_parts(web: Web) -> None:
    web.ranges = False
    done = call("inspect", f"{web.url}/data.parquet")
    assert done.code in (0, 3)
    assert done.code == 0 or len(done.err.splitlines()) == 2


@pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
def test_what_tells_that_a_file_has_changed(web: Web, name: str) -> None:
    address = f"{web.url}/data.parquet"
    size = DIGITS.stat().st_size
    assert file_state(address) == (size, 0)
    web.marks = {name: "one"}
    one = file_state(address)
    assert one == file_state(address)
    assert (one[0], one[1] != 0) == (size, True)
    web.marks = {name: "two"}
    assert file_state(address) != one


@pytest.mark.parametrize("kind", ["gone", "shorter", "ETag", "Last-Modified", "denied"])
def test_a_part_that_changes_while_it_is_read(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    web.marks = {"ETag": '"1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}

    def change() -> None:
        if kind == "gone":
            web.files.clear()
        elif kind == "shorter":
            pq.write_table(pq.read_table(DIGITS).slice(0, 900), tmp_path / "short")
            web.files["/data.parquet"] = (tmp_path / "short").read_bytes()
            (tmp_path / "short").unlink()
        elif kind == "denied":
            web.status = 403
        else:
            # As long as before, and with the same content: the header alone tells.
            web.marks = {**web.marks, kind: '"2"'}

    between_readings(monkeypatch, change)
    done = call(
        *("find-issues", f"{web.url}/data.parquet", "--memory", "1MB"),
        *("-o", tmp_path / "issues.csv"),
    )
    assert done.code == 3
    said = {"gone": "has gone away while it was read", "denied": "cannot be read: access denied"}
    assert f"data.parquet {said.get(kind, 'was changed while it was read')}." in done.err
    assert list(tmp_path.iterdir()) == []
