"""Quality of every aggregation method on public crowd sets, beside the peer's.

    python -m tests.benchmarks.crowd_quality [--sets tt_dog,tt_rte] [--methods auto]
        [--peers majority,glad] [--limit 60] [--write]

Accuracy by set with its standard error; the mean over sets, and how far each method is above
majority vote, paired by task; negative log-likelihood (posteriors clipped at 1e-12: the figure
depends on it), Brier score and expected calibration error in 15 bins of equal mass; then what the
model behind the sentence about majority vote expects to gain, and what is gained. ``--peers`` asks
for the peer's methods (``all`` for all of them), each in a process of its own that is ended after
``--limit`` seconds. ``--write`` puts the tables into ``docs/benchmarks.md``. Sets are read from
the folder crowd/ of LABELAUDIT_DATA.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.methods import METHODS, method
from labelaudit.audits.crowd.posterior import consensus
from labelaudit.audits.crowd.would_majority_do import majority_certificate
from tests import realdata
from tests.benchmarks.crowd_peer import PEERS, peer_posterior
from tests.crowd_votes import real_votes

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from labelaudit.blocks import VoteBlock

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
CLIP = 1e-12
BINS = 15
SAME_AS_MAJORITY = ("super-majority", "unanimous")
DOCS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
MARKS = re.compile(r"(<!-- crowd: begin -->\n).*?(<!-- crowd: end -->)", re.DOTALL)


class Quality(NamedTuple):
    """One method on one set; ``right`` by task with known truth, all else means."""

    right: npt.NDArray[np.bool_]
    nll: float
    brier: float
    ece: float
    seconds: float


def calibration_error(confidence: Floats, right: npt.NDArray[np.bool_]) -> float:
    order = np.argsort(confidence, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    gaps = [len(part) * abs(confidence[part].mean() - right[part].mean()) for part in bins]
    return float(sum(gaps) / len(order))


def quality(q: Floats, truth: Ints, seconds: float) -> Quality:
    known = truth >= 0
    q, truth = q[known], truth[known]
    rows, label = np.arange(len(q)), consensus(q)
    right = label == truth
    return Quality(
        right,
        float(-np.log(np.clip(q[rows, truth], CLIP, 1.0)).mean()),
        float(((q - np.eye(q.shape[1])[truth]) ** 2).sum(axis=1).mean()),
        calibration_error(q[rows, label], right),
        seconds,
    )


def share(right: npt.NDArray[np.bool_] | Floats) -> tuple[float, float]:
    """Return the mean in percent, or in points, and its standard error."""
    values = 100.0 * np.asarray(right, np.float64)
    return float(values.mean()), float(values.std() / np.sqrt(len(values)))


def mean_of(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the mean over sets, and its standard error: tasks vary, the sets do not."""
    means, errors = np.array(pairs).T
    return float(means.mean()), float(np.sqrt((errors**2).sum()) / len(errors))


def _peer(name: str, votes: VoteBlock, end: Connection) -> None:
    began = time.perf_counter()
    try:
        found: Floats | str = peer_posterior(name, votes)
    except Exception as error:  # a peer's crash is a result, not our failure
        found = f"{type(error).__name__}: {error}".splitlines()[0][:60]
    end.send((found, time.perf_counter() - began))


def peer_within(name: str, votes: VoteBlock, limit: float) -> tuple[Floats | str, float]:
    """Run the peer in a process of its own; what it gave, or why it gave nothing."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_peer, args=(name, votes, theirs))
    process.start()
    try:
        if ours.poll(limit):
            found: tuple[Floats | str, float] = ours.recv()
            return found
        return f"not done after {limit:.0f} s", limit
    finally:
        process.kill()
        process.join()


def measured(name: str, chosen: argparse.Namespace) -> dict[str, Quality]:
    """Measure all methods on one set."""
    votes, truth = real_votes(name)
    found = {}
    for who in split(chosen.methods):
        began = time.perf_counter()
        q = method(who)(votes, seed=0).posterior
        found[who] = quality(q, truth, time.perf_counter() - began)
    for who in PEERS if chosen.peers == "all" else split(chosen.peers):
        theirs, seconds = peer_within(who, votes, chosen.limit)
        if isinstance(theirs, str):
            print(f"{name}, peer {who}: {theirs}", flush=True)
        else:
            found[f"peer {who}"] = quality(theirs, truth, seconds)
    return found


def accuracy_table(sets: dict[str, dict[str, Quality]]) -> list[str]:
    lines = [row("method", *sets), "|" + "---|" * (len(sets) + 1)]
    for who in everywhere(sets):
        cells = (share(found[who].right) for found in sets.values())
        lines.append(row(who, *(f"{mean:.1f} ± {error:.1f}" for mean, error in cells)))
    return lines


def mean_table(sets: dict[str, dict[str, Quality]]) -> list[str]:
    head = row("method", "accuracy", "above majority", "NLL", "Brier", "ECE", "seconds")
    lines = [head, "|" + "---|" * 7]
    for who in everywhere(sets):
        own = [found[who] for found in sets.values()]
        mean, error = mean_of([share(each.right) for each in own])
        rest = np.mean([each[1:] for each in own], axis=0)
        above = "-"
        if all("majority" in found for found in sets.values()):
            base = [found["majority"].right.astype(float) for found in sets.values()]
            gain = mean_of(
                [share(each.right - other) for each, other in zip(own, base, strict=True)]
            )
            above = f"{gain[0]:+.2f} ± {gain[1]:.2f}"
        scores = (f"{rest[0]:.3f}", f"{rest[1]:.3f}", f"{rest[2]:.3f}", f"{rest[3]:.2f}")
        lines.append(row(who, f"{mean:.2f} ± {error:.2f}", above, *scores))
    return lines


def gain_table(names: list[str]) -> list[str]:
    """Compare the gain over majority vote that the model expects with the true one."""
    lines = [row("set", "expected gain, points", "true gain, points"), "|---|---|---|"]
    for name in names:
        votes, truth = real_votes(name)
        graph, known = VoteGraph.of(votes), truth >= 0
        counts = graph.vote_counts()
        most = counts == counts.max(axis=1, keepdims=True)
        chance = (most / most.sum(axis=1, keepdims=True))[known, truth[known]]
        log_q = method("hierarchical-dawid-skene")(votes).log_posterior
        weighed = consensus(log_q)[known] == truth[known]
        mean, error = share(weighed - chance)
        expected = 100.0 * majority_certificate(votes).expected_gain
        lines.append(row(name, f"{expected:.1f}", f"{mean:.1f} ± {error:.1f}"))
    return lines


def everywhere(sets: dict[str, dict[str, Quality]]) -> list[str]:
    """Return the methods that gave something on every set."""
    names = dict.fromkeys(name for found in sets.values() for name in found)
    return [name for name in names if all(name in found for found in sets.values())]


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def split(names: str) -> list[str]:
    return [name for name in names.split(",") if name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets")
    methods = ",".join(name for name in METHODS if name not in SAME_AS_MAJORITY)
    parser.add_argument("--methods", default=methods)
    parser.add_argument("--peers", default="", help="comma-separated, or all")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for one of the peer's")
    parser.add_argument("--write", action="store_true", help="write the tables into the docs")
    chosen = parser.parse_args()
    found = sorted(path.name for path in (realdata.folder() / "crowd").glob("*.truth.parquet"))
    names = split(chosen.sets) if chosen.sets else [name.split(".")[0] for name in found]
    sets = {name: measured(name, chosen) for name in names}
    tables = (accuracy_table(sets), mean_table(sets), gain_table(names))
    text = "\n\n".join("\n".join(table) for table in tables)
    print(text)
    if chosen.write:
        page = DOCS.read_text("utf-8")
        DOCS.write_text(MARKS.sub(rf"\g<1>\n{text}\n\n\g<2>", page), "utf-8")


if __name__ == "__main__":
    main()
