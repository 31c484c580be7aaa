"""What tests of tables that do not fit in memory have in common."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from labelaudit import shelves
from labelaudit.audits.tags import pieces as tag_pieces
from labelaudit.tables import issue_sorting, pieces, sorted_runs, spilled_issues

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files, which must be empty afterwards."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(shelves.tempfile, "tempdir", None)
    yield temporary
    gc.collect()
    assert list(temporary.iterdir()) == []


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few rows be many pieces, runs and groups of rows."""
    for module in (pieces, spilled_issues, issue_sorting):
        monkeypatch.setattr(module, "PIECE_ROWS", 32)
    monkeypatch.setattr(pieces, "GROUP_ROWS", 64)
    monkeypatch.setattr(issue_sorting, "_BLOCK_ROWS", 7)
    monkeypatch.setattr(sorted_runs, "_LEAST_BYTES", 64)
    monkeypatch.setattr(tag_pieces, "PIECE_BYTES", 2_000)
