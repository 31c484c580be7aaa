"""Votes in shards: some tasks each, with all of their votes, and what is known of these tasks.

A step is a function from a shard and the values of its tasks to an ``Outcome``. Steps, recipes of
shards and values travel between processes, so they are plain functions and frozen dataclasses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.pairs import VotePairs
from labelaudit.shelves import loaded_arrays

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Array = npt.NDArray[Any]

__all__ = [
    "Computed",
    "Filed",
    "FiledShard",
    "Held",
    "HeldShard",
    "Largest",
    "OfPairs",
    "Outcome",
    "Recipe",
    "Shard",
    "Unaided",
    "Values",
    "VotesRecipe",
]


@dataclass(frozen=True, slots=True)
class OfPairs:
    """Numbers of some (annotator, label) pairs, to be added to those of other shards.

    Attributes
    ----------
    place : (u,) int64 or None
        Which of all pairs these are, each once; None: all of them.
    values : (u, ...) array
    """

    place: Ints | None
    values: Array

    def __add__(self, other: OfPairs) -> OfPairs:
        """Return the numbers of the pairs of both."""
        if self.place is None or other.place is None:
            return OfPairs(None, self.values + other.values)
        place = np.union1d(self.place, other.place)
        total = np.zeros((len(place), *self.values.shape[1:]), self.values.dtype)
        total[np.searchsorted(place, self.place)] += self.values
        total[np.searchsorted(place, other.place)] += other.values
        return OfPairs(place, total)

    def added_to(self, total: Array | None, n_pairs: int) -> Array:
        """Return the numbers of all pairs, these added; ``total`` is written into."""
        if self.place is None:
            return self.values if total is None else total + self.values
        if total is None:
            total = np.zeros((n_pairs, *self.values.shape[1:]), self.values.dtype)
        total[self.place] += self.values
        return total


@dataclass(frozen=True, slots=True)
class Largest:
    """A number of which the largest counts."""

    value: float

    def __add__(self, other: Largest) -> Largest:
        return self if self.value >= other.value else other


class Outcome(NamedTuple):
    """What a step makes of a shard: arrays to be kept by task, and sums over tasks."""

    kept: tuple[Array, ...] = ()
    sums: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Shard:
    """All votes of some tasks.

    Attributes
    ----------
    graph : VoteGraph
        Its tasks are counted from 0, its pairs are those of the shard; codes of annotators and
        classes, and the grid of posteriors, are everybody's.
    place : (u,) int64 or None
        Which of all pairs the shard's are; None: all of them.
    """

    graph: VoteGraph
    place: Ints | None = None

    def of_pairs(self, table: Array) -> Array:
        """Return the rows of the shard's pairs in a table of all pairs."""
        return table if self.place is None else table[self.place]

    def scores(self, table: Floats) -> Floats:
        """Sum for each task a table of all pairs, on the grid, over its votes' pairs: (n, C)."""
        return self.graph.summed(self.of_pairs(table))

    def weighed(self, weight: Floats) -> Floats:
        """Sum for each task and class the weights, on the grid, of the votes for it: (n, K)."""
        return self.graph.backed(self.of_pairs(weight))

    def pair_counts(self, q: Floats) -> OfPairs:
        """Sum for each pair the posteriors of its votes' tasks: (u, C)."""
        return OfPairs(self.place, self.graph.pair_counts(q))

    def credit(self, q: Floats) -> OfPairs:
        """Sum for each pair the posterior of its label over its votes' tasks: (u,)."""
        return OfPairs(self.place, self.graph.credit(q))


class Recipe(Protocol):
    """How a shard is come by; picklable."""

    def shard(self) -> Shard:
        """Return the shard."""


@dataclass(frozen=True, slots=True)
class HeldShard:
    """A shard in memory."""

    held: Shard

    def shard(self) -> Shard:
        """Return the shard."""
        return self.held


class VotesRecipe(Protocol):
    """How the votes of some tasks are come by; picklable."""

    def block(self) -> VoteBlock:
        """Return the votes; codes of annotators and classes are everybody's."""


@dataclass(frozen=True, slots=True)
class FiledShard:
    """A shard whose pairs are in files.

    Attributes
    ----------
    votes : VotesRecipe
    pairs, place : Path
        Its pairs, and which of all they are.
    units : float
        The grid of posteriors.
    """

    votes: VotesRecipe
    pairs: Path
    place: Path
    units: float

    def shard(self) -> Shard:
        """Read the shard."""
        pairs = VotePairs(*loaded_arrays(self.pairs))
        (place,) = loaded_arrays(self.place)
        return Shard(VoteGraph(self.votes.block(), pairs, self.units, None), place)


@dataclass(frozen=True, slots=True)
class Unaided:
    """A shard without its known labels."""

    recipe: Recipe

    def shard(self) -> Shard:
        """Return the shard."""
        found = self.recipe.shard()
        votes = found.graph.votes
        unknown = replace(votes, gold=np.full_like(votes.gold, -1))
        return replace(found, graph=replace(found.graph, votes=unknown))


class Values(Protocol):
    """Numbers of the tasks of one shard, or how they are come by; picklable."""

    def of(self, shard: Shard) -> Array:
        """Return the numbers, a row for each task."""


@dataclass(frozen=True, slots=True)
class Held:
    """Numbers in memory."""

    values: Array

    def of(self, shard: Shard) -> Array:
        """Return them."""
        del shard
        return self.values


@dataclass(frozen=True, slots=True)
class Filed:
    """Numbers in a file."""

    path: Path

    def of(self, shard: Shard) -> Array:
        """Read them."""
        del shard
        return loaded_arrays(self.path)[0]


@dataclass(frozen=True, slots=True)
class Computed:
    """Numbers that follow from the shard, and from values that are kept."""

    function: Callable[..., Array]
    inputs: tuple[Values, ...] = ()

    def of(self, shard: Shard) -> Array:
        """Work them out."""
        return self.function(shard, *(each.of(shard) for each in self.inputs))
