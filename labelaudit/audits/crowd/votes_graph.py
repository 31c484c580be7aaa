"""Can anything be learned about annotators from these votes? Checks of who voted on what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.kernels.votes_graph import component_roots
from labelaudit.wording import percent

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.pairs import PairIndex
    from labelaudit.blocks import VoteBlock

    Ints = npt.NDArray[np.int64]

__all__ = ["Joined", "Meetings", "VotesShape", "shape_of", "votes_shape"]

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
        repeats = f"{self.repeated_votes} of {votes} votes ({percent(share)}) repeat"
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


@dataclass(frozen=True, slots=True)
class Joined:
    """Which annotators hang together, (W,): each one's component is its lowest code."""

    roots: Ints

    def __add__(self, other: Joined) -> Joined:
        """Join annotators that either joins: each with its two roots, as if by votes on a task."""
        own = np.arange(len(self.roots))
        ends = np.stack([own, self.roots, other.roots], axis=1).astype(np.int32)
        start = np.arange(0, 3 * len(own) + 1, 3)
        return Joined(component_roots(start, ends.ravel(), len(own)))


@dataclass(frozen=True, slots=True)
class Meetings:
    """Who met on some tasks; those of several shards are added with ``+``.

    Attributes
    ----------
    tasks, silent, lone, tied : int
        Tasks with votes, without any, with those of one annotator, and tied between classes.
    repeated : int
        Votes beyond the first of the same annotator on the same task.
    joined : Joined
    """

    tasks: int
    silent: int
    lone: int
    tied: int
    repeated: int
    joined: Joined

    @classmethod
    def of(cls, votes: VoteBlock, counts: npt.NDArray[np.float64]) -> Meetings:
        """Look at some tasks, and the votes for each class on them (n, K)."""
        lengths = np.diff(votes.task_start)
        task = np.repeat(np.arange(votes.n_tasks), lengths)
        again = np.zeros(votes.n_votes, dtype=bool)
        again[1:] = (votes.worker[1:] == votes.worker[:-1]) & (task[1:] == task[:-1])
        repeats = np.bincount(task[again], minlength=votes.n_tasks)
        most = counts.max(axis=1, keepdims=True, initial=0)
        tied = ((counts == most).sum(axis=1) > 1) & (lengths > 0)
        roots = component_roots(votes.task_start, votes.worker, votes.n_workers)
        return cls(
            int(np.count_nonzero(lengths)),
            int(np.sum(lengths == 0)),
            int(np.sum(lengths - repeats == 1)),
            int(tied.sum()),
            int(again.sum()),
            Joined(roots),
        )

    def __add__(self, other: Meetings) -> Meetings:
        return Meetings(
            self.tasks + other.tasks,
            self.silent + other.silent,
            self.lone + other.lone,
            self.tied + other.tied,
            self.repeated + other.repeated,
            self.joined + other.joined,
        )


def votes_shape(votes: VoteBlock) -> VotesShape:
    """Look at who voted on what: components, lone votes, repeats, constant annotators, ties."""
    graph = VoteGraph.of(votes)
    return shape_of(Meetings.of(votes, graph.vote_counts()), graph.pairs.index, votes.n_classes)


def shape_of(met: Meetings, pairs: PairIndex, n_classes: int) -> VotesShape:
    """Return the shape of all votes from who met, and the pairs that occur."""
    given = pairs.votes_of_worker
    heard = given > 0
    roots = met.joined.roots
    by_component = np.bincount(roots, weights=given, minlength=len(given))
    return VotesShape(
        tasks=met.tasks,
        workers=int(np.count_nonzero(heard)),
        votes=int(given.sum()),
        silent_tasks=met.silent,
        silent_workers=int(np.sum(~heard)),
        components=len(np.unique(roots[heard])),
        largest_component_votes=int(by_component.max(initial=0.0)),
        lone_tasks=met.lone,
        single_vote_workers=int(np.sum(given == 1)),
        repeated_votes=met.repeated,
        constant_workers=_constant_workers(pairs, given, n_classes),
        all_tied=met.tied == met.tasks > 0,
    )


def _constant_workers(pairs: PairIndex, given: Ints, n_classes: int) -> npt.NDArray[np.int32]:
    """Find annotators with one label only, against the label shares of everybody else."""
    alone = np.diff(pairs.worker_start) == 1
    constant = np.flatnonzero(alone & (given >= CONSTANT_VOTES))
    label, total = pairs.label[pairs.worker_start[constant]], int(given.sum())
    others = pairs.votes_of_label(n_classes)[label] - given[constant]
    share = others / np.maximum(total - given[constant], 1)
    surprising = given[constant] * np.log(np.maximum(share, 1e-300)) < np.log(UNLIKELY)
    everything = total == given[constant]
    found: npt.NDArray[np.int32] = constant[surprising & ~everything].astype(np.int32)
    return found


def _silent(tasks: int) -> str:
    return "1 task has no votes." if tasks == 1 else f"{tasks:,} tasks have no votes."
