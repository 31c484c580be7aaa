"""A cluster as the ground of an audit: workers read the rows and keep what is known of them.

What is known of a portion is what a task returns and the next task gets. So the cluster keeps it
where it is, writes it to disk where memory is short, and makes it again, pass by pass, where a
worker was lost.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from labelaudit.cluster.known import Known
from labelaudit.cluster.parcels import packed, unpacked
from labelaudit.cluster.portions import opened
from labelaudit.cluster.tasks import Findings, Traffic, stage_of

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


def _without(known: Known, drops: tuple[str, ...]) -> Known:
    return known.without(drops)


def _found(known: Known) -> Findings:
    return Findings.of(known.summary)


def _asked(step: Step, known: Known) -> Findings:
    return Findings.of(known.asked(step))


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
    _drops: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))

    def read(
        self, step: Callable[[Stretch], R], stage: str, only: Sequence[int] | None = None
    ) -> Iterator[R]:
        """Call a step with each portion; sums of neighbours come, in row order."""
        chosen = range(len(self.recipes)) if only is None else self._with(only)
        return self._taken(step, stage, chosen, reads=True)

    def take(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step that keeps something with the pieces of each portion; as ``read``."""
        return self._taken(step, stage_of(step), range(len(self.recipes)), reads=False)

    def over(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step that keeps nothing with the pieces of each portion; as ``read``."""
        held, traffic = self._sent(step, stage_of(step))
        return self._summed(self._asking(held), traffic)

    def each(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step that keeps nothing; what each portion gives comes by itself."""
        held, traffic = self._sent(step, stage_of(step))
        parts = self._asking(held)
        total = len(parts)
        self._tell(traffic.stage, 0, total)
        for done, found in enumerate(self.tasks.gathered(parts), 1):
            traffic.take(found)
            self._tell(traffic.stage, done, total)
            yield unpacked(found.parcel)

    def drop(self, level: str) -> None:
        """Let go of a level of every piece, when the next step is taken."""
        for at in range(len(self.recipes)):
            self._drops[at].add(level)

    def _with(self, rows: Sequence[int]) -> list[int]:
        """Return the portions that hold these pieces."""
        starts = [each.first_row for each in self.recipes]
        return sorted({bisect_right(starts, row) - 1 for row in rows})

    def _sent(self, step: Step, stage: str) -> tuple[Future, Traffic]:
        """Send a step to the cluster, once for all portions."""
        parcel = packed(step)
        traffic = Traffic(stage, len(parcel))
        self.tasks.cluster.traffic.append(traffic)
        return self.tasks.held(parcel), traffic

    def _asking(self, held: Future) -> list[Future]:
        """Have a step called that keeps nothing, after what is to be dropped is."""
        for at, levels in self._drops.items():
            self._known[at] = self.tasks.task("drop", _without, self._known[at], tuple(levels))
        self._drops.clear()
        return self.tasks.tasks("asked", _asked, [held] * len(self._known), self._known)

    def _taken(
        self, step: Callable[[Stretch], R], stage: str, chosen: Sequence[int], *, reads: bool
    ) -> Iterator[R]:
        held, traffic = self._sent(step, stage)
        if not self._known:
            self._known = [
                self.tasks.task("read", _first, held, each.decoder, each.tables, each.parts)
                for each in self.recipes
            ]
        else:
            before = [self._known[at] for at in chosen]
            drops = [tuple(self._drops.pop(at, ())) for at in chosen]
            n = len(before)
            now = self.tasks.tasks("next", _next, [held] * n, before, drops, [reads] * n)
            for at, known in zip(chosen, now, strict=True):
                self._known[at] = known
        parts = self.tasks.tasks("found", _found, [self._known[at] for at in chosen])
        return self._summed(parts, traffic)

    def _summed(self, parts: list[Future], traffic: Traffic) -> Iterator[Any]:
        total = len(parts)
        self._tell(traffic.stage, 0, total)
        for found in self.tasks.summed(parts, lambda done: self._tell(traffic.stage, done, total)):
            traffic.take(found)
            yield unpacked(found.parcel)

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(stage, done, total)
