"""Can anything be learned about annotators from these votes? Checks of who voted on what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.votes_graph import component_roots

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock

    Ints = npt.NDArray[np.int64]

__all__ = ["VotesShape", "votes_shape"]

FLOOD = 0.1
"""Share of repeated votes from which they are called a flood."""
CONSTANT_VOTES = 20
"""Votes from which always giving one label is remarkable, if the crowd's own share of that label
makes it unlikely."""
UNLIKELY = 1e-6
ALONE = "All votes are by one annotator, whom nobody can be compared with: they are taken as given."
NO_OVERLAP = "No task has votes of two annotators: their quality cannot be compared."
ONE_VOTE_EACH = "Every annotator has one vote only: nothing can be said about any of them."
CONSTANT = "Annotators with one label for all their tasks, which the others' votes make unlikely:"
ALL_TIED = "Every task is a tie: the order of the classes decides wherever a method does not."


@dataclass(frozen=True, slots=True)
class VotesShape:
    """Who voted on what.

    Attributes
    ----------
    tasks, workers, votes : int
        Tasks and annotators with votes, and votes.
    silent_tasks, silent_workers : int
        Those without.
    components : int
        Groups of tasks and annotators without a vote between them; their annotators cannot be
        compared.
    largest_component_votes : int
    lone_tasks : int
        Tasks with the votes of one annotator only.
    single_vote_workers : int
        Annotators with one vote.
    repeated_votes : int
        Votes beyond the first of the same annotator on the same task.
    constant_workers : (n,) int32
        Annotators with many votes, all for one label, where the crowd's votes make that unlikely.
    all_tied : bool
        Every task with votes is a tie between several classes.
    """

    tasks: int
    workers: int
    votes: int
    silent_tasks: int
    silent_workers: int
    components: int
    largest_component_votes: int
    lone_tasks: int
    single_vote_workers: int
    repeated_votes: int
    constant_workers: npt.NDArray[np.int32]
    all_tied: bool

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know before believing a method, one sentence each."""
        return tuple(text for is_so, text in self._possible_warnings() if is_so)

    def _possible_warnings(self) -> tuple[tuple[bool, str], ...]:
        votes, share = self.votes, self.repeated_votes / max(self.votes, 1)
        several, no_overlap = self.workers > 1, self.lone_tasks == self.tasks
        one_vote_each = several and self.single_vote_workers == self.workers
        repeats = f"{self.repeated_votes} of {votes} votes ({share:.0%}) repeat"
        groups = f"{self.components} groups without a vote between them, the largest with"
        constant = len(self.constant_workers)
        return (
            (votes == 0, "There are no votes."),
            (self.silent_tasks > 0, _silent(self.silent_tasks)),
            (self.workers == 1, ALONE),
            (several and no_overlap, NO_OVERLAP),
            (one_vote_each, ONE_VOTE_EACH),
            (
                self.components > 1 and not no_overlap,
                (
                    f"Tasks and annotators fall into {groups} {self.largest_component_votes} of "
                    f"{votes} votes: annotators of different groups are hard to compare."
                ),
            ),
            (share >= FLOOD, f"{repeats} an annotator's vote on a task, as if independent."),
            (constant > 0, f"{CONSTANT} {constant}."),
            (self.all_tied, ALL_TIED),
        )


def votes_shape(votes: VoteBlock) -> VotesShape:
    """Look at who voted on what: components, lone votes, repeats, constant annotators, ties."""
    lengths = np.diff(votes.task_start)
    given = np.bincount(votes.worker, minlength=votes.n_workers)
    heard = given > 0
    repeated = _repeats(votes)
    different = _annotators_per_task(votes, repeated)
    roots = component_roots(votes.task_start, votes.worker, votes.n_workers)
    by_component = np.bincount(roots, weights=given, minlength=votes.n_workers)
    return VotesShape(
        tasks=int(np.count_nonzero(lengths)),
        workers=int(np.count_nonzero(heard)),
        votes=votes.n_votes,
        silent_tasks=int(np.sum(lengths == 0)),
        silent_workers=int(np.sum(~heard)),
        components=len(np.unique(roots[heard])),
        largest_component_votes=int(by_component.max(initial=0.0)),
        lone_tasks=int(np.sum(different == 1)),
        single_vote_workers=int(np.sum(given == 1)),
        repeated_votes=int(repeated.sum()),
        constant_workers=_constant_workers(votes, given),
        all_tied=_all_tied(votes),
    )


def _tasks_of_votes(votes: VoteBlock) -> Ints:
    return np.repeat(np.arange(votes.n_tasks), np.diff(votes.task_start))


def _repeats(votes: VoteBlock) -> npt.NDArray[np.bool_]:
    """Mark the votes that follow a vote of the same annotator on the same task."""
    task = _tasks_of_votes(votes)
    repeats = np.zeros(votes.n_votes, dtype=bool)
    repeats[1:] = (votes.worker[1:] == votes.worker[:-1]) & (task[1:] == task[:-1])
    return repeats


def _annotators_per_task(votes: VoteBlock, repeated: npt.NDArray[np.bool_]) -> Ints:
    counts: Ints = np.bincount(_tasks_of_votes(votes)[~repeated], minlength=votes.n_tasks)
    return counts


def _constant_workers(votes: VoteBlock, given: Ints) -> npt.NDArray[np.int32]:
    """Find annotators with one label only, against the label shares of everybody else."""
    lowest = np.full(votes.n_workers, votes.n_classes, dtype=np.int32)
    highest = np.full(votes.n_workers, -1, dtype=np.int32)
    np.minimum.at(lowest, votes.worker, votes.label)
    np.maximum.at(highest, votes.worker, votes.label)
    constant = np.flatnonzero((lowest == highest) & (given >= CONSTANT_VOTES))
    by_class = np.bincount(votes.label, minlength=votes.n_classes)
    others = by_class[lowest[constant]] - given[constant]
    share = others / np.maximum(votes.n_votes - given[constant], 1)
    surprising = given[constant] * np.log(np.maximum(share, 1e-300)) < np.log(UNLIKELY)
    alone = votes.n_votes == given[constant]
    found: npt.NDArray[np.int32] = constant[surprising & ~alone].astype(np.int32)
    return found


def _all_tied(votes: VoteBlock) -> bool:
    cell = _tasks_of_votes(votes) * votes.n_classes + votes.label
    counts = np.bincount(cell, minlength=votes.n_tasks * votes.n_classes)
    counts = counts.reshape(votes.n_tasks, votes.n_classes)
    most = counts.max(axis=1, keepdims=True, initial=0)
    tied = ((counts == most).sum(axis=1) > 1)[np.diff(votes.task_start) > 0]
    return bool(len(tied) and tied.all())


def _silent(tasks: int) -> str:
    return "1 task has no votes." if tasks == 1 else f"{tasks:,} tasks have no votes."
