"""Run the command line in this process, for tests that need many runs."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

__all__ = ["FIXTURES", "ROOT", "Finished", "call"]

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "fixtures"


class Finished(NamedTuple):
    """How a run ended, and what it said."""

    code: int
    out: str
    err: str


def call(*arguments: str | Path, cwd: Path = ROOT) -> Finished:
    """Run ``labelaudit ARGUMENTS`` in the folder ``cwd``."""
    from labelaudit.cli import run

    out, err = io.BytesIO(), io.BytesIO()
    argv = ["labelaudit", *map(str, arguments)]
    with (
        contextlib.redirect_stdout(io.TextIOWrapper(out, "utf-8", write_through=True)) as stdout,
        contextlib.redirect_stderr(io.TextIOWrapper(err, "utf-8", write_through=True)) as stderr,
        mock.patch.object(sys, "argv", argv),
        contextlib.chdir(cwd),
    ):
        try:
            code = run()
        except SystemExit as stop:
            code = stop.code
        stdout.flush()
        stderr.flush()
        said, told = out.getvalue().decode(), err.getvalue().decode()
    return Finished(int(code or 0), said, told)
