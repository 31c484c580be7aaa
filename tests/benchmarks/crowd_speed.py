"""Speed of aggregation against the peer, on synthetic votes.

    python -m tests.benchmarks.crowd_speed [--votes 100000,1000000] [--alone 10000000]
    python -m tests.benchmarks.crowd_speed --run ours dawid-skene votes.npy

Per iteration: the time of a long fit less that of a short one, over the difference in iterations,
so that reading, grouping and compiling do not count. Whole process: a new interpreter that reads
the votes from a file, fits with default settings, and ends. Both in seconds of all cores, so that
other work on the machine does not count. Ours alone: two threads, seconds on the clock as well.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.methods import METHODS, method
from tests.benchmarks.crowd_peer import frame, peer
from tests.benchmarks.processes import measured
from tests.crowd_votes import block, rows_of, simulated

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from tests.benchmarks.processes import Cost

CLASSES = 10
LONG, SHORT = 12, 2
COMPARED = ("dawid-skene", "one-coin", "mace", "glad")
ALONE = ("majority", "wawa", "one-coin", "dawid-skene", "hierarchical-dawid-skene", "mace", "glad")
WHOLE = {"dawid-skene": 1_000_000, "one-coin": 100_000, "mace": 100_000, "glad": 10_000}
"""The most votes at which the peer's whole fit ends within minutes."""
ITERATION = {"glad": 100_000}
"""The most votes at which the peer's single iteration does."""


def synthetic(n_votes: int) -> VoteBlock:
    """Draw votes: 10 per task below ten million, 100 beyond; 200 or more per annotator."""
    per_task = 10 if n_votes < 10_000_000 else 100
    workers = min(max(n_votes // 200, 20), 5000)
    return simulated((n_votes // per_task, workers, CLASSES), per_task, seed=1)[0]


def timed(run: Callable[[], object]) -> float:
    """Time in seconds of this process's cores: others on the machine do not count."""
    began = time.process_time()
    run()
    return time.process_time() - began


def our_iteration(name: str, votes: VoteBlock) -> float:
    """Time one iteration of ours: a run with its limits at LONG less one at SHORT."""
    module = import_module(f"labelaudit.audits.crowd.{METHODS[name][0]}")
    before = {
        key: getattr(module, key) for key in ("STEPS", "ENOUGH", "STARTS") if hasattr(module, key)
    }
    seconds = {}
    try:
        module.ENOUGH, module.STARTS = -1.0, 1
        for steps in (SHORT, SHORT, LONG):
            module.STEPS = steps
            seconds[steps] = timed(lambda: method(name)(votes, seed=0))
    finally:
        for key, value in before.items():
            setattr(module, key, value)
    return (seconds[LONG] - seconds[SHORT]) / (LONG - SHORT)


def peer_iteration(name: str, votes: VoteBlock) -> float:
    table = frame(votes)
    one_start = {"n_restarts": 1} if name == "mace" else {"tol": 0.0}

    def run(steps: int) -> float:
        aggregator = peer(name, n_iter=steps, **one_start)
        return timed(lambda: aggregator.fit(table))

    short, long = (1, 2) if votes.n_votes > 500_000 or name == "glad" else (SHORT, 2 * SHORT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (run(long) - run(short)) / (long - short)


def saved(votes: VoteBlock, folder: str) -> str:
    path = Path(folder) / "votes.npy"
    np.save(path, rows_of(votes).astype(np.int32))
    return str(path)


def run_once(who: str, name: str, path: str) -> None:
    """Aggregate the votes of a file once, as a process does."""
    rows: npt.NDArray[np.int64] = np.load(path).astype(np.int64)
    sizes = rows.max(axis=0) + 1
    votes = block(rows, (int(sizes[0]), int(sizes[1]), int(sizes[2])))
    if who == "ours":
        with ThreadPoolExecutor(2) as pool:
            method(name)(votes, seed=0, on=pool)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer(name).fit(frame(votes))


def process(who: str, name: str, path: str) -> Cost:
    """Run a process to its end."""
    command = [sys.executable, "-m", "tests.benchmarks.crowd_speed", "--run", who, name, path]
    return measured(command)


def compare(n_votes: int) -> None:
    votes = synthetic(n_votes)
    print(
        f"\n{n_votes} votes, {votes.n_tasks} tasks, {votes.n_workers} annotators, {CLASSES} classes"
    )
    print("  per iteration            ours      peer     ratio | whole process  ours   peer  ratio")
    with tempfile.TemporaryDirectory() as folder:
        path = saved(votes, folder)
        for name in COMPARED:
            ours = our_iteration(name, votes)
            text = f"  {name:18} {ours * 1e3:9.2f}"
            if n_votes <= ITERATION.get(name, n_votes):
                theirs = peer_iteration(name, votes)
                text += f" {theirs * 1e3:9.1f} ms {theirs / ours:7.0f}x"
            if n_votes <= WHOLE[name]:
                whole, other = process("ours", name, path).cpu, process("peer", name, path).cpu
                text += f" | {whole:18.2f} {other:6.1f} s {other / whole:5.1f}x"
            print(text, flush=True)


def alone(n_votes: int) -> None:
    votes = synthetic(n_votes)
    print(f"\nours alone: {n_votes} votes, {votes.n_tasks} tasks, {votes.n_workers} annotators")
    with tempfile.TemporaryDirectory() as folder:
        path = saved(votes, folder)
        del votes
        for name in ALONE:
            cost = process("ours", name, path)
            print(
                f"  {name:26} {cost.wall:5.1f} s {cost.cpu:6.1f} s CPU {cost.peak / 1e6:7.0f} MB",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--votes", default="100000,1000000")
    parser.add_argument("--alone", default="10000000")
    parser.add_argument("--run", nargs=3, metavar=("WHO", "METHOD", "FILE"))
    chosen = parser.parse_args()
    if chosen.run:
        run_once(*chosen.run)
        return
    for n_votes in filter(None, chosen.votes.split(",")):
        compare(int(n_votes))
    for n_votes in filter(None, chosen.alone.split(",")):
        alone(int(n_votes))


if __name__ == "__main__":
    main()
