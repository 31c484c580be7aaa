"""From the votes of some tasks at a time to everybody's votes in shards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.crowd import WINDOW, Crowd, grid_units
from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.pairs import PairIndex, VotePairs
from labelaudit.audits.crowd.shards import FiledShard, HeldShard, Shard
from labelaudit.running import each
from labelaudit.shelves import loaded_arrays, save_arrays

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from labelaudit.audits.crowd.shards import Recipe, VotesRecipe
    from labelaudit.running import Executor

    Ints = npt.NDArray[np.int64]
    Job = tuple[int, VotesRecipe]

__all__ = ["in_shards"]


@dataclass(frozen=True, slots=True)
class _Paired:
    """What is learnt of the votes of some tasks, and their pairs where these stay in memory."""

    keys: Ints
    votes: Ints
    tasks: int
    most: int
    known: int
    held: VotePairs | None


@dataclass(frozen=True, slots=True)
class _Keys:
    """Different pairs, as ascending ``worker * K + label``, and how many votes each has."""

    keys: Ints
    votes: Ints

    def __add__(self, other: _Keys) -> _Keys:
        keys, place = np.unique(np.concatenate([self.keys, other.keys]), return_inverse=True)
        votes = np.zeros(len(keys), np.int64)
        np.add.at(votes, place, np.concatenate([self.votes, other.votes]))
        return _Keys(keys, votes)


def in_shards(
    blocks: Sequence[VotesRecipe],
    sizes: tuple[int, int],
    *,
    on: Executor | None = None,
    folder: Path | None = None,
) -> Crowd:
    """Group the votes of each block by pair, and number the pairs of all.

    Two passes over the votes.

    Parameters
    ----------
    blocks : sequence of VotesRecipe
        At least one; tasks in their order, all votes of a task in one block.
    sizes : (int, int)
        Number of annotators and of classes.
    on : Executor or None
        Where steps run, here and later.
    folder : Path or None
        Where the pairs of shards go, and what is kept of their tasks; None: all stays in memory.
    """
    total = _Keys(np.empty(0, np.int64), np.empty(0, np.int64))
    found: list[_Paired] = []
    jobs = list(enumerate(blocks))
    for first in range(0, len(jobs), WINDOW):
        for paired in each(partial(_paired, folder, sizes[1]), jobs[first : first + WINDOW], on):
            total += _Keys(paired.keys, paired.votes)
            empty = np.empty(0, np.int64)
            found.append(replace(paired, keys=empty, votes=empty))
    pairs = PairIndex.of(total.keys, total.votes, sizes)
    units = grid_units(sum(each.tasks for each in found), pairs)
    place = partial(_placed, folder, sizes[1], total.keys, units)
    held = [(*job, paired.held) for job, paired in zip(jobs, found, strict=True)]
    return Crowd(
        tuple(each(place, held, on)),
        tuple(each.tasks for each in found),
        pairs,
        int(total.votes.sum()),
        *sizes,
        max(each.most for each in found),
        sum(each.known for each in found),
        on=on,
        threads=on,
        folder=folder,
        passes=2,
    )


def _paired(folder: Path | None, n_classes: int, job: Job) -> _Paired:
    number, recipe = job
    votes = recipe.block()
    pairs = replace(VotePairs.of(votes), worker_start=np.empty(0, np.int64))
    if folder is not None:
        columns = (pairs.of_vote, pairs.worker, pairs.label, pairs.worker_start)
        save_arrays(_pairs_file(folder, number), *columns, pairs.start, pairs.task)
    return _Paired(
        _keys(pairs, n_classes),
        np.diff(pairs.start),
        votes.n_tasks,
        int(np.diff(votes.task_start).max(initial=1)),
        int(np.count_nonzero(votes.gold >= 0)),
        pairs if folder is None else None,
    )


def _pairs_file(folder: Path, number: int) -> Path:
    return folder / f"pairs-{number}"


def _keys(pairs: VotePairs, n_classes: int) -> Ints:
    keys: Ints = pairs.worker * np.int64(n_classes) + pairs.label
    return keys


def _placed(
    folder: Path | None,
    n_classes: int,
    all_keys: Ints,
    units: float,
    job: tuple[int, VotesRecipe, VotePairs | None],
) -> Recipe:
    """Find the shard's pairs among all."""
    number, recipe, held = job
    if folder is None or held is not None:
        pairs = held or VotePairs.of(recipe.block())
        place = np.searchsorted(all_keys, _keys(pairs, n_classes))
        return HeldShard(Shard(VoteGraph(recipe.block(), pairs, units, None), place))
    file = _pairs_file(folder, number)
    pairs = VotePairs(*loaded_arrays(file))
    path = folder / f"place-{number}"
    save_arrays(path, np.searchsorted(all_keys, _keys(pairs, n_classes)))
    return FiledShard(recipe, file, path, units)
