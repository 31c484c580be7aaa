"""Pairs of annotators who voted on the same tasks: how often they meet, and how often they agree.

Only pairs that meet are kept. Both their number and the work to find them are capped: beyond the
caps, the annotators with the fewest votes and the tasks with the most votes are left out, and a
note says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.votes_overlap import meet_others

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.graph import VoteGraph

    Ints = npt.NDArray[np.int64]
    Small = npt.NDArray[np.int32]
    Row = tuple[Small, Small, Small, npt.NDArray[np.float64]]

__all__ = ["MOST_MEETINGS", "MOST_PAIRS", "Overlaps", "overlaps"]

MOST_PAIRS = 15_000_000
"""Pairs of annotators: 0.4 GB."""

MOST_MEETINGS = 4_000_000_000
"""Pairs of votes on the same task: about two minutes."""


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The P pairs of annotators that share tasks, sorted by (first, second), first < second.

    Attributes
    ----------
    first, second : (P,) int32
        Codes of the annotators.
    shared, agreed : (P,) int32
        Pairs of votes on the same task, and those with the same label.
    chance : (P,) float64
        Agreement expected from the two annotators' label frequencies on the shared tasks.
    notes : tuple of str
    """

    first: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    shared: npt.NDArray[np.int32]
    agreed: npt.NDArray[np.int32]
    chance: npt.NDArray[np.float64]
    notes: tuple[str, ...] = ()

    @property
    def agreement(self) -> npt.NDArray[np.float64]:
        """(P,) share of the shared votes with the same label."""
        return self.agreed / self.shared

    @property
    def cohen_kappa(self) -> npt.NDArray[np.float64]:
        """(P,) Cohen's kappa; NaN where both annotators only ever gave one same label."""
        room = 1.0 - self.chance
        safe = np.where(room > 0.0, room, 1.0)
        return np.where(room > 0.0, (self.agreement - self.chance) / safe, np.nan)


def _busiest(given: Ints, most_pairs: int) -> npt.NDArray[np.int64]:
    """Return the annotators with the most votes, as many as fit the cap.

    Of those with equally many votes none or all are taken, so that nothing depends on codes.
    """
    room = int((1.0 + np.sqrt(1.0 + 8.0 * most_pairs)) / 2.0)
    busy = np.flatnonzero(given)
    if len(busy) <= room:
        return busy
    cut = np.sort(given[busy])[::-1][room]
    return np.flatnonzero(given > cut)


def _longest(lengths: Ints, most_meetings: int) -> int:
    """Return the largest number of votes on a task such that the work fits the cap."""
    sizes, how_many = np.unique(lengths, return_counts=True)
    work = np.cumsum(sizes.astype(np.float64) ** 2 * how_many)
    fits = np.flatnonzero(work <= most_meetings)
    return int(sizes[fits[-1]]) if len(fits) else 0


def _notes(left_out: int, passed_over: int) -> tuple[str, ...]:
    notes = []
    if left_out:
        notes.append(f"Pairs with the {left_out} annotators with the fewest votes are left out.")
    if passed_over:
        notes.append(f"The {passed_over} tasks with the most votes are left out of pairs.")
    return tuple(notes)


class _Meetings:
    """Counters of one annotator's meetings with the others, cleared where they were touched."""

    def __init__(self, graph: VoteGraph, chosen: Ints, longest: int) -> None:
        self.graph, self.chosen, self.longest = graph, chosen, longest
        self.place = np.full(graph.votes.n_workers, -1, dtype=np.int32)
        self.place[chosen] = np.arange(len(chosen), dtype=np.int32)
        self.shared, self.agreed = np.zeros((2, len(chosen)), dtype=np.int64)
        self.own, self.theirs = np.zeros((2, len(chosen), graph.votes.n_classes), dtype=np.int64)

    def of(self, position: int) -> Row:
        """Return later annotators met, shared and agreed votes with each, and chance agreement."""
        votes, pairs = self.graph.votes, self.graph.pairs
        first, last = pairs.worker_start[self.chosen[position] + np.arange(2)]
        tasks = pairs.task[pairs.start[first] : pairs.start[last]]
        labels = np.repeat(pairs.label[first:last], np.diff(pairs.start[first : last + 1]))
        meet_others(
            votes.task_start, votes.worker, votes.label, tasks, labels, self.place, position,
            self.longest, self.shared, self.agreed, self.own, self.theirs,
        )  # fmt: skip
        met = position + 1 + np.flatnonzero(self.shared[position + 1 :])
        shared, agreed = self.shared[met], self.agreed[met]
        chance = (self.own[met] * self.theirs[met]).sum(axis=1) / shared.astype(np.float64) ** 2
        for counter in (self.shared, self.agreed, self.own, self.theirs):
            counter[met] = 0
        return met.astype(np.int32), shared.astype(np.int32), agreed.astype(np.int32), chance


def overlaps(
    graph: VoteGraph, most_pairs: int = MOST_PAIRS, most_meetings: int = MOST_MEETINGS
) -> Overlaps:
    """Count meetings and agreements of all pairs of annotators that share a task."""
    given = graph.pairs.votes_of_worker
    lengths = np.diff(graph.votes.task_start)
    chosen, longest = _busiest(given, most_pairs), _longest(lengths, most_meetings)
    meetings = _Meetings(graph, chosen, longest)
    rows = [meetings.of(position) for position in range(len(chosen))]
    none = (*np.zeros((3, 0), dtype=np.int32), np.zeros(0))
    met, shared, agreed, chance = map(np.concatenate, zip(none, *rows, strict=True))
    return Overlaps(
        np.repeat(chosen, [len(row[0]) for row in rows]).astype(np.int32),
        chosen[met].astype(np.int32),
        shared,
        agreed,
        chance,
        _notes(int(np.count_nonzero(given)) - len(chosen), int(np.sum(lengths > longest))),
    )
