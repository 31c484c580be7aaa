"""Packages from npm that tests hand reports to: what reads them in the world."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.in_process import ROOT

__all__ = ["package"]


KEPT = ROOT / ".pytest_cache" / "npm"


@cache
def _installed(name: str, version: str) -> Path | None:
    """Install the package once for all test runs; None where npm is absent or cannot."""
    folder = KEPT / f"{name.replace('/', '-').strip('@')}-{version}"
    place = folder / "node_modules" / name
    npm = shutil.which("npm")
    if place.is_dir():
        return place
    if npm is None:
        return None
    KEPT.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=KEPT) as made:
        flags = ("--no-audit", "--no-fund", "--ignore-scripts", "--silent")
        command = [npm, "install", "--prefix", made, *flags, f"{name}@{version}"]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=120)
        except (subprocess.SubprocessError, OSError):
            return None
        with contextlib.suppress(OSError):  # another worker was quicker
            Path(made, "node_modules").rename(_new(folder) / "node_modules")
    return place if place.is_dir() else None


def _new(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def package(name: str, version: str) -> Path:
    """Return the folder of an npm package; skip the test where there is none."""
    place = _installed(name, version)
    if place is None:
        pytest.skip(f"npm cannot install {name} {version} here")
    return place
