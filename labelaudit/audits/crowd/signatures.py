"""Random numbers drawn from what votes say, not from where they stand or what things are called.

Tasks, annotators and classes get signatures by colour refinement: each is hashed from the
signatures around it, a few rounds long. Permuting rows or renaming anything permutes signatures
and nothing else, so methods with a random start keep that property too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.graph import VoteGraph

    Words = npt.NDArray[np.uint64]

__all__ = ["Signatures", "mixed", "uniform"]

ROUNDS = 3
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mixed(words: Words) -> Words:
    """Return the splitmix64 hash of each word (Steele, Lea, Flood 2014)."""
    z = words + GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(words: Words) -> npt.NDArray[np.float64]:
    """Turn hashes into numbers strictly between 0 and 1."""
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _group_sums(values: Words, start: npt.NDArray[np.int64]) -> Words:
    """Sum hashes by group; the cumulative sum may wrap, its differences are exact."""
    total = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values, out=total[1:])
    return total[start[1:]] - total[start[:-1]]


@dataclass(frozen=True, slots=True)
class Signatures:
    """A hash of each task (N,), annotator (W,) and class (K,), all uint64."""

    task: Words
    worker: Words
    label: Words

    @classmethod
    def of(cls, graph: VoteGraph, seed: int) -> Signatures:
        """Refine signatures from vote counts and the seed."""
        votes, pairs = graph.votes, graph.pairs
        given = np.bincount(votes.label, minlength=votes.n_classes).astype(np.uint64)
        label = mixed(given + mixed(np.array([seed % 2**63], dtype=np.uint64)))
        worker = mixed(pairs.votes_of_worker.astype(np.uint64))
        task = np.zeros(votes.n_tasks, dtype=np.uint64)
        for _ in range(ROUNDS):
            side = mixed(mixed(label)[pairs.label] + worker[pairs.worker])
            task = mixed(_group_sums(side[pairs.of_vote], votes.task_start) + _gold(graph, label))
            side = mixed(_group_sums(task[pairs.task], pairs.start) ^ side)
            worker = mixed(_group_sums(side, pairs.worker_start))
            order = np.argsort(pairs.label, kind="stable")
            edges = np.searchsorted(pairs.label[order], np.arange(votes.n_classes + 1))
            label = mixed(label + _group_sums(side[order], edges))
        return cls(task, worker, label)


def _gold(graph: VoteGraph, label: Words) -> Words:
    """Return a hash of each task's known class, 0 where it is unknown."""
    gold = graph.votes.gold
    return np.where(gold >= 0, mixed(label + GOLDEN)[gold], np.uint64(0))
