"""The votes of some tasks grouped by pair, and these pairs found among everybody's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.pairs import VotePairs
from labelaudit.audits.crowd.shards import Shard

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock

    Ints = npt.NDArray[np.int64]

__all__ = ["Grid", "Paired", "pair_keys", "pairs_of", "shard_of"]


@dataclass(frozen=True, slots=True)
class Paired:
    """What is learnt of the votes of some tasks.

    Attributes
    ----------
    keys, votes : (u,) int64
        Their pairs, as ascending ``worker * K + label``, and how many votes each has.
    tasks, most, known : int
        Tasks, the largest number of votes on one, and those with a known label.
    held : object
        Where the ground finds them again.
    """

    keys: Ints
    votes: Ints
    tasks: int
    most: int
    known: int
    held: Any = None

    @classmethod
    def of(cls, votes: VoteBlock, pairs: VotePairs) -> Paired:
        """Describe votes that are grouped by pair."""
        return cls(
            pair_keys(pairs, votes.n_classes),
            np.diff(pairs.start),
            votes.n_tasks,
            int(np.diff(votes.task_start).max(initial=1)),
            int(np.count_nonzero(votes.gold >= 0)),
        )

    def without_pairs(self) -> Paired:
        """Return the same without the pairs, which are added up already."""
        empty = np.empty(0, np.int64)
        return replace(self, keys=empty, votes=empty)


@dataclass(frozen=True, slots=True)
class Grid:
    """What all shards share.

    Attributes
    ----------
    keys : (U,) int64
        All pairs, as ascending ``worker * K + label``.
    n_classes : int
    units : float
        The grid of posteriors.
    """

    keys: Ints
    n_classes: int
    units: float

    def place(self, pairs: VotePairs) -> Ints:
        """Find pairs among all."""
        return np.searchsorted(self.keys, pair_keys(pairs, self.n_classes)).astype(np.int64)


def pairs_of(votes: VoteBlock) -> VotePairs:
    """Group votes by pair."""
    # Where the pairs of each annotator start is asked of all pairs, never of a shard's.
    return replace(VotePairs.of(votes), worker_start=np.empty(0, np.int64))


def pair_keys(pairs: VotePairs, n_classes: int) -> Ints:
    """Return ascending ``worker * K + label``."""
    keys: Ints = pairs.worker * np.int64(n_classes) + pairs.label
    return keys


def shard_of(votes: VoteBlock, pairs: VotePairs, grid: Grid) -> Shard:
    """Return the votes as a shard."""
    return Shard(VoteGraph(votes, pairs, grid.units, None), grid.place(pairs))
