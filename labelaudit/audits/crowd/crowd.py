"""Everybody's votes: shards to pass over, and what all of them share."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.audits.crowd.graph import VoteGraph, on_grid
from labelaudit.audits.crowd.ground import Pass, ThisProcess
from labelaudit.audits.crowd.shards import (
    Computed,
    Filed,
    HeldShard,
    OfPairs,
    Shard,
    Unaided,
)
from labelaudit.blocks import VoteBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.audits.crowd.ground import CrowdGround
    from labelaudit.audits.crowd.pairs import PairIndex
    from labelaudit.audits.crowd.shards import Outcome, Recipe, Values
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]
    Array = npt.NDArray[Any]

__all__ = ["Crowd", "Field", "grid_units"]


class Field:
    """Numbers of all tasks, shard by shard.

    Parameters
    ----------
    parts : sequence of Values
        One for each shard.
    inputs : sequence of Field
        What these are worked out from: its files stay as long as this needs them.
    """

    def __init__(self, parts: Sequence[Values], inputs: Sequence[Field] = ()) -> None:
        self.parts = tuple(parts)
        self.inputs = tuple(inputs)
        for part in self.parts:
            if isinstance(part, Filed):
                weakref.finalize(self, part.path.unlink, missing_ok=True)


@dataclass(slots=True)
class Crowd:
    """Votes of all tasks, in shards.

    Attributes
    ----------
    recipes : tuple of Recipe
        The shards, tasks in order.
    tasks : tuple of int
        Number of tasks of each.
    pairs : PairIndex
        The pairs of annotator and label that occur anywhere.
    n_votes, n_workers, n_classes : int
    most_votes : int
        The largest number of votes on a task.
    known : int
        Tasks with a known label.
    ground : CrowdGround
        Where the shards are, and steps run.
    threads : Executor or None
        Where the chunks of a step on a lone shard run, and what needs all votes in one block.
    passes : int
        How many times the votes have been gone through.
    shared : dict
        Results that several questions need.
    watch : callable or None
        Called after each step that keeps something.
    """

    recipes: tuple[Recipe, ...]
    tasks: tuple[int, ...]
    pairs: PairIndex
    n_votes: int
    n_workers: int
    n_classes: int
    most_votes: int
    known: int
    ground: CrowdGround = field(default_factory=ThisProcess)
    threads: Executor | None = None
    passes: int = 0
    shared: dict[str, Any] = field(default_factory=dict)
    watch: Callable[[], None] | None = None

    @classmethod
    def of(cls, votes: VoteBlock, on: Executor | None = None) -> Crowd:
        """Take votes that are in memory for one shard, whose sums are done in chunks."""
        graph = VoteGraph.of(votes, on)
        return cls(
            (HeldShard(Shard(graph)),),
            (votes.n_tasks,),
            graph.pairs.index,
            votes.n_votes,
            votes.n_workers,
            votes.n_classes,
            graph.most_votes,
            int(np.count_nonzero(votes.gold >= 0)),
            threads=on,
        )

    @property
    def n_tasks(self) -> int:
        """Number of tasks."""
        return sum(self.tasks)

    @property
    def units(self) -> float:
        """Posteriors are multiples of ``1 / units``: sums over tasks and votes are exact."""
        return grid_units(self.n_tasks, self.pairs)

    def on_grid(self, values: Floats) -> Floats:
        """Round numbers of pairs so that their sum over the votes of any task is exact."""
        return on_grid(values, self.most_votes)

    def unaided(self) -> Crowd:
        """Return the same votes without known labels."""
        return replace(self, recipes=tuple(map(Unaided, self.recipes)), known=0, shared={})

    def each(self, step: Callable[..., Any], *fields: Field) -> Iterator[Any]:
        """Yield what a step makes of each shard and its values, in the order of the tasks."""
        self.passes += 1
        yield from self.ground.each(Pass(step, self.recipes, _parts(fields)))

    def over(
        self, step: Callable[..., Outcome], *fields: Field, against: Field | None = None
    ) -> tuple[tuple[Field, ...], tuple[Any, ...]]:
        """Take a step on each shard: what it keeps, and its sums over all shards.

        With ``against``, the last sum is how far the first array that is kept is from these values
        at most. A step that is given them itself would tie what it keeps to them, and so to all
        steps before, by which a cluster makes it again when it is lost.
        """
        self.passes += 1
        kept: list[tuple[Values, ...]] = []
        sums: list[Any] = []
        before = None if against is None else against.parts
        asked = Pass(step, self.recipes, _parts(fields), before)
        for values, parts in self.ground.over(asked):
            kept += values
            sums = self._added(sums, parts)
        if self.watch is not None:
            self.watch()
        return tuple(Field(parts) for parts in zip(*kept, strict=True)), tuple(sums)

    def _added(self, sums: list[Any], parts: Sequence[Any]) -> list[Any]:
        before = sums or [None] * len(parts)
        return [_sum(total, part, self) for total, part in zip(before, parts, strict=True)]

    def computed(self, function: Callable[..., Array], *inputs: Field) -> Field:
        """Return values that are worked out from the shard and other values when needed."""
        given = zip(*(each.parts for each in inputs), strict=True)
        parts = list(given) if inputs else [()] * len(self.recipes)
        return Field([Computed(function, values) for values in parts], inputs)

    def spread(self, values: Array) -> Field:
        """Cut values of all tasks into those of the shards."""
        edges = accumulate(self.tasks, initial=0)
        parts = [values[first:last] for first, last in pairwise(edges)]
        return Field(self.ground.put(parts))

    def gathered(self, values: Field) -> Array:
        """Return the values of all tasks."""
        parts = list(self.each(_itself, values))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def block(self) -> VoteBlock:
        """Return all votes in memory."""
        parts: list[VoteBlock] = list(self.each(_votes))
        if len(parts) == 1:
            return parts[0]
        lengths = np.concatenate([np.diff(part.task_start) for part in parts])
        return VoteBlock(
            np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]),
            np.concatenate([part.worker for part in parts]),
            np.concatenate([part.label for part in parts]),
            np.concatenate([part.gold for part in parts]),
            self.n_workers,
            self.n_classes,
        )


def grid_units(n_tasks: int, pairs: PairIndex) -> float:
    """Return the grid on which sums over all tasks, or an annotator's votes, are exact."""
    most = max(n_tasks, int(pairs.votes_of_worker.max(initial=1)))
    return float(2.0 ** (52 - most.bit_length()))


def _sum(total: Any, part: Any, crowd: Crowd) -> Any:
    if isinstance(part, OfPairs):
        return part.added_to(total, len(crowd.pairs.label))
    return part if total is None else total + part


def _parts(fields: Sequence[Field]) -> tuple[tuple[Values, ...], ...]:
    return tuple(given.parts for given in fields)


def _itself(shard: Shard, values: Array) -> Array:
    del shard
    return values


def _votes(shard: Shard) -> VoteBlock:
    return shard.graph.votes
