"""Where real data with known truth is found; tests that need it skip where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

__all__ = ["folder", "path"]

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def folder() -> Path:
    """Return the folder with real data: LABELAUDIT_DATA, or one beside the repository."""
    chosen = os.environ.get("LABELAUDIT_DATA")
    return Path(chosen) if chosen else _BESIDE


def path(name: str) -> Path:
    """Return the path of a file of real data, or skip the test with a reason."""
    found = folder() / name
    if not found.exists():
        pytest.skip(f"no {name} (set LABELAUDIT_DATA to the folder that holds it)")
    return found
