"""No line is wider than the terminal, also where that is narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelaudit.reports.layout import width
from tests.in_process import FIXTURES, call

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = {
    "find-issues": ("find-issues", "digits", "--group", "label"),
    "inspect": ("inspect", "digits"),
    "dry run": ("find-issues", "digits", "--dry-run"),
    "aggregate": ("aggregate", "votes"),
    "dry run of votes": ("aggregate", "votes", "--dry-run"),
}


@pytest.mark.parametrize("cells", [40, 46, 61])
@pytest.mark.parametrize("name", COMMANDS)
def test_lines_fit(name: str, cells: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command, case, *flags = COMMANDS[name]
    (tmp_path / "d.parquet").write_bytes((FIXTURES / "noisy" / case / "data.parquet").read_bytes())
    monkeypatch.setenv("COLUMNS", str(cells))
    done = call(command, "d.parquet", "-v", *flags, cwd=tmp_path)
    assert done.code == 0, done.err
    assert [line for line in done.out.splitlines() if width(line) > cells] == []
    monkeypatch.setenv("COLUMNS", "10")
    narrow = call(command, "d.parquet", "-v", *flags, cwd=tmp_path)
    assert [line for line in narrow.out.splitlines() if width(line) > 40] == []
