"""A cluster as the ground of an aggregation: workers keep the votes of some tasks each.

Votes are sent once. A shard, and what a step keeps of its tasks, is what a task of the cluster
returns and others get. So the cluster keeps it where it is, has steps taken there, and makes it
again where a worker was lost; only sums come back.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import islice
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.audits.crowd.ground import moved
from labelaudit.audits.crowd.pairing import Paired, pairs_of, shard_of
from labelaudit.audits.crowd.shards import Computed, Unaided
from labelaudit.cluster.parcels import packed, unpacked
from labelaudit.cluster.tasks import Findings, Tasks, Traffic, stage_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt
    from distributed import Future

    from labelaudit.audits.crowd.ground import Found, Pass
    from labelaudit.audits.crowd.pairing import Grid
    from labelaudit.audits.crowd.pairs import VotePairs
    from labelaudit.audits.crowd.shards import Recipe, Shard, Values, VotesRecipe
    from labelaudit.blocks import VoteBlock

    Array = npt.NDArray[Any]

__all__ = ["ClusterVotes"]


_SENT_AHEAD = 16
"""Blocks of votes that may be on their way to workers at once."""

_SMALL = 1 << 20
"""Bytes that may go with all tasks of a pass together."""


@dataclass(frozen=True, slots=True)
class _Work:
    """A step as it travels: where a shard has something of its own, there is a ``_Given``."""

    step: Callable[..., Any]
    recipe: Recipe
    fields: tuple[Values, ...]

    def filled(self, arguments: Sequence[_Kept]) -> tuple[Any, ...]:
        """Return the shard and its values."""
        shard = _filled(self.recipe, arguments).shard()
        return shard, *(_filled(each, arguments).of(shard) for each in self.fields)


class _Kept:
    """What a worker keeps of a shard, and what it tells of it."""

    __slots__ = ("sums", "values")

    def __init__(self, values: tuple[Any, ...], sums: Any = ()) -> None:
        self.values, self.sums = values, sums

    def __sizeof__(self) -> int:
        """Bytes of all arrays: by these a worker knows when to write to disk."""
        return _bytes_of((self.values, self.sums))


@dataclass(frozen=True, slots=True)
class _Told:
    """Sums over the tasks of some shards, of each of which so many arrays are kept."""

    kept: int
    sums: tuple[Any, ...]

    def __add__(self, other: _Told) -> _Told:
        return _Told(self.kept, tuple(map(add, self.sums, other.sums)))


@dataclass(frozen=True, slots=True)
class _There:
    """Something of a shard that is on the cluster: one of what a task keeps.

    Attributes
    ----------
    tasks : Tasks
    future : Future of _Kept
    number : int
    """

    tasks: Tasks
    future: Future
    number: int

    def _brought(self) -> Any:
        (found,) = self.tasks.gathered([self.future])
        return found.values[self.number]

    def shard(self) -> Shard:
        """Bring the shard here."""
        found: Shard = self._brought()
        return found

    def of(self, shard: Shard) -> Array:
        """Bring the values here."""
        del shard
        found: Array = self._brought()
        return found


@dataclass(frozen=True, slots=True)
class _Given:
    """The place of ``_There`` in work that travels.

    Attributes
    ----------
    argument, number : int
        Of the task's arguments, which one, and which of what that keeps.
    """

    argument: int
    number: int

    def of(self, arguments: Sequence[_Kept]) -> Any:
        return arguments[self.argument].values[self.number]


@dataclass(frozen=True, slots=True)
class ClusterVotes:
    """The workers of a cluster.

    Attributes
    ----------
    tasks : Tasks
    """

    tasks: Tasks

    def paired(self, blocks: Sequence[VotesRecipe], n_classes: int) -> Iterator[Paired]:
        """Send the votes of each block, and have them grouped by pair."""
        del n_classes  # blocks know it
        traffic = self._traffic("votes", 0)
        for first in range(0, len(blocks), _SENT_AHEAD):  # what is not yet sent waits in memory
            some = blocks[first : first + _SENT_AHEAD]
            held = [self._paired(each.block(), traffic) for each in some]
            answers = [self.tasks.task("found", _only_sum, each) for each in held]
            for future, found in zip(held, self._gathered(answers, traffic), strict=True):
                yield replace(found, held=future)

    def _paired(self, votes: VoteBlock, traffic: Traffic) -> Future:
        parcel = packed(votes)
        traffic.sent = max(traffic.sent, len(parcel))
        return self.tasks.task("paired", _paired, self.tasks.held(parcel))

    def placed(
        self, blocks: Sequence[VotesRecipe], found: Sequence[Paired], grid: Grid
    ) -> tuple[Recipe, ...]:
        """Make shards of them, where they are."""
        del blocks
        parcel = packed(grid)
        held = self.tasks.held(parcel)
        self._traffic("pairs", len(parcel))
        shards = (self.tasks.task("shard", _placed, held, each.held) for each in found)
        return tuple(_There(self.tasks, shard, 0) for shard in shards)

    def each(self, asked: Pass) -> Iterator[Any]:
        """Yield what the step returns, in the order of the shards."""
        held, jobs, size = self._sent(asked.step, asked.recipes, asked.fields)
        answers = [self.tasks.task("each", _done, held, *leaves) for leaves in jobs]
        yield from self._gathered(answers, self._traffic(stage_of(asked.step), size))

    def over(self, asked: Pass) -> Iterator[Found]:
        """Yield what the step keeps of neighbouring shards, and its sums over them, in order."""
        held, jobs, size = self._sent(asked.step, asked.recipes, asked.fields)
        kept = [self.tasks.task("step", _taken, held, *leaves) for leaves in jobs]
        traffic = self._traffic(stage_of(asked.step), size)
        futures = iter(kept)
        for found in self.tasks.summed(self._answers(asked, kept), _nobody):
            traffic.take(found)
            told: _Told = unpacked(found.parcel)
            some = islice(futures, found.parts)
            yield [self._arrays(each, told.kept) for each in some], told.sums

    def _arrays(self, kept: Future, number: int) -> tuple[Values, ...]:
        return tuple(_There(self.tasks, kept, at) for at in range(number))

    def _answers(self, asked: Pass, kept: Sequence[Future]) -> list[Future]:
        """Have sums told, and what is kept compared: apart, so that it does not hang on that."""
        if asked.against is None:
            return [self.tasks.task("sums", _sums, each) for each in kept]
        held, jobs, _ = self._sent(moved, asked.recipes, (asked.against,))
        pairs = zip(kept, jobs, strict=True)
        return [self.tasks.task("sums", _compared, held, each, *leaves) for each, leaves in pairs]

    def put(self, parts: Sequence[Array]) -> Sequence[Values]:
        """Send an array for each shard."""
        kept = (self.tasks.held(packed(_Kept((part,)))) for part in parts)
        return [_There(self.tasks, each, 0) for each in kept]

    def _sent(
        self,
        step: Callable[..., Any],
        recipes: Sequence[Recipe],
        columns: Sequence[Sequence[Values]],
    ) -> tuple[Future | bytes, list[list[Future]], int]:
        """Send what is common to all shards, in so many bytes; return what each has of its own.

        All parts of a field are made alike, so that the first shard's say how.
        """
        common: list[bytes] = []
        jobs: list[list[Future]] = []
        for recipe, *values in zip(recipes, *columns, strict=True):
            leaves: list[Future] = []
            place = self._place(recipe, leaves)
            work = _Work(step, place, tuple(self._place(value, leaves) for value in values))
            common = common or [packed(work)]
            jobs.append(leaves)
        return self._shared(common[0], len(jobs)), jobs, len(common[0])

    def _shared(self, parcel: bytes, parts: int) -> Future | bytes:
        """Have the cluster keep what all tasks need; what is small goes with each of them.

        That saves a task, and the way from worker to worker, before the others can begin.
        """
        return parcel if len(parcel) * parts <= _SMALL else self.tasks.held(parcel)

    def _place(self, of_shard: Any, leaves: list[Future]) -> Any:
        """Take out what is a shard's own."""
        if isinstance(of_shard, Computed):
            inputs = tuple(self._place(each, leaves) for each in of_shard.inputs)
            return Computed(of_shard.function, inputs)
        if isinstance(of_shard, Unaided):
            return Unaided(self._place(of_shard.recipe, leaves))
        leaves.append(of_shard.future)
        return _Given(len(leaves) - 1, of_shard.number)

    def _traffic(self, stage: str, sent: int) -> Traffic:
        traffic = Traffic(stage, sent)
        self.tasks.cluster.traffic.append(traffic)
        return traffic

    def _gathered(self, answers: list[Future], traffic: Traffic) -> Iterator[Any]:
        for answer in self.tasks.gathered(answers):
            traffic.take(Findings.of(answer))
            yield unpacked(answer)


def _nobody(done: int) -> None:
    """Tell nobody how far a pass is: there are many, and each is short."""


def _filled(template: Any, arguments: Sequence[_Kept]) -> Any:
    """Put what is a shard's own back in."""
    if isinstance(template, Computed):
        return Computed(template.function, tuple(_filled(e, arguments) for e in template.inputs))
    if isinstance(template, Unaided):
        return Unaided(_filled(template.recipe, arguments))
    return _Ready(template.of(arguments))


@dataclass(frozen=True, slots=True)
class _Ready:
    """A shard, or values, in the memory of the worker."""

    found: Any

    def shard(self) -> Shard:
        found: Shard = self.found
        return found

    def of(self, shard: Shard) -> Array:
        del shard
        found: Array = self.found
        return found


def _paired(votes: VoteBlock) -> _Kept:
    pairs = pairs_of(votes)
    return _Kept((votes, pairs), (Paired.of(votes, pairs),))


def _placed(grid: Grid, found: _Kept) -> _Kept:
    votes: VoteBlock
    pairs: VotePairs
    votes, pairs = found.values
    return _Kept((shard_of(votes, pairs, grid),))


def _opened(work: _Work | bytes) -> _Work:
    found: _Work = unpacked(work) if isinstance(work, bytes) else work
    return found


def _done(work: _Work | bytes, *arguments: _Kept) -> bytes:
    work = _opened(work)
    return packed(work.step(*work.filled(arguments)))


def _taken(work: _Work | bytes, *arguments: _Kept) -> _Kept:
    work = _opened(work)
    return _Kept(*work.step(*work.filled(arguments)))


def _only_sum(kept: _Kept) -> bytes:
    return packed(kept.sums[0])


def _sums(kept: _Kept, *more: Any) -> Findings:
    return Findings.of(packed(_Told(len(kept.values), (*kept.sums, *more))))


def _compared(work: _Work | bytes, kept: _Kept, *arguments: _Kept) -> Findings:
    work = _opened(work)
    _, before = work.filled(arguments)
    return _sums(kept, work.step(kept.values[0], before))


def _bytes_of(value: Any) -> int:
    """Return the bytes of all arrays inside."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, tuple):
        return sum(map(_bytes_of, value))
    if is_dataclass(value):
        return sum(_bytes_of(getattr(value, field.name)) for field in fields(value))
    return 0
