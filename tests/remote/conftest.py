"""A server on this machine that speaks as S3 does, with nothing but a bucket at first."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pyarrow.fs as pa_fs
import pytest

from labelaudit.tables import object_stores, remote
from tests.in_process import FIXTURES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of the server, ``http://127.0.0.1:PORT``."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture(scope="session")
def store(server: str) -> pa_fs.S3FileSystem:
    """A client that may write: the bucket ``labels`` with the fixtures digits in it."""
    store, _ = pa_fs.FileSystem.from_uri(
        f"s3://test:test@labels?scheme=http&endpoint_override={server.removeprefix('http://')}"
        "&allow_bucket_creation=true"
    )
    store.create_dir("labels")
    for name in ("digits", "digits-parts/data", "digits-wide", "digits-jsonl", "votes"):
        put(store, FIXTURES / "noisy" / name, f"labels/{name}")
    return store


def put(store: pa_fs.S3FileSystem, folder: Path, path: str) -> None:
    """Copy a folder."""
    for file in sorted((*folder.glob("data.*"), *folder.glob("part-*"))):
        with store.open_output_stream(f"{path}/{file.relative_to(folder)}") as sink:
            sink.write(file.read_bytes())


@pytest.fixture(autouse=True)
def _at_the_server(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Let addresses in S3 mean the server, and forget it afterwards."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    if "store" in request.fixturenames:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("server"))
    for cached in (object_stores._s3, object_stores._of_authority, remote._filesystem):
        cached.cache_clear()
