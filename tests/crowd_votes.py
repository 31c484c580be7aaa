"""Votes for tests: blocks from lists, from real data, and from hypothesis."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from hypothesis import strategies as st

from labelaudit.blocks import VoteBlock
from tests import realdata

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "SETS",
    "Permutation",
    "block",
    "permuted",
    "real_votes",
    "rows_of",
    "simulated",
    "vote_blocks",
]

SETS = ("cti_face", "tt_color", "tt_dog", "tt_rte", "tt_web")


def block(
    rows: Sequence[tuple[int, int, int]] | npt.NDArray[np.int64],
    shape: tuple[int, int, int],
    gold: Sequence[int] | npt.NDArray[np.int64] | None = None,
) -> VoteBlock:
    """Group (task, worker, label) rows; `shape` is (tasks, workers, classes)."""
    n, w, k = shape
    table = np.asarray(rows, dtype=np.int64).reshape(-1, 3)
    table = table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))]
    start = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(table[:, 0], minlength=n), out=start[1:])
    known = np.full(n, -1) if gold is None else np.asarray(gold)
    return VoteBlock(
        start,
        table[:, 1].astype(np.int32),
        table[:, 2].astype(np.int32),
        known.astype(np.int32),
        w,
        k,
    )


def rows_of(votes: VoteBlock) -> npt.NDArray[np.int64]:
    task = np.repeat(np.arange(votes.n_tasks), np.diff(votes.task_start))
    return np.stack([task, votes.worker, votes.label], axis=1).astype(np.int64)


class Permutation(NamedTuple):
    """New code of each old code."""

    task: npt.NDArray[np.int64]
    worker: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]


def permuted(votes: VoteBlock, seed: int) -> tuple[VoteBlock, Permutation]:
    """Rename tasks, annotators and classes at random."""
    rng = np.random.default_rng(seed)
    shape = (votes.n_tasks, votes.n_workers, votes.n_classes)
    to = Permutation(*(rng.permutation(size) for size in shape))
    rows = rows_of(votes)
    moved = np.stack([to.task[rows[:, 0]], to.worker[rows[:, 1]], to.label[rows[:, 2]]], axis=1)
    gold = np.full(votes.n_tasks, -1)
    gold[to.task] = np.where(votes.gold >= 0, to.label[votes.gold], -1)
    return block(moved, shape, gold), to


@st.composite
def vote_blocks(draw: st.DrawFn, *, classes: int = 4, gold: bool = True) -> VoteBlock:
    """Small blocks: tasks without votes, annotators without votes, repeated votes, ties."""
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 5), st.integers(1, classes)))
    vote = st.tuples(*(st.integers(0, size - 1) for size in shape))
    rows = draw(st.lists(vote, min_size=0, max_size=25))
    known = st.integers(-1, shape[2] - 1) if gold else st.just(-1)
    return block(rows, shape, draw(st.lists(known, min_size=shape[0], max_size=shape[0])))


def simulated(
    shape: tuple[int, int, int], per_task: int, seed: int
) -> tuple[VoteBlock, npt.NDArray[np.int64]]:
    """Draw votes of annotators with random confusion matrices: votes and truth."""
    n, w, k = shape
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    skill = rng.beta(4, 2, w)
    task = np.repeat(np.arange(n), per_task)
    worker = rng.integers(0, w, len(task))
    right = rng.random(len(task)) < skill[worker]
    other = (truth[task] + 1 + rng.integers(0, max(k - 1, 1), len(task))) % k
    rows = np.stack([task, worker, np.where(right, truth[task], other)], axis=1)
    return block(rows, shape), truth


def real_votes(name: str) -> tuple[VoteBlock, npt.NDArray[np.int64]]:
    """Read one of the public sets: votes, and the true class of each task or -1."""
    votes = pq.read_table(realdata.path(f"crowd/{name}.parquet"))
    truth = pq.read_table(realdata.path(f"crowd/{name}.truth.parquet"))
    columns = [np.array(votes[column].to_pylist()) for column in ("task", "worker", "label")]
    codes = [np.unique(column, return_inverse=True) for column in columns]
    (tasks, _), _, (labels, _) = codes
    rows = np.stack([code for _, code in codes], axis=1)
    known = dict(zip(truth["task"].to_pylist(), truth["truth"].to_pylist(), strict=True))
    place = {label: code for code, label in enumerate(labels.tolist())}
    true = np.array([place.get(known.get(task), -1) for task in tasks.tolist()])
    return block(rows, (len(tasks), len(codes[1][0]), len(labels))), true
