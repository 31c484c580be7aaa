"""All outputs are old or all are new, whatever fails; what killed runs leave is swept away."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from labelaudit.errors import OutputError
from labelaudit.tables import staging as staging_module
from labelaudit.tables.staging import Staging, is_temporary, sweep, temporary_name
from tests.in_process import ROOT

LENGTH = 300_000
LOOP = f"""
import sys
from labelaudit.tables.staging import Staging
folder, generation = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
while True:
    generation = (generation + 1) % 10
    with Staging() as staging:
        for name in "abc":
            with staging.file(f"{{folder}}/{{name}}") as sink:
                for _ in range(3):
                    sink.write(str(generation).encode() * {LENGTH // 3})
        staging.commit()
"""


def write(staging: Staging, path: Path, data: bytes) -> None:
    with staging.file(str(path)) as sink:
        sink.write(data)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def commit(folder: Path, names: str, data: bytes) -> None:
    with Staging() as staging:
        for name in names:
            write(staging, folder / name, data)
        staging.commit()


def failing_replace(target: str, failure: BaseException) -> object:
    real = Path.replace

    def replace(self: Path, to: Path) -> Path:
        if to.name == target and self.suffix == ".new":
            raise failure
        return real(self, to)

    return replace


@pytest.mark.parametrize("target", ["a", "b", "c", "d"])
@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("failure", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
def test_all_or_none(
    target: str,
    links: bool,
    failure: BaseException,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit(tmp_path, "acd", b"old")
    before = contents(tmp_path)
    monkeypatch.setattr(Path, "replace", failing_replace(target, failure))
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", lambda *_: os.link("", ""))
    expected = OutputError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as error:
        commit(tmp_path, "abcd", b"new")
    if isinstance(error.value, OutputError):
        assert error.value.found.endswith(f"/{target} cannot be written: broken.")
    assert contents(tmp_path) == before


def test_a_signal_after_the_last_move_undoes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(tmp_path, "ab", b"old")
    real = Path.replace

    def replace(self: Path, to: Path) -> Path:
        moved = real(self, to)
        if to.name == "b":
            raise KeyboardInterrupt
        return moved

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        commit(tmp_path, "ab", b"new")
    assert contents(tmp_path) == {"a": b"new", "b": b"new"}


def test_permissions_of_the_old_file_are_not_needed(tmp_path: Path) -> None:
    commit(tmp_path, "ab", b"old")
    (tmp_path / "a").chmod(0)
    commit(tmp_path, "ab", b"new")
    assert contents(tmp_path) == {"a": b"new", "b": b"new"}


def test_outputs_in_several_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
    with Staging() as staging:
        write(staging, tmp_path / "x" / "a", b"1")
        write(staging, tmp_path / "y" / "a", b"2")
        staging.folder(str(tmp_path / "z"))
        write(staging, tmp_path / "z" / "a", b"3")
        staging.commit()
    assert [contents(tmp_path / name) for name in "xyz"] == [{"a": b"1"}, {"a": b"2"}, {"a": b"3"}]


def test_a_folder_without_its_files_goes_again(tmp_path: Path) -> None:
    with Staging() as staging:
        staging.folder(str(tmp_path / "z"))
        write(staging, tmp_path / "z" / "a", b"3")
    assert list(tmp_path.iterdir()) == []


def test_rooms_in_use_are_left_alone(tmp_path: Path) -> None:
    with Staging() as one:
        write(one, tmp_path / "a", b"1")
        with Staging() as other:
            write(other, tmp_path / "b", b"2")
            other.commit()
        sweep(tmp_path)
        one.commit()
    assert contents(tmp_path) == {"a": b"1", "b": b"2"}


def test_leftovers_are_swept_and_nothing_else(tmp_path: Path) -> None:
    for content in ([], ["lock"], ["lock", "0.new", "0.old"]):
        room = tmp_path / temporary_name()
        room.mkdir()
        for name in content:
            (room / name).write_bytes(b"x")
    (tmp_path / temporary_name()).write_bytes(b"")
    others = [".labelaudit-notes.tmp", "x.tmp", ".labelaudit-0123456789abcdef.tmp.bak"]
    for name in others:
        (tmp_path / name).write_bytes(b"mine")
    foreign = tmp_path / temporary_name()
    foreign.mkdir()
    (foreign / "somebody's").write_bytes(b"mine")
    commit(tmp_path, "a", b"1")
    assert sorted(contents_of_files(tmp_path)) == sorted([*others, "a"])
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [foreign]


def contents_of_files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_file()]


def test_a_room_swept_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, swept = os.open, []

    def slow_open(path: Path, *arguments: int) -> int:
        if not swept:
            swept.append(path)
            sweep(tmp_path)
        return real(path, *arguments)

    monkeypatch.setattr(staging_module.os, "open", slow_open)
    commit(tmp_path, "a", b"1")
    assert swept
    assert contents(tmp_path) == {"a": b"1"}


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Whatever moment SIGKILL strikes at, every file is absent, old or new, and never half."""
    chance = np.random.default_rng(5)
    generation, left = 0, 0
    for _ in range(25):
        child = subprocess.Popen(
            [sys.executable, "-c", LOOP, str(tmp_path), str(generation)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.0, 0.04))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        names = [path.name for path in tmp_path.iterdir()]
        left += sum(map(is_temporary, names))
        assert {name for name in names if not is_temporary(name)} <= set("abc")
        for name in set(names) & set("abc"):
            data = (tmp_path / name).read_bytes()
            assert len(data) == LENGTH
            assert len(set(data)) == 1
            generation = int(data[:1])
    assert left, "no kill came while files were written"
    commit(tmp_path, "abc", b"end")
    assert contents(tmp_path) == dict.fromkeys("abc", b"end")
