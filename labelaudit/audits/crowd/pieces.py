"""What is said of tasks, shard by shard."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.audits.crowd.methods import fitted
from labelaudit.audits.crowd.next_votes import worth
from labelaudit.audits.crowd.posterior import consensus
from labelaudit.audits.crowd.shards import Outcome
from labelaudit.audits.crowd.tables import NONE, tasks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Crowd, Field
    from labelaudit.audits.crowd.fitting import CrowdFit
    from labelaudit.audits.crowd.shards import Shard
    from labelaudit.audits.crowd.tables import TaskTable
    from labelaudit.audits.crowd.top_two import TopTwo

    Floats = npt.NDArray[np.float64]

__all__ = ["PiecePairs", "Right", "TaskPiece", "described", "known_found"]


@dataclass(frozen=True, slots=True)
class PiecePairs:
    """Two answers of some tasks, as ``TopTwo`` has them."""

    first: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    tied_second: npt.NDArray[np.bool_]
    pair_confidence: Floats
    confusion_probability: Floats


@dataclass(frozen=True, slots=True)
class TaskPiece:
    """What is said of the n tasks of a shard.

    Attributes
    ----------
    tasks : TaskTable
    known : (n,) bool
        Tasks with a known label.
    second, second_share : (n,) int32, (n,) float64
        The second answer where a method recovers pairs, and its posterior.
    reduction, information : (n,) float64
        What one more vote would bring.
    soft : (n, K) float64 or None
    soft_label : (n,) int32 or None
        The most probable class by ``soft``.
    pairs : PiecePairs or None
    """

    tasks: TaskTable
    known: npt.NDArray[np.bool_]
    second: npt.NDArray[np.int32]
    second_share: Floats
    reduction: Floats
    information: Floats
    soft: Floats | None
    soft_label: npt.NDArray[np.int32] | None
    pairs: PiecePairs | None


def described(
    crowd: Crowd,
    result: CrowdFit,
    typical: float,
    soft: Field | None,
    pairs: TopTwo | None,
) -> Iterator[TaskPiece]:
    """Yield what is said of the tasks of each shard.

    ``typical`` is the accuracy of the annotator of one more vote.
    """
    optional = (result.log_posterior, result.undecided, soft)
    given = [field for field in optional if field is not None]
    step = partial(
        _described, typical, tuple(field is not None for field in optional), result.method
    )
    cuts = _cuts(crowd, pairs)
    yield from crowd.each(step, result.posterior, *given, *([] if cuts is None else [cuts]))


def _cuts(crowd: Crowd, pairs: TopTwo | None) -> Field | None:
    """Cut the pairs of all tasks into those of the shards."""
    if pairs is None:
        return None
    columns = [
        *(pairs.first, pairs.second, pairs.tied_second),
        *(pairs.pair_confidence, pairs.confusion_probability),
    ]
    return crowd.spread(np.stack([column.astype(np.float64) for column in columns], axis=1))


def _described(
    typical: float, there: tuple[bool, ...], method: str, shard: Shard, q: Floats, *rest: Any
) -> TaskPiece:
    given = iter(rest)
    log_q, undecided, soft = (next(given) if present else None for present in there)
    tasks = tasks_of(shard, q, log_q, undecided)
    columns = next(given, None)
    pairs = None if columns is None else _pairs(columns)
    second, share = tasks.runner_up, tasks.runner_up_confidence
    if pairs is not None and method == "top-two":
        second = np.where(pairs.first == tasks.label, pairs.second, second).astype(np.int32)
        share = q[np.arange(len(second)), second]
    reduction, information = worth(q, typical)
    return TaskPiece(
        tasks,
        shard.graph.votes.gold >= 0,
        second,
        share,
        reduction,
        information,
        soft,
        None if soft is None else consensus(soft),
        pairs,
    )


def _pairs(columns: Floats) -> PiecePairs:
    first, second, tied, confidence, confusion = columns.T
    codes = first.astype(np.int32), second.astype(np.int32)
    return PiecePairs(*codes, tied > 0, confidence.copy(), confusion.copy())


@dataclass(frozen=True, slots=True)
class Right:
    """Tasks with votes and a known label, and those that a method and majority vote find."""

    tasks: int
    method: int
    majority: int


def known_found(crowd: Crowd, method: str, seed: int) -> Right:
    """Count the known labels that a method finds when it knows none of them."""
    (gold,), _ = crowd.over(_known)
    blind = crowd.unaided()
    found = fitted(method, blind, seed)
    undecided = [] if found.undecided is None else [found.undecided]
    _, (counted,) = blind.over(_found, gold, found.posterior, *undecided)
    crowd.passes = blind.passes
    return Right(*counted.tolist())


def _known(shard: Shard) -> Outcome:
    return Outcome((shard.graph.votes.gold,))


def _found(
    shard: Shard, gold: npt.NDArray[np.int32], q: Floats, *undecided: npt.NDArray[np.bool_]
) -> Outcome:
    known = (gold >= 0) & (np.diff(shard.graph.votes.task_start) > 0)
    label = consensus(q)
    for left in undecided:
        label = np.where(left, NONE, label).astype(np.int32)
    majority = consensus(shard.graph.vote_counts())
    right = [int((labels == gold)[known].sum()) for labels in (label, majority)]
    return Outcome((), (np.array([int(known.sum()), *right]),))
