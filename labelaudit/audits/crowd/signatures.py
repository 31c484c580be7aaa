"""Random numbers drawn from what votes say, not from where they stand or what things are called.

Tasks, annotators and classes get signatures by colour refinement: each is hashed from the
signatures around it, a few rounds long. Permuting rows or renaming anything permutes signatures
and nothing else, so methods with a random start keep that property too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.crowd import Field
from labelaudit.audits.crowd.shards import OfPairs, Outcome

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Crowd
    from labelaudit.audits.crowd.shards import Shard

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

    task: Field
    worker: Words
    label: Words

    @classmethod
    def of(cls, crowd: Crowd, seed: int) -> Signatures:
        """Refine signatures from vote counts and the seed, a pass for each round."""
        pairs = crowd.pairs
        given = pairs.votes_of_label(crowd.n_classes).astype(np.uint64)
        label = mixed(given + mixed(np.array([seed % 2**63], dtype=np.uint64)))
        worker = mixed(pairs.votes_of_worker.astype(np.uint64))
        order = np.argsort(pairs.label, kind="stable")
        edges = np.searchsorted(pairs.label[order], np.arange(crowd.n_classes + 1))
        task = Field(())
        for _ in range(ROUNDS):
            side = mixed(mixed(label)[pairs.label] + worker[pairs.worker])
            (task,), (met,) = crowd.over(partial(_refined, side, label))
            side = mixed(met ^ side)
            worker = mixed(_group_sums(side, pairs.worker_start))
            label = mixed(label + _group_sums(side[order], edges))
        return cls(task, worker, label)


def _refined(side: Words, label: Words, shard: Shard) -> Outcome:
    """Hash tasks from their votes' pairs and known class, and add the hashes up by pair."""
    votes, pairs = shard.graph.votes, shard.graph.pairs
    heard = _group_sums(shard.of_pairs(side)[pairs.of_vote], votes.task_start)
    task = mixed(heard + _gold(votes.gold, label))
    return Outcome((task,), (OfPairs(shard.place, _group_sums(task[pairs.task], pairs.start)),))


def _gold(gold: npt.NDArray[np.int32], label: Words) -> Words:
    """Return a hash of each task's known class, 0 where it is unknown."""
    return np.where(gold >= 0, mixed(label + GOLDEN)[gold], np.uint64(0))
