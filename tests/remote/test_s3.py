"""Tables in a bucket: read as they are where they lie, by every command."""

from __future__ import annotations

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.fs as pa_fs
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

import labelaudit
from labelaudit.errors import InputError, NothingToAuditError, UsageError
from labelaudit.tables import ReadOptions, open_labels, store_options
from labelaudit.tables.remote import local_path, shown_uri
from tests.in_process import FIXTURES, ROOT, call
from tests.remote.changing import between_readings
from tests.serving import serving, silent

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = FIXTURES / "noisy/digits/data.parquet"
FILE = "s3://labels/digits/data.parquet"

Store = pa_fs.S3FileSystem


def issues_of(*arguments: Any, folder: Path) -> bytes:
    done = call("find-issues", *arguments, "-q", "-o", folder / "issues.parquet", "--force")
    assert (done.code, done.err) == (0, "")
    return (folder / "issues.parquet").read_bytes()


def test_a_file_gives_the_same_bytes_as_here(store: Store, tmp_path: Path) -> None:
    assert issues_of(FILE, folder=tmp_path) == issues_of(DIGITS, folder=tmp_path)


def test_workers_of_a_cluster_read_it_themselves(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    far = issues_of(FILE, "--cluster", "dask", "--threads", "1", folder=tmp_path)
    assert far == issues_of(DIGITS, folder=tmp_path)


def test_other_formats(store: Store, tmp_path: Path) -> None:
    for name in ("digits-wide", "digits-jsonl"):
        (local,) = (FIXTURES / "noisy" / name).glob("data.*")
        far = f"s3://labels/{name}/{local.name}"
        assert issues_of(far, folder=tmp_path) == issues_of(local, folder=tmp_path)


@pytest.mark.parametrize(
    "address", ["s3://labels/digits-parts/data", "s3://labels/digits-parts/", "s3://labels/*-par?s"]
)
def test_a_folder(store: Store, address: str) -> None:
    parts = FIXTURES / "noisy/digits-parts/data"
    here, far = labelaudit.find_issues(parts), labelaudit.find_issues(address)
    assert far.table.drop_columns("file").equals(here.table.drop_columns("file"))
    assert len(far.understanding.files) == len(here.understanding.files)
    assert far.understanding.files[0].startswith("s3://labels/digits-parts/")


def hive(store: Store, folder: str) -> pa.Table:
    table = pq.read_table(DIGITS).slice(0, 900)
    for number, split in enumerate(("test", "train")):
        sink = store.open_output_stream(f"labels/{folder}/split={split}/year=202{number}/p.parquet")
        with sink:
            pq.write_table(table.slice(450 * number, 450), sink)
    return table


def test_folders_that_are_columns(store: Store) -> None:
    hive(store, "hive")
    found = labelaudit.find_issues("s3://labels/hive", group="split", keep=["year"])
    assert found.groups is not None
    assert found.groups["group"].to_pylist() == ["test", "train"]
    assert set(found.table["year"].to_pylist()) <= {2020, 2021}


def test_conditions_on_folders(store: Store) -> None:
    table = hive(store, "where")
    found = labelaudit.find_issues("s3://labels/where", where="split = 'train' and year < 2022")
    alone = labelaudit.find_issues(table.slice(450))
    assert found.table["key"].equals(alone.table["key"])
    assert found.table["row"].to_pylist() == [row + 450 for row in alone.table["row"].to_pylist()]
    assert found.understanding.rows_left_out == 450


def test_globs(store: Store) -> None:
    hive(store, "globs")
    for name in ("split=train/year=2021/.hidden.parquet", "readme.txt"):
        with store.open_output_stream(f"labels/globs/{name}") as sink:
            sink.write(b"no table")
    train = "s3://labels/globs/split=train/year=2021/p.parquet"
    test = "s3://labels/globs/split=test/year=2020/p.parquet"
    for pattern, files in {
        "globs/*/*/*.parquet": (test, train),
        "globs/**/p.parquet": (test, train),
        "globs/**/*.parquet": (test, train),
        "globs/split=tr*": (train,),
        "globs/split=[s-z]rain/*/p.parquet": (train,),
        "globs/*/year=2020": (test,),
        "globs/*/year=2020/p.parquet": (test,),
    }.items():
        source = open_labels([f"s3://labels/{pattern}"], ReadOptions())
        assert source.understanding.files == files, pattern


def test_names_are_taken_letter_by_letter(store: Store) -> None:
    with store.open_output_stream("labels/a b%20c#d?.parquet") as sink:
        sink.write(DIGITS.read_bytes())
    source = open_labels(["s3://labels/a b%20c#d?.parquet"], ReadOptions())
    assert source.rows == pq.read_metadata(DIGITS).num_rows


def test_options_of_the_address(store: Store, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    more = f"?endpoint_override={server}&region=eu-west-1"
    source = open_labels([f"s3://who:secret@labels/digits{more}"], ReadOptions())
    assert source.understanding.files == (FILE,)
    host = server.removeprefix("http://")
    open_labels([f"{FILE}?endpoint_override={host}&scheme=http&anonymous=true"], ReadOptions())
    with pytest.raises(UsageError, match="no option 'regoin'") as error:
        open_labels([f"{FILE}?regoin=x"], ReadOptions())
    assert error.value.remedy == "Did you mean region?"
    with pytest.raises(UsageError, match="no option 'x'") as error:
        open_labels([f"{FILE}?x=1"], ReadOptions())
    assert error.value.remedy.startswith("Options are anonymous, endpoint_override,")


def test_passwords_are_in_no_manifest(store: Store, tmp_path: Path) -> None:
    done = call("find-issues", FILE.replace("//", "//who:hush@"), "-o", tmp_path / "manifest.json")
    assert done.code == 0
    assert "hush" not in done.out + done.err + (tmp_path / "manifest.json").read_text()


def test_nothing_of_this_is_loaded_for_local_files() -> None:
    code = """
import sys
from labelaudit.cli import main
code = main(["inspect", "fixtures/noisy/digits/data.parquet", "-q"])
far = {"fsspec", "boto3", "aiohttp", "polars", "duckdb", "datasets"}
print(code, sorted(far & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "0 []\n"


def test_secrets_are_not_shown() -> None:
    assert shown_uri("s3://key:secret@bucket/a.csv?region=x") == "s3://bucket/a.csv"
    assert shown_uri("https://me:secret@host/a.csv?sig=x") == "https://host/a.csv?..."
    assert shown_uri("abfs://box@account.net/a.csv") == "abfs://box@account.net/a.csv"


def test_every_command_reads_there(store: Store, tmp_path: Path) -> None:
    done = call("inspect", FILE)
    assert done.code == 0
    assert done.out.startswith(f"Data      {FILE} (Parquet, 1,797 rows)")
    done = call("check", FILE, "--require", "issues <= 0")
    assert done.code == 1
    cleaned = tmp_path / "cleaned.parquet"
    done = call("export", FILE, "--policy", "flag", "-o", cleaned)
    assert (done.code, pq.read_metadata(cleaned).num_rows) == (0, 1797)
    done = call("aggregate", "s3://labels/votes/data.parquet", "-q", "--json")
    assert done.code == 0
    assert json.loads(done.out)["inputs"] == ["s3://labels/votes/data.parquet"]


def test_the_manifest_has_the_hash_of_what_was_read(store: Store, tmp_path: Path) -> None:
    done = call("find-issues", FILE, "-q", "-o", tmp_path / "manifest.json")
    assert done.code == 0
    (file,) = json.loads((tmp_path / "manifest.json").read_text())["inputs"]
    assert (file["path"], file["bytes"]) == (FILE, DIGITS.stat().st_size)


def failed(address: str, folder: Path) -> tuple[int, str]:
    """Return how a run ends that cannot succeed; it leaves nothing."""
    done = call("find-issues", address, "-o", folder / "issues.csv")
    assert list(folder.iterdir()) == []
    assert "Traceback" not in done.err
    return done.code, done.err


def test_what_is_not_there(store: Store, tmp_path: Path) -> None:
    for address in ("s3://labels/none.parquet", "s3://nosuchbucket", "s3://nosuchbucket/x.csv"):
        code, said = failed(address, tmp_path)
        assert (code, said.partition("\n")[0]) == (5, f"labelaudit: There is no file {address}.")
    for address in ("s3://nosuchbucket/*.csv", "s3://labels/none*.parquet", "s3://labels/x/**"):
        assert failed(address, tmp_path)[0] == 5


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_options, "ATTEMPTS", 1)
    monkeypatch.setattr(store_options, "STALL_SECONDS", 1.0)
    code, said = failed("s3://bucket/x.csv?endpoint_override=http://127.0.0.1:9", tmp_path)
    assert code == 3
    assert "s3://bucket/x.csv cannot be reached: Could not connect to server." in said
    with silent() as port:
        uri = f"s3://bucket/x.csv?endpoint_override=http://127.0.0.1:{port}"
        code, said = failed(uri, tmp_path)
    assert code == 3
    assert "s3://bucket/x.csv cannot be reached: Timeout was reached." in said


def test_no_bucket_at_amazon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(bucket: str) -> str:
        raise OSError(f"Bucket '{bucket}' not found")

    monkeypatch.setattr(pa_fs, "resolve_s3_region", absent)
    code, said = failed("s3://bucket/x.csv", tmp_path)
    assert (code, said.splitlines()[0]) == (5, "labelaudit: There is no bucket bucket.")


def test_access_denied(tmp_path: Path) -> None:
    class Denying(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(403)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    with serving(Denying) as url:
        code, said = failed(f"s3://bucket/x.csv?endpoint_override={url}", tmp_path)
    assert code == 3
    assert "s3://bucket/x.csv cannot be read: access denied." in said
    assert "credentials" in said


def test_files_on_other_machines() -> None:
    assert local_path("file:///a/b%20c.csv") == "/a/b c.csv"
    assert local_path("file://localhost/a.csv") == "/a.csv"
    assert local_path("s3://a/b.csv") is None
    with pytest.raises(UsageError, match="names the machine 'a'"):
        local_path("file://a/b.csv")


def rewritten(store: Store, path: str) -> None:
    table = pq.read_table(DIGITS).slice(0, 1000)
    with store.open_output_stream(path) as sink:
        pq.write_table(table, sink)


@pytest.mark.parametrize("gone", [False, True])
def test_a_part_that_changes_while_it_is_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    with store.open_output_stream("labels/changing.parquet") as sink:
        sink.write(DIGITS.read_bytes())
    path = "labels/changing.parquet"
    between_readings(
        monkeypatch, lambda: store.delete_file(path) if gone else rewritten(store, path)
    )
    done = call(
        "find-issues", f"s3://{path}", "--memory", "1MB", "-o", tmp_path / "issues.csv", cwd=ROOT
    )
    assert done.code == 3
    verb = "has gone away" if gone else "was changed"
    assert f"s3://{path} {verb} while it was read." in done.err
    assert list(tmp_path.iterdir()) == []


def test_errors_in_python_are_the_same(store: Store) -> None:
    with pytest.raises(NothingToAuditError, match="There is no file s3://labels/none"):
        labelaudit.find_issues("s3://labels/none.parquet")
    with store.open_output_stream("labels/broken.parquet") as sink:
        sink.write(b"PAR1" + bytes(100))
    with pytest.raises(InputError, match=r"s3://labels/broken\.parquet cannot be read"):
        labelaudit.find_issues("s3://labels/broken.parquet")


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "csv", "jsonl"])
@pytest.mark.parametrize("gone", [False, True])
def test_a_local_part_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, gone: bool
) -> None:
    path = tmp_path / f"part.{suffix}"
    table = pq.read_table(DIGITS)
    write_as(table, path)
    between_readings(
        monkeypatch, lambda: path.unlink() if gone else write_as(table.slice(0, 1000), path)
    )
    done = call("find-issues", path, "--memory", "1MB", "-o", tmp_path / "issues.csv")
    assert done.code == 3
    verb = "has gone away" if gone else "was changed"
    assert f"{path} {verb} while it was read." in done.err
    assert not (tmp_path / "issues.csv").exists()


def write_as(table: pa.Table, path: Path) -> None:
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".arrow":
        feather.write_feather(table, path, compression="uncompressed")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    else:
        rows = (f'{row["label"]},"{row["pred_probs"]}"\n' for row in table.to_pylist())
        path.write_text("label,pred_probs\n" + "".join(rows))


def test_a_part_that_changes_during_the_last_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "part.parquet"
    pq.write_table(pq.read_table(DIGITS), path)
    (partition,) = open_labels([str(path)], ReadOptions()).partitions
    blocks = partition.blocks()
    next(blocks)
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(InputError, match="was changed while it was read"):
        list(blocks)
