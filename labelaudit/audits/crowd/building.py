"""From the votes of some tasks at a time to everybody's votes in shards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.crowd import Crowd, grid_units
from labelaudit.audits.crowd.ground import ThisProcess
from labelaudit.audits.crowd.pairing import Grid
from labelaudit.audits.crowd.pairs import PairIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from labelaudit.audits.crowd.ground import CrowdGround
    from labelaudit.audits.crowd.pairing import Paired
    from labelaudit.audits.crowd.shards import VotesRecipe
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Ints = npt.NDArray[np.int64]

__all__ = ["GivenVotes", "in_runs", "in_shards"]


@dataclass(frozen=True, slots=True)
class GivenVotes:
    """Votes of a run of tasks among those that are in memory.

    Attributes
    ----------
    votes : VoteBlock
        Of all tasks.
    first, last : int
        The tasks from ``first``, before ``last``.
    """

    votes: VoteBlock
    first: int
    last: int

    def block(self) -> VoteBlock:
        """Return the votes."""
        votes, tasks = self.votes, slice(self.first, self.last)
        start = votes.task_start[self.first : self.last + 1]
        own = slice(start[0], start[-1])
        return replace(
            votes,
            task_start=start - start[0],
            worker=votes.worker[own],
            label=votes.label[own],
            gold=votes.gold[tasks],
        )


def in_runs(votes: VoteBlock, parts: int) -> Iterator[GivenVotes]:
    """Cut votes into those of runs of tasks, about as many votes in each."""
    cost = votes.task_start + np.arange(len(votes.task_start))
    wanted = np.linspace(0, cost[-1], parts + 1)
    edges = np.unique(np.searchsorted(cost, wanted)).tolist()
    for first, last in pairwise(edges):
        yield GivenVotes(votes, first, last)


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
    ground: CrowdGround | None = None,
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
    ground : CrowdGround or None
        Where shards are and steps run, if not here; ``on`` is then for what needs all votes.
    """
    place = ground or ThisProcess(on, folder)
    total = _Keys(np.empty(0, np.int64), np.empty(0, np.int64))
    found: list[Paired] = []
    for paired in place.paired(blocks, sizes[1]):
        total += _Keys(paired.keys, paired.votes)
        found.append(paired.without_pairs())
    pairs = PairIndex.of(total.keys, total.votes, sizes)
    units = grid_units(sum(each.tasks for each in found), pairs)
    return Crowd(
        place.placed(blocks, found, Grid(total.keys, sizes[1], units)),
        tuple(each.tasks for each in found),
        pairs,
        int(total.votes.sum()),
        *sizes,
        max(each.most for each in found),
        sum(each.known for each in found),
        ground=place,
        threads=on,
        passes=2,
    )
