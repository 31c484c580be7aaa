"""Packages from npm that tests hand reports to: what reads them in the world."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import gettempdir

import pytest

__all__ = ["package"]


@cache
def _installed(name: str, version: str) -> Path | None:
    """Install the package once for all test runs; None where npm is absent or cannot."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    short = name.replace("/", "-").strip("@")
    folder = Path(gettempdir()) / "labelaudit-tests-npm" / f"{short}-{version}"
    place = folder / "node_modules" / name
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        flags = ("--no-audit", "--no-fund", "--ignore-scripts", "--silent")
        command = [npm, "install", "--prefix", str(folder), *flags, f"{name}@{version}"]
        try:
            done = subprocess.run(command, capture_output=True, check=False, timeout=120)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode or not place.is_dir():
            return None
        (folder / "done").touch()
    return place


def package(name: str, version: str) -> Path:
    """Return the folder of an npm package; skip the test where there is none."""
    place = _installed(name, version)
    if place is None:
        pytest.skip(f"npm cannot install {name} {version} here")
    return place
