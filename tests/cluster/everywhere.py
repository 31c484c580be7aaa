"""Run a command here and on clusters, and compare every byte that comes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.in_process import call

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Runs", "Written"]

Written = tuple[str, dict[str, bytes], str]


@dataclass(frozen=True)
class Runs:
    """Runs of a command with many outputs: files and side tables.

    A table goes to CSV where it is not named as a file. ``varying`` is what a summary says of the
    run itself.
    """

    command: str
    files: tuple[str, ...]
    tables: tuple[str, ...]
    varying: tuple[str, ...] = ("timings",)

    def written(
        self, folder: Path, *arguments: str | Path, tables: Sequence[str] | None = None
    ) -> Written:
        """Run it in a new folder; return its report, all files, and its summary."""
        folder.mkdir()
        names = self.tables if tables is None else tables
        side = (name if "." in name else f"{name}:{name}.csv" for name in names)
        outputs = [*self.files, *side, "summary.json"]
        asked = [word for output in outputs for word in ("-o", output)]
        done = call(self.command, *arguments, *asked, cwd=folder)
        assert done.code == 0, done.err
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        summary = json.loads(files.pop("summary.json"))
        for name in self.varying:
            del summary[name]
        return done.out, files, json.dumps(summary)

    def same_everywhere(
        self, folder: Path, *arguments: str | Path, clusters: Sequence[str], **how: Any
    ) -> None:
        """Run it here and on each cluster."""
        here = self.written(folder / "here", *arguments, **how)
        for at, each in enumerate(clusters):
            there = self.written(folder / str(at), *arguments, "--cluster", each, **how)
            assert there == here
