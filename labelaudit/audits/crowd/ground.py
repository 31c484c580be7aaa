"""Where shards are, what is kept of their tasks, and where steps are taken."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from labelaudit.audits.crowd.pairing import Paired, pairs_of, shard_of
from labelaudit.audits.crowd.pairs import VotePairs
from labelaudit.audits.crowd.shards import Filed, FiledShard, Held, HeldShard, Largest
from labelaudit.running import each
from labelaudit.shelves import loaded_arrays, save_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from labelaudit.audits.crowd.pairing import Grid
    from labelaudit.audits.crowd.shards import Outcome, Recipe, Values, VotesRecipe
    from labelaudit.running import Executor

    Array = npt.NDArray[Any]
    Kept = tuple[Values, ...]
    Found = tuple[Sequence[Kept], tuple[Any, ...]]

__all__ = ["CrowdGround", "Pass", "ThisProcess", "moved"]

WINDOW = 16
"""Shards whose results may wait at once."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A step to be taken on every shard.

    Attributes
    ----------
    step : callable
        From a shard and the values of its tasks.
    recipes : tuple of Recipe
        The shards.
    fields : tuple of tuple of Values
        For each of the step's arguments, the values of every shard.
    against : tuple of Values or None
        The largest move of the first array that is kept, from these, is the last sum.
    """

    step: Callable[..., Any]
    recipes: tuple[Recipe, ...]
    fields: tuple[tuple[Values, ...], ...]
    against: tuple[Values, ...] | None = None


class CrowdGround(Protocol):
    """Where passes over shards run."""

    def paired(self, blocks: Sequence[VotesRecipe], n_classes: int) -> Iterator[Paired]:
        """Group the votes of each block by pair."""

    def placed(
        self, blocks: Sequence[VotesRecipe], found: Sequence[Paired], grid: Grid
    ) -> tuple[Recipe, ...]:
        """Make shards of them."""

    def each(self, asked: Pass) -> Iterator[Any]:
        """Yield what the step returns, in the order of the shards."""

    def over(self, asked: Pass) -> Iterator[Found]:
        """Yield what the step keeps of neighbouring shards, and its sums over them, in order."""

    def put(self, parts: Sequence[Array]) -> Sequence[Values]:
        """Keep an array for each shard."""


def moved(array: Array, before: Array) -> Largest:
    """Return the largest difference between two arrays."""
    return Largest(float(np.abs(array - before).max(initial=0.0)))


@dataclass(frozen=True, slots=True)
class ThisProcess:
    """Everything in memory, or in files of a folder.

    Attributes
    ----------
    on : Executor or None
        Where steps run.
    folder : Path or None
        Where the pairs of shards go, and what is kept of their tasks; None: all stays in memory.
    """

    on: Executor | None = None
    folder: Path | None = None
    _serial: count[int] = field(default_factory=count)

    def paired(self, blocks: Sequence[VotesRecipe], n_classes: int) -> Iterator[Paired]:
        """Group the votes of each block by pair."""
        del n_classes  # blocks know it
        return self._mapped(partial(_paired, self.folder), list(enumerate(blocks)))

    def placed(
        self, blocks: Sequence[VotesRecipe], found: Sequence[Paired], grid: Grid
    ) -> tuple[Recipe, ...]:
        """Make shards of them."""
        jobs = [(n, *pair) for n, pair in enumerate(zip(blocks, found, strict=True))]
        return tuple(self._mapped(partial(_placed, self.folder, grid), jobs))

    def each(self, asked: Pass) -> Iterator[Any]:
        """Yield what the step returns, in the order of the shards."""
        jobs = zip(asked.recipes, *asked.fields, strict=True)
        yield from self._mapped(partial(_done, asked.step), list(jobs))

    def over(self, asked: Pass) -> Iterator[Found]:
        """Yield what the step keeps of each shard, and its sums, in the order of the shards."""
        places = self._places(len(asked.recipes))
        against = asked.against or [None] * len(places)
        jobs = zip(places, against, asked.recipes, *asked.fields, strict=True)
        yield from self._mapped(partial(_kept, asked.step), list(jobs))

    def put(self, parts: Sequence[Array]) -> Sequence[Values]:
        """Keep an array for each shard."""
        kept = zip(self._places(len(parts)), parts, strict=True)
        return [_value(part, place, 0) for place, part in kept]

    def _mapped(self, function: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
        """Map in windows: what is done and not yet fetched stays in memory."""
        for first in range(0, len(jobs), WINDOW):
            yield from each(function, jobs[first : first + WINDOW], self.on)

    def _places(self, parts: int) -> list[Path | None]:
        """Return where the values that a step keeps of each shard go."""
        if self.folder is None:
            return [None] * parts
        serial = next(self._serial)
        return [self.folder / f"values-{serial}-{part}" for part in range(parts)]


def _paired(folder: Path | None, job: tuple[int, VotesRecipe]) -> Paired:
    number, recipe = job
    votes = recipe.block()
    pairs = pairs_of(votes)
    found = Paired.of(votes, pairs)
    if folder is None:
        return replace(found, held=pairs)
    columns = (pairs.of_vote, pairs.worker, pairs.label, pairs.worker_start)
    file = folder / f"pairs-{number}"
    save_arrays(file, *columns, pairs.start, pairs.task)
    return replace(found, held=file)


def _placed(folder: Path | None, grid: Grid, job: tuple[int, VotesRecipe, Paired]) -> Recipe:
    """Find the shard's pairs among all."""
    number, recipe, found = job
    if folder is None:
        return HeldShard(shard_of(recipe.block(), found.held, grid))
    path = folder / f"place-{number}"
    save_arrays(path, grid.place(VotePairs(*loaded_arrays(found.held))))
    return FiledShard(recipe, found.held, path, grid.units)


def _done(step: Callable[..., Any], job: tuple[Any, ...]) -> Any:
    recipe, *values = job
    shard = recipe.shard()
    return step(shard, *(each.of(shard) for each in values))


def _kept(step: Callable[..., Outcome], job: tuple[Any, ...]) -> Found:
    place, against, recipe, *values = job
    shard = recipe.shard()
    found = step(shard, *(each.of(shard) for each in values))
    more = () if against is None else (moved(found.kept[0], against.of(shard)),)
    kept = tuple(_value(array, place, number) for number, array in enumerate(found.kept))
    return [kept], (*found.sums, *more)


def _value(array: Array, place: Path | None, number: int) -> Values:
    if place is None:
        return Held(array)
    path = place.with_name(f"{place.name}-{number}")
    save_arrays(path, array)
    return Filed(path)
