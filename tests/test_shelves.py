from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from labelaudit import shelves
from labelaudit.errors import EnvironmentalError, ExitCode
from labelaudit.shelves import (
    MemoryShelf,
    SpillShelf,
    TemporaryFolder,
    loaded_arrays,
    save_arrays,
    size_of,
)


@dataclass(frozen=True, slots=True)
class Numbers:
    values: np.ndarray
    name: str = "numbers"


@pytest.fixture(params=["memory", "disk", "both"])
def shelf(request, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(shelves.tempfile, "tempdir", None)
    budget = {"disk": 0, "both": 100}
    made = MemoryShelf() if request.param == "memory" else SpillShelf(budget[request.param])
    yield made
    if isinstance(made, SpillShelf):
        made.close()
        assert list(tmp_path.iterdir()) == []


def test_values_come_back_until_they_are_dropped(shelf):
    for i in range(5):
        shelf.put(("facts", i), Numbers(np.arange(i, i + 10)))
    shelf.put(("facts", 2), Numbers(np.arange(3)))
    assert shelf.get(("facts", 4)).values.tolist() == list(range(4, 14))
    assert shelf.get(("facts", 2)).values.tolist() == [0, 1, 2]
    shelf.drop(("facts", 2))
    shelf.drop(("facts", 2))
    with pytest.raises(KeyError):
        shelf.get(("facts", 2))


def test_memory_is_used_up_to_the_budget_and_given_back(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(shelves.tempfile, "tempdir", None)
    shelf = SpillShelf(budget=100)

    def on_disk():
        return sum(1 for _ in tmp_path.glob("labelaudit-*/*[0-9]"))

    shelf.put("a", Numbers(np.zeros(10)))
    assert on_disk() == 0
    shelf.put("b", Numbers(np.zeros(10)))
    assert on_disk() == 1
    shelf.drop("a")
    shelf.put("b", Numbers(np.ones(10)))
    assert on_disk() == 0
    shelf.close()


def test_a_full_disk_says_how_to_mend_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(shelves.tempfile, "tempdir", None)
    shelf = SpillShelf(budget=0)

    def full(value, file, protocol):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shelves.pickle, "dump", full)
    with pytest.raises(EnvironmentalError) as refused:
        shelf.put("a", Numbers(np.zeros(10)))
    assert refused.value.exit_code == ExitCode.ENVIRONMENT
    assert "No space left on device" in refused.value.found
    assert "TMPDIR" in refused.value.remedy
    shelf.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shelves, "temporary_base", lambda: str(tmp_path / "absent"))
    with pytest.raises(EnvironmentalError, match="absent"):
        TemporaryFolder()


def test_the_folder_is_gone_when_the_process_ends(tmp_path):
    code = (
        "from labelaudit.shelves import TemporaryFolder\n"
        "folder = TemporaryFolder()\n"
        "print(folder.path)\n"
        "raise KeyboardInterrupt\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    made = Path(done.stdout.strip())
    assert made.parent == tmp_path
    assert not made.exists()


def test_without_the_variable_it_is_on_a_disk(monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)
    with TemporaryFolder() as folder:
        assert folder.path.is_dir()
        if os.access(shelves._ON_DISK, os.W_OK | os.X_OK):
            assert folder.base == shelves._ON_DISK
    assert not folder.path.exists()


@pytest.mark.parametrize("wrong", ["missing", "file", "read-only"])
def test_a_folder_that_is_named_is_used_or_refused(wrong, tmp_path, monkeypatch):
    named = tmp_path / "named"
    if wrong == "file":
        named.write_text("")
    elif wrong == "read-only":
        named.mkdir()
        monkeypatch.setattr(shelves.os, "access", lambda path, _: path != str(named))
    monkeypatch.setenv("TMPDIR", str(named))
    with pytest.raises(EnvironmentalError, match="TMPDIR") as error:
        TemporaryFolder()
    told = {
        "missing": "is not there",
        "file": "is not a folder",
        "read-only": "cannot be written to",
    }
    assert told[wrong] in error.value.found
    assert error.value.exit_code is ExitCode.ENVIRONMENT
    assert "Have TMPDIR name a folder" in error.value.remedy


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_a_folder_that_takes_no_files_whatever_its_rights_say(monkeypatch):
    monkeypatch.setenv("TMPDIR", "/proc")
    with pytest.raises(EnvironmentalError, match="/proc, which TMPDIR names, cannot be written to"):
        TemporaryFolder()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("size", [10, 100_000])
def test_arrays_on_a_full_disk(size):
    with pytest.raises(EnvironmentalError, match="No space left on device"):
        save_arrays(Path("/dev/full"), np.zeros(size))


def test_arrays_come_back_as_they_were(tmp_path):
    wide = np.arange(12, dtype=np.int32).reshape(3, 4)
    arrays = [wide, np.asfortranarray(wide), wide[:, ::2], np.zeros((0, 3)), np.array([True])]
    save_arrays(tmp_path / "some", *arrays)
    found = loaded_arrays(tmp_path / "some")
    assert len(found) == len(arrays)
    for array, again in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(again, array)
        assert again.dtype == array.dtype


def test_arrays_count_wherever_a_value_holds_them():
    @dataclass(slots=True)
    class Inner:
        numbers: np.ndarray
        none: np.ndarray | None

    @dataclass(slots=True)
    class Outer:
        inner: Inner
        flags: np.ndarray
        name: str

    value = Outer(Inner(np.zeros(10), None), np.zeros(7, bool), "some")
    assert size_of(value) == 87
    assert size_of(value.flags) == 7
