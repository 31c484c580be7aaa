"""Temporary folders whose owners live, and others."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from labelaudit.leftovers import new_folder, remove_folder, sweep_folders

if TYPE_CHECKING:
    from pathlib import Path

MAKE = """
import os, sys
from labelaudit.leftovers import new_folder
path, _ = new_folder(sys.argv[1])
(path / "inside").mkdir()
(path / "inside" / "file").write_text("left")
os._exit(9)
"""


def test_a_folder_in_use_stays(tmp_path: Path) -> None:
    path, lock = new_folder(tmp_path)
    (path / "file").touch()
    sweep_folders(tmp_path)
    assert (path / "file").exists()
    assert path.stat().st_mode & 0o777 == 0o700
    remove_folder(path, lock)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_leaves_no_lock(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(tmp_path), "mkdir", refuse)
    with pytest.raises(OSError, match="No space"):
        new_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_an_owner_goes(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", MAKE, tmp_path], check=False).returncode == 9
    assert len(list(tmp_path.iterdir())) == 2
    sweep_folders(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_other_files_stay(tmp_path: Path) -> None:
    names = ["labelaudit-mine.lock", "other.lock", f"labelaudit-{'0' * 16}"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / f"labelaudit-{'1' * 16}.lock").symlink_to(tmp_path / "other.lock")
    sweep_folders(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
    sweep_folders(tmp_path / "missing")


def test_a_lock_that_was_swept_before_it_was_taken(tmp_path: Path, monkeypatch) -> None:
    from labelaudit import leftovers

    taken, lock = [], leftovers._lock

    def swept_first(descriptor: int) -> bool:
        if not taken:
            for path in tmp_path.glob("*.lock"):
                path.unlink()
        taken.append(descriptor)
        return lock(descriptor)

    monkeypatch.setattr(leftovers, "_lock", swept_first)
    path, descriptor = new_folder(tmp_path)
    assert len(taken) == 2
    assert os.fstat(descriptor).st_nlink == 1
    remove_folder(path, descriptor)
    assert list(tmp_path.iterdir()) == []


def test_what_appears_while_a_folder_is_removed_goes_too(tmp_path: Path, monkeypatch) -> None:
    path, lock = new_folder(tmp_path)
    late, rmdir = ["a", "b"], os.rmdir

    def written_to_meanwhile(name: object, **more: int) -> None:
        if late:
            (path / late.pop()).touch()
        rmdir(name, **more)

    monkeypatch.setattr(os, "rmdir", written_to_meanwhile)
    remove_folder(path, lock)
    assert late == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_removed_keeps_its_lock(tmp_path: Path, monkeypatch) -> None:
    path, lock = new_folder(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("labelaudit.leftovers.shutil.rmtree", lambda *_, **__: None)
        remove_folder(path, lock)
    assert {found.name for found in tmp_path.iterdir()} == {path.name, f"{path.name}.lock"}
    sweep_folders(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_whose_lock_is_gone_goes(tmp_path: Path) -> None:
    forsaken, open_to_others = (tmp_path / f"labelaudit-{digit * 16}" for digit in "ab")
    forsaken.mkdir(0o700)
    (forsaken / "file").touch()
    open_to_others.mkdir(0o755)
    target = tmp_path / "mine"
    target.mkdir(0o700)
    link = tmp_path / f"labelaudit-{'c' * 16}"
    link.symlink_to(target)
    sweep_folders(tmp_path)
    assert set(tmp_path.iterdir()) == {open_to_others, target, link}
