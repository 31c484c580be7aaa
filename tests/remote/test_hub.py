"""Datasets at Hugging Face, as a server on this machine that speaks like it has them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import labelaudit
from labelaudit.tables import ReadOptions, open_labels, remote
from tests.in_process import FIXTURES, ROOT, call
from tests.remote.changing import between_readings
from tests.remote.hub import TOKEN, Hub, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGITS = FIXTURES / "noisy/digits/data.parquet"
PETS = "hf://datasets/me/pets"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    constants = pytest.importorskip(
        "huggingface_hub.constants", reason="huggingface_hub is not installed"
    )
    from huggingface_hub import HfFileSystem

    data = DIGITS.read_bytes()
    tree = {
        "README.md": b"# Pets",
        "data.parquet": data,
        "hive/split=a b/p%20.parquet": data,
        "hive/split=train/p.parquet": data,
        "hive/_old/p.parquet": b"not to be read",
        "c#d?e.parquet": data,
    }
    revisions = {
        "main": tree,
        "v1.0": {"data.parquet": data},
        "refs/convert/parquet": {"default/train/0000.parquet": data},
    }
    alone = {"main": {"data.parquet": data}}
    served = Hub(
        {
            "me/pets": Repository(revisions),
            "me/hidden": Repository(alone, private=True),
            "me/gated": Repository(alone, gated=True),
        }
    )
    for name in [name for name in os.environ if name.startswith("HF_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path_factory.mktemp("none") / "token"))
    with served.serving() as here:
        template = f"{here.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "ENDPOINT", here.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        HfFileSystem.clear_instance_cache()
        remote._filesystem.cache_clear()
        yield here
    HfFileSystem.clear_instance_cache()
    remote._filesystem.cache_clear()


def test_a_file_gives_the_same_as_here(hub: Hub) -> None:
    here = labelaudit.find_issues(DIGITS).table
    assert labelaudit.find_issues(f"{PETS}/data.parquet").table == here
    assert "GET /datasets/me/pets/resolve/main/data.parquet" in hub.asked


def test_as_users_start_it(hub: Hub) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "labelaudit", "inspect", f"{PETS}/data.parquet"],
        env={**os.environ, "HF_ENDPOINT": hub.url},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Data      {PETS}/data.parquet (Parquet, 1,797 rows)")


TRAIN, OTHER = f"{PETS}/hive/split=train/p.parquet", f"{PETS}/hive/split=a b/p%20.parquet"


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("hive", (OTHER, TRAIN)),
        ("hive/", (OTHER, TRAIN)),
        ("hive/*/*.parquet", (OTHER, TRAIN)),
        ("h*/split=tr*", (TRAIN,)),
        ("**/p.parquet", (TRAIN,)),
        ("hive/split=[s-z]rain/p.parquet", (TRAIN,)),
        ("c#d?e.parquet", (f"{PETS}/c#d?e.parquet",)),
    ],
)
def test_folders_globs_and_names(hub: Hub, pattern: str, files: tuple[str, ...]) -> None:
    assert open_labels([f"{PETS}/{pattern}"], ReadOptions()).understanding.files == files


def test_a_whole_dataset_and_folders_that_are_columns(hub: Hub) -> None:
    assert len(open_labels([PETS], ReadOptions()).understanding.files) == 4
    hub.sent = 0
    some = open_labels([f"{PETS}/hive"], ReadOptions(where="split = 'train'"))
    assert some.rows == 1797


def test_revisions(hub: Hub) -> None:
    for address in (
        "@v1.0",
        "@v1.0/data.parquet",
        "@refs/convert/parquet/default/train/0000.parquet",
        "@refs%2Fconvert%2Fparquet/default/*/*.parquet",
    ):
        assert open_labels([PETS + address], ReadOptions()).rows == 1797, address


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"{PETS}/none.parquet", f"There is no file {PETS}/none.parquet."),
        (f"{PETS}/none/x.parquet", f"There is no file {PETS}/none/x.parquet."),
        (f"{PETS}/no*", "No file matched."),
        (f"{PETS}@v9/data.parquet", f"There is no revision of that name: {PETS}@v9."),
        (f"{PETS}@v9/*.parquet", f"There is no revision of that name: {PETS}@v9."),
    ],
)
def test_what_is_not_there(hub: Hub, address: str, said: str) -> None:
    done = call("inspect", address)
    assert (done.code, done.err.splitlines()[0]) == (5, f"labelaudit: {said}")


@pytest.mark.parametrize("repository", ["hidden", "none"])
@pytest.mark.parametrize("path", ["", "/data.parquet", "/*.parquet"])
def test_a_private_dataset_without_a_token(hub: Hub, repository: str, path: str) -> None:
    address = f"hf://datasets/me/{repository}"
    done = call("inspect", address + path)
    assert done.code == 3
    first, second = done.err.splitlines()
    assert first == f"labelaudit: {address} cannot be read: there is none, or it is private."
    assert second == "Check the name, or set HF_TOKEN to a token that may read it."


def test_a_private_dataset_with_a_token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert call("inspect", "hf://datasets/me/hidden/data.parquet").code == 0
    assert call("inspect", "hf://datasets/me/gated/data.parquet").code == 0
    remote._filesystem.cache_clear()
    monkeypatch.setenv("HF_TOKEN", "hf_of_somebody_else")
    done = call("inspect", "hf://datasets/me/hidden@main/data.parquet")
    assert done.code == 5
    said = "There is no hf://datasets/me/hidden@main, or the token may not read it."
    assert done.err.startswith(f"labelaudit: {said}\n")


def test_a_dataset_with_conditions_without_a_token(hub: Hub) -> None:
    done = call("inspect", "hf://datasets/me/gated/data.parquet")
    assert done.code == 3
    assert done.err.startswith(
        "labelaudit: hf://datasets/me/gated/data.parquet cannot be read: access denied.\n"
    )


@pytest.mark.parametrize("address", ["hf://", "hf://datasets", "hf://datasets/a b/c/x.csv"])
def test_no_address_of_a_dataset(hub: Hub, address: str) -> None:
    done = call("inspect", address)
    assert done.code in (2, 3)
    assert "cannot be read: Invalid" not in done.err
    assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize(("status", "said"), [(403, "access denied"), (500, "")])
def test_a_server_that_refuses(hub: Hub, status: int, said: str) -> None:
    hub.failing = status
    done = call("inspect", f"{PETS}/data.parquet")
    assert done.code == 3
    assert done.err.startswith(f"labelaudit: {PETS}/data.parquet cannot be read: {said}")
    assert len(done.err.splitlines()) == 2


def test_no_server(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    done = call("inspect", f"{PETS}/data.parquet")
    assert done.code == 3
    said = f"{PETS}/data.parquet cannot be reached: no connection to its server."
    assert done.err.startswith(f"labelaudit: {said}\n")


@pytest.mark.parametrize("gone", [False, True])
def test_a_part_that_changes_while_it_is_read(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    files = hub.repositories["me/pets"].revisions["main"]

    def change() -> Any:
        data = files.pop("data.parquet")
        if not gone:
            # As long as before: the identity of the content alone tells.
            files["data.parquet"] = data[:-2000] + bytes(8) + data[-1992:]

    between_readings(monkeypatch, change)
    done = call(
        "find-issues", f"{PETS}/data.parquet", "--memory", "1MB", "-o", tmp_path / "issues.csv"
    )
    assert done.code == 3
    verb = "has gone away" if gone else "was changed"
    assert f"{PETS}/data.parquet {verb} while it was read." in done.err
    assert list(tmp_path.iterdir()) == []


def test_requests_are_few(hub: Hub) -> None:
    open_labels([f"{PETS}/data.parquet"], ReadOptions())
    before = len(hub.asked)
    hub.asked.clear()
    labelaudit.find_issues(f"{PETS}/data.parquet")
    assert before < 25
    assert len(hub.asked) < 25


def test_every_command_reads_there(hub: Hub, tmp_path: Path) -> None:
    assert call("check", f"{PETS}/data.parquet", "--require", "issues <= 0").code == 1
    done = call("export", f"{PETS}/data.parquet", "--policy", "flag", "-o", tmp_path / "out.csv")
    assert done.code == 0
    done = call("find-issues", f"{PETS}/data.parquet", "-q", "-o", tmp_path / "manifest.json")
    assert done.code == 0
