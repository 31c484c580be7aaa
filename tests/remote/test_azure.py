"""Tables in Azure, as Azurite on this machine has them where it is installed."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pyarrow.fs as pa_fs
import pytest

import labelaudit
from labelaudit.errors import UsageError
from labelaudit.tables import ReadOptions, open_labels, store_options
from labelaudit.tables.remote import shown_uri
from tests.in_process import FIXTURES, call
from tests.serving import listening, silent

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGITS = FIXTURES / "noisy/digits/data.parquet"
# Known to everybody: the account that the emulator comes with.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    program = os.environ.get("AZURITE_BLOB") or shutil.which("azurite-blob")
    if program is None:
        pytest.skip("no azurite-blob (npm install azurite, 365 MB; or set AZURITE_BLOB to it)")
    flags = ("--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--blobPort")
    with listening([program, *flags]) as number:
        yield f"127.0.0.1:{number}"


@pytest.fixture
def options(host: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    store = pa_fs.AzureFileSystem(
        ACCOUNT,
        account_key=KEY,
        blob_storage_authority=host,
        blob_storage_scheme="http",
        dfs_storage_authority=host,
        dfs_storage_scheme="http",
    )
    store.create_dir("labels")
    for path in ("data.parquet", "hive/split=a b/p%20.parquet", "hive/split=train/p.parquet"):
        with store.open_output_stream(f"labels/{path}") as sink:
            sink.write(DIGITS.read_bytes())
    return f"?endpoint_override=http://{host}"


def test_a_file_gives_the_same_as_here(options: str) -> None:
    here = labelaudit.find_issues(DIGITS).table
    for start in ("az://labels", f"abfs://labels@{ACCOUNT}.dfs.core.windows.net"):
        assert labelaudit.find_issues(f"{start}/data.parquet{options}").table == here


def test_folders_and_globs(options: str) -> None:
    for pattern, count in {
        "hive": 2,
        "hive/*/*.parquet": 2,
        "h*/split=tr*": 1,
        "**/p.*": 1,
    }.items():
        source = open_labels([f"abfss://labels/{pattern}{options}"], ReadOptions())
        assert len(source.understanding.files) == count, pattern


def test_what_is_not_there(options: str) -> None:
    for path in ("labels/none.parquet", "nobox/x.csv", "labels/no*"):
        assert call("inspect", f"az://{path}{options}").code == 5


def test_access_denied(options: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "AAAA")
    done = call("inspect", f"az://labels/data.parquet{options}")
    assert done.code == 3
    assert "cannot be read: access denied." in done.err


def test_no_credentials(options: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_KEY")
    done = call("inspect", f"az://labels/data.parquet{options}")
    assert done.code == 3
    assert "cannot be read: nothing says who asks for it." in done.err


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_options, "CONNECT_SECONDS", 0.5)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    with silent() as port:
        done = call("inspect", f"az://box/x.csv?endpoint_override=http://127.0.0.1:{port}")
    assert done.code == 3
    assert "cannot be reached: it does not answer." in done.err


def test_which_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="does not say in which account"):
        open_labels(["az://box/x.csv"], ReadOptions())
    with pytest.raises(UsageError, match="has no option 'key'"):
        open_labels(["az://box/x.csv?key=1"], ReadOptions())
    hidden = "abfs://box:secret@account.dfs.core.windows.net/x.csv"
    assert shown_uri(hidden) == "abfs://box@account.dfs.core.windows.net/x.csv"
