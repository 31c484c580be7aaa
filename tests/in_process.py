"""Run the command line in this process, for tests that need many runs."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import NamedTuple

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
    from labelaudit.cli import main

    out, err = io.BytesIO(), io.BytesIO()
    with (
        contextlib.redirect_stdout(io.TextIOWrapper(out, "utf-8", write_through=True)) as stdout,
        contextlib.redirect_stderr(io.TextIOWrapper(err, "utf-8", write_through=True)) as stderr,
        contextlib.chdir(cwd),
    ):
        code = main([str(argument) for argument in arguments])
        stdout.flush()
        stderr.flush()
        return Finished(code, out.getvalue().decode(), err.getvalue().decode())
