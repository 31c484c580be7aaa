"""Time and peak memory of aggregate within a budget: ``python -m tests.benchmarks.crowd_memory``.

Each table of votes is written in pieces by a process of its own, and aggregated by another whose
peak the kernel reports. The one that measures stays small, or its own size would be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import Cost, measured

VOTES = "100000,1000000,10000000"
METHODS = "majority,dawid-skene"
PER_TASK, CLASSES, PIECE = 5, 5, 1_000_000


def written(votes: int, folder: Path) -> Path:
    """Return the table's file, made on first use: rows in no order, one worker for 100 tasks."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = folder / f"votes-{votes}.parquet"
    if path.exists():
        return path
    rng = np.random.default_rng(0)
    tasks, workers = votes // PER_TASK, max(votes // PER_TASK // 100, 20)
    right, truth = rng.uniform(0.5, 0.95, workers), rng.integers(0, CLASSES, tasks, np.int8)
    schema = pa.schema([(name, pa.string()) for name in ("task", "worker", "label")])
    unfinished = path.with_suffix(".part")
    with pq.ParquetWriter(unfinished, schema) as writer:
        for start in range(0, votes, PIECE):
            n = min(PIECE, votes - start)
            task, worker = rng.integers(0, tasks, n), rng.integers(0, workers, n)
            sound = rng.random(n) < right[worker]
            label = np.where(sound, truth[task], rng.integers(0, CLASSES, n))
            columns = [
                pc.binary_join_element_wise(letter, pa.array(codes).cast(pa.string()), "")
                for letter, codes in (("t", task), ("w", worker), ("c", label))
            ]
            writer.write_table(pa.table(columns, schema=schema))
    unfinished.rename(path)
    return path


def aggregated(
    path: Path, method: str, budget: int | None, threads: int
) -> tuple[Cost, dict[str, Any]]:
    """Aggregate votes and write the consensus, within a budget in MB or without one."""
    outputs = [path.parent / f"{method}-{budget}.{end}" for end in ("parquet", "json")]
    command = [sys.executable, "-m", "labelaudit", "aggregate", str(path), "-q", "--force"]
    command += ["-m", method, "--threads", str(threads)]
    command += [] if budget is None else ["--memory", f"{budget}MB"]
    for output in outputs:
        command += ["-o", str(output)]
    found = measured(command)
    return found, json.loads(outputs[1].read_text("utf-8"))["work"]


def row(votes: int, method: str, budget: int | None, cost: Cost, work: dict[str, Any]) -> str:
    """Return a line of the table."""
    return (
        f"| {votes:,} | {method} | {'none' if budget is None else f'{budget} MB'} | "
        f"{cost.peak / 1e6:,.0f} MB | {work['temporary_bytes'] / 1e6:,.0f} MB | "
        f"{work['passes']} | {cost.wall:.1f} s | {cost.cpu:.1f} s |"
    )


def compare(
    sizes: list[int], methods: list[str], budgets: list[int | None], folder: Path, threads: int
) -> None:
    """Print a line of the table as soon as it is known."""
    print("| votes | method | `--memory` | peak memory | temporary files | passes | wall | CPU |")
    print("|---|---|---|---|---|---|---|---|")
    make = [sys.executable, "-m", "tests.benchmarks.crowd_memory", "--folder", str(folder)]
    for votes in sizes:
        measured([*make, "--make", str(votes)])
        path = folder / f"votes-{votes}.parquet"
        for method in methods:
            for budget in budgets:
                found = aggregated(path, method, budget, threads)
                print(row(votes, method, budget, *found), flush=True)


def main() -> None:
    """Make one table, or measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--votes", default=VOTES)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--budgets", default="none,400", help="MB")
    parser.add_argument("--threads", type=int, default=2)
    there = Path(tempfile.gettempdir()) / "labelaudit-benchmarks"
    parser.add_argument("--folder", type=Path, default=there)
    parser.add_argument("--make", type=int)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if chosen.make:
        written(chosen.make, chosen.folder)
        return
    budgets = [None if text == "none" else int(text) for text in chosen.budgets.split(",")]
    sizes = [int(text) for text in chosen.votes.split(",")]
    compare(sizes, chosen.methods.split(","), budgets, chosen.folder, chosen.threads)


if __name__ == "__main__":
    main()
