"""A cluster as the ground of an audit: workers read the rows and keep what is known of them.

What is known of a portion is what a task returns and the next task gets. So the cluster keeps it
where it is, writes it to disk where memory is short, and makes it again, pass by pass, where a
worker was lost.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from labelaudit.cluster.known import Known
from labelaudit.cluster.parcels import packed, unpacked
from labelaudit.cluster.portions import opened
from labelaudit.cluster.tasks import Traffic, stage_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from distributed import Future

    from labelaudit.audits.ground import Stretch
    from labelaudit.cluster.portions import Recipe
    from labelaudit.cluster.tasks import Tasks

    Step = Callable[[Stretch], Any]
    Progress = Callable[[str, int, int], None]

__all__ = ["ClusterGround"]

R = TypeVar("R")


def _first(step: Step, decoder: Any, tables: Any, parts: Any) -> Known:
    return Known(opened(decoder, tables, parts)).after(step, reads=True)


def _next(step: Step, known: Known, drops: tuple[str, ...], reads: bool) -> Known:
    return known.after(step, drops=drops, reads=reads)


def _found(known: Known) -> tuple[bytes, tuple[int, ...]]:
    return known.summary, tuple(first_row for first_row, _ in known.pieces)


@dataclass(slots=True)
class ClusterGround:
    """The workers of a cluster.

    Attributes
    ----------
    tasks : Tasks
    recipes : sequence of Recipe
        In row order.
    progress : callable or None
        Told the stage, how many tasks are done, and how many there are.
    """

    tasks: Tasks
    recipes: Sequence[Recipe]
    progress: Progress | None = None
    _known: list[Future] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _owner: list[int] = field(default_factory=list)
    _drops: list[set[str]] = field(default_factory=list)

    def read(
        self, step: Callable[[Stretch], R], stage: str, only: Sequence[int] | None = None
    ) -> Iterator[R]:
        """Call a step with each portion; summaries come in row order."""
        chosen = range(len(self.recipes)) if only is None else self._with(only)
        return self._taken(step, stage, chosen, reads=True)

    def over(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step with the pieces of each portion; in row order."""
        return self._taken(step, stage_of(step), range(len(self.recipes)), reads=False)

    def drop(self, level: str) -> None:
        """Let go of a level of every piece, when the next step is taken."""
        for each in self._drops:
            each.add(level)

    def _with(self, rows: Sequence[int]) -> list[int]:
        """Return the portions that hold these pieces."""
        return sorted({self._owner[bisect_right(self._starts, row) - 1] for row in rows})

    def _taken(
        self, step: Callable[[Stretch], R], stage: str, chosen: Sequence[int], *, reads: bool
    ) -> Iterator[R]:
        parcel = packed(step)
        held = self.tasks.held(parcel)
        first = not self._known
        if first:
            self._drops = [set() for _ in self.recipes]
            self._known = [
                self.tasks.task("read", _first, held, each.decoder, each.tables, each.parts)
                for each in self.recipes
            ]
        else:
            for at in chosen:
                drops = tuple(sorted(self._drops[at]))
                self._known[at] = self.tasks.task(
                    "next", _next, held, self._known[at], drops, reads
                )
                self._drops[at].clear()
        traffic = Traffic(stage, len(parcel))
        self.tasks.cluster.traffic.append(traffic)
        summaries = [self.tasks.task("found", _found, self._known[at]) for at in chosen]
        self._tell(stage, 0, len(summaries))
        for done, (summary, starts) in enumerate(self.tasks.gathered(summaries), 1):
            if first:
                self._starts += starts
                self._owner += [done - 1] * len(starts)
            traffic.received.append(len(summary))
            self._tell(stage, done, len(summaries))
            yield unpacked(summary)

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(stage, done, total)
