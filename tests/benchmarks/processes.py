"""What a process took: the one that measures stays small, or its own size would be measured."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

__all__ = ["ROOT", "Cost", "measured"]

ROOT = Path(__file__).resolve().parents[2]


class Cost(NamedTuple):
    """What one run took: seconds, seconds of all cores, bytes at the peak; and what it printed."""

    wall: float
    cpu: float
    peak: int
    printed: str = ""


def measured(command: list[str], **environment: str) -> Cost:
    """Run a process to its end and say what it took."""
    with tempfile.TemporaryFile("w+") as out:
        start = perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=os.environ | environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        printed = out.read()
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}:\n{printed[-2000:]}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale, printed)
