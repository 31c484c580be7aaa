"""Votes grouped by (annotator, label): the other side of the task-by-task table.

All methods of the expectation-maximisation family are two sums over this bipartite graph: a task
sums the scores of its pairs, a pair sums the posteriors of its tasks. Neither has a partial sum,
so nothing depends on how the work is divided, and memory is linear in votes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.votes import tasks_by_pair

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock

__all__ = ["PairIndex", "VotePairs"]


@dataclass(frozen=True, slots=True)
class PairIndex:
    """The U pairs (annotator, label) that occur, sorted by annotator, then label.

    Attributes
    ----------
    worker, label : (U,) int32
    worker_start : (W + 1,) int64
        Pairs of annotator w are ``worker_start[w]:worker_start[w + 1]``.
    votes : (U,) int64
        Votes of each pair.
    """

    worker: npt.NDArray[np.int32]
    label: npt.NDArray[np.int32]
    worker_start: npt.NDArray[np.int64]
    votes: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls, key: npt.NDArray[np.int64], votes: npt.NDArray[np.int64], sizes: tuple[int, int]
    ) -> PairIndex:
        """Index ascending keys ``worker * K + label``; ``sizes`` is (W, K)."""
        n_workers, n_classes = sizes
        worker, label = np.divmod(key, max(n_classes, 1))
        start = np.searchsorted(worker, np.arange(n_workers + 1)).astype(np.int64)
        return cls(worker.astype(np.int32), label.astype(np.int32), start, votes)

    @property
    def votes_of_worker(self) -> npt.NDArray[np.int64]:
        """(W,) number of votes of each annotator."""
        total = np.concatenate([[0], np.cumsum(self.votes, dtype=np.int64)])
        return np.diff(total[self.worker_start])

    def votes_of_label(self, n_classes: int) -> npt.NDArray[np.int64]:
        """(K,) number of votes for each class."""
        total = np.zeros(n_classes, dtype=np.int64)
        np.add.at(total, self.label, self.votes)
        return total

    def per_worker(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sum (U, ...) values over the pairs of each annotator: (W, ...) float64."""
        return _per_worker(values, self.worker_start)


@dataclass(frozen=True, slots=True)
class VotePairs:
    """The U pairs (annotator, label) that occur, sorted by annotator, then label.

    Attributes
    ----------
    of_vote : (V,) int32
        Pair of each vote, votes in the order of the block.
    worker, label : (U,) int32
    worker_start : (W + 1,) int64
        Pairs of annotator w are ``worker_start[w]:worker_start[w + 1]``.
    start : (U + 1,) int64
        Votes of pair u are ``start[u]:start[u + 1]`` of ``task``.
    task : (V,) int32
        Task of each vote, votes sorted by (pair, task).
    """

    of_vote: npt.NDArray[np.int32]
    worker: npt.NDArray[np.int32]
    label: npt.NDArray[np.int32]
    worker_start: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    task: npt.NDArray[np.int32]

    @classmethod
    def of(cls, votes: VoteBlock) -> VotePairs:
        """Group the votes of a block."""
        key = votes.worker * np.int64(votes.n_classes) + votes.label
        used, of_vote = _ranked(key, votes.n_workers * votes.n_classes)
        start = np.zeros(len(used) + 1, dtype=np.int64)
        np.cumsum(np.bincount(of_vote, minlength=len(used)), out=start[1:])
        index = PairIndex.of(used, np.diff(start), (votes.n_workers, votes.n_classes))
        return cls(
            of_vote=of_vote,
            worker=index.worker,
            label=index.label,
            worker_start=index.worker_start,
            start=start,
            task=tasks_by_pair(votes.task_start, of_vote, start[:-1]),
        )

    @property
    def index(self) -> PairIndex:
        """The pairs without their votes."""
        return PairIndex(self.worker, self.label, self.worker_start, np.diff(self.start))

    @property
    def votes_of_worker(self) -> npt.NDArray[np.int64]:
        """(W,) number of votes of each annotator."""
        return np.diff(self.start[self.worker_start])

    def per_worker(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sum (U, ...) values over the pairs of each annotator: (W, ...) float64."""
        return _per_worker(values, self.worker_start)


def _per_worker(
    values: npt.NDArray[np.float64], worker_start: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    total = np.zeros((len(worker_start) - 1, *values.shape[1:]))
    busy = np.flatnonzero(np.diff(worker_start))
    if len(busy):
        total[busy] = np.add.reduceat(values, worker_start[busy], axis=0)
    return total


def _ranked(
    key: npt.NDArray[np.int64], size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return the distinct keys, sorted, and the rank of each key; the keys are below ``size``."""
    if size > 8 * len(key) + 1_000_000:
        used, rank = np.unique(key, return_inverse=True)
        return used, rank.astype(np.int32)
    present = np.zeros(size, dtype=bool)
    present[key] = True
    return np.flatnonzero(present), (np.cumsum(present, dtype=np.int32) - np.int32(1))[key]
