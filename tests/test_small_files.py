"""Small files that people write: what is no file is not read, wherever one is named."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from labelaudit.small_files import small_text
from tests.in_process import FIXTURES, call

if TYPE_CHECKING:
    from pathlib import Path

DATA = FIXTURES / "noisy" / "digits" / "data.parquet"
RULE = ("--require", "new_issues == 0")


def test_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfcat\r\n")
    assert small_text(tmp_path / "a.txt") == "cat\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check", DATA, *RULE, "--baseline"), 2),
        (("find-issues", DATA, "--config"), 2),
        (("export", DATA, "--dry-run", "--decisions"), 3),
    ],
)
def test_a_pipe_nobody_writes_to_is_not_waited_for(
    tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    done = call(*map(str, arguments), str(pipe), cwd=tmp_path)
    assert done.code == code
    assert "pipe" in done.err
    assert "not a file" in done.err


def test_classes_of_a_device(tmp_path: Path) -> None:
    done = call("find-issues", str(DATA), "--classes", "@/dev/zero", cwd=tmp_path)
    assert done.code == 2
    assert "it is a pipe or a device, not a file" in done.err


def test_an_endless_baseline_does_not_fill_the_memory(tmp_path: Path) -> None:
    done = call("check", str(DATA), *RULE, "--baseline", "/dev/zero", cwd=tmp_path)
    assert done.code == 2
    assert "The baseline /dev/zero cannot be read" in done.err


def test_a_baseline_without_a_name(tmp_path: Path) -> None:
    done = call("check", str(DATA), *RULE, "--baseline", "", cwd=tmp_path)
    assert done.code == 2
    assert done.err.startswith("labelaudit: --baseline names no file.")
