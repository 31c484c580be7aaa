"""Quality of every aggregation method on public crowd sets, beside the peer's.

    python -m tests.benchmarks.crowd_quality [--sets tt_dog,tt_rte] [--methods auto] [--peers ""]

Accuracy in %, negative log-likelihood (posteriors clipped at 1e-12: the figure depends on it),
Brier score, expected calibration error in 15 bins of equal mass. Sets are read from the folder
crowd/ of LABELAUDIT_DATA.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from labelaudit.audits.crowd.methods import METHODS, method
from labelaudit.audits.crowd.posterior import consensus
from tests import realdata
from tests.benchmarks.crowd_peer import PEERS, peer_posterior
from tests.crowd_votes import real_votes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelaudit.blocks import VoteBlock

Floats = npt.NDArray[np.float64]
CLIP = 1e-12
BINS = 15


class Quality(NamedTuple):
    accuracy: float
    nll: float
    brier: float
    ece: float
    seconds: float


def calibration_error(confidence: Floats, right: npt.NDArray[np.bool_]) -> float:
    order = np.argsort(confidence, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    gaps = [len(part) * abs(confidence[part].mean() - right[part].mean()) for part in bins]
    return float(sum(gaps) / len(order))


def quality(q: Floats, truth: npt.NDArray[np.int64], seconds: float) -> Quality:
    known = truth >= 0
    q, truth = q[known], truth[known]
    rows, label = np.arange(len(q)), consensus(q)
    right = label == truth
    return Quality(
        100.0 * float(right.mean()),
        float(-np.log(np.clip(q[rows, truth], CLIP, 1.0)).mean()),
        float(((q - np.eye(q.shape[1])[truth]) ** 2).sum(axis=1).mean()),
        calibration_error(q[rows, label], right),
        seconds,
    )


def posteriors(
    votes: VoteBlock, names: list[str], peers: list[str]
) -> Iterator[tuple[str, Floats | str, float]]:
    """Run ours, then the peer's; a method that cannot run gives its reason."""
    for name in names:
        began = time.perf_counter()
        q = method(name)(votes, seed=0).posterior
        yield name, q, time.perf_counter() - began
    for name in peers:
        began = time.perf_counter()
        try:
            found: Floats | str = peer_posterior(name, votes)
        except Exception as error:  # a peer's crash is a result, not our failure
            found = f"{type(error).__name__}: {error}".splitlines()[0][:60]
        yield f"peer {name}", found, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--peers", default=",".join(PEERS), help="'' for none; glad is slow")
    chosen = parser.parse_args()
    found = sorted(path.name for path in (realdata.folder() / "crowd").glob("*.truth.parquet"))
    sets = chosen.sets.split(",") if chosen.sets else [name.split(".")[0] for name in found]
    sums: dict[str, list[Quality]] = defaultdict(list)
    for name in sets:
        votes, truth = real_votes(name)
        shape = votes.n_tasks, votes.n_workers, votes.n_classes, votes.n_votes
        print("\n{} ({} tasks, {} annotators, {} classes, {} votes)".format(name, *shape))
        for who, q, seconds in posteriors(votes, split(chosen.methods), split(chosen.peers)):
            if isinstance(q, str):
                print(f"  {who:26} {q}")
                continue
            sums[who].append(quality(q, truth, seconds))
            print(line(who, sums[who][-1]))
    print(f"\nmean over {len(sets)} sets")
    for who, values in sums.items():
        if len(values) == len(sets):
            print(line(who, Quality(*np.mean(values, axis=0).tolist())))


def split(names: str) -> list[str]:
    return [name for name in names.split(",") if name]


def line(who: str, value: Quality) -> str:
    return (
        f"  {who:26} accuracy {value.accuracy:6.2f}  nll {value.nll:6.3f}  "
        f"brier {value.brier:.3f}  ece {value.ece:.3f}  {value.seconds:7.3f} s"
    )


if __name__ == "__main__":
    main()
