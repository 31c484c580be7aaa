"""A table that another engine holds as the ground of an audit.

The engine keeps nothing of what is known of rows, so every pass begins with the rows themselves and
takes the steps before it again. That costs computing, and needs nothing of the engine but that it
brings the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from labelaudit.cluster.engines import Step, consecutive, demand_all
from labelaudit.cluster.known import Known
from labelaudit.cluster.parcels import packed, unpacked
from labelaudit.cluster.tasks import Findings, Traffic, stage_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt
    import pyarrow as pa

    from labelaudit.audits.ground import Stretch
    from labelaudit.blocks import LabelBlock
    from labelaudit.cluster.engines import EngineTable
    from labelaudit.cluster.numbering import Numbering
    from labelaudit.tables.decode import Decoder

    Progress = Callable[[str, int, int], None]

__all__ = ["EngineGround"]

R = TypeVar("R")

_ROWS = 1 << 17
_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class _Batches:
    """Rows that are in memory for the length of a task."""

    first_row: int
    batches: tuple[pa.RecordBatch, ...]
    decoder: Decoder

    def blocks(self) -> Iterator[LabelBlock]:
        row = self.first_row
        for batch in self.batches:
            yield from self.decoder.blocks(batch, row)
            row += batch.num_rows


@dataclass(frozen=True, slots=True)
class _Taken:
    """A step that was taken, or is to be.

    Attributes
    ----------
    step : callable
    reads : bool
    drops : tuple of str
        Levels to let go of before.
    only : (n, 2) int64 or None
        First row, and one more than the last, of the rows that it is wanted for; None: all.
    """

    step: Callable[[Stretch], Any]
    reads: bool
    drops: tuple[str, ...]
    only: npt.NDArray[np.int64] | None

    def wanted(self, first_row: int, rows: int) -> bool:
        if self.only is None:
            return True
        return bool(((self.only[:, 0] < first_row + rows) & (self.only[:, 1] > first_row)).any())

    def after(self, known: Known) -> Known:
        return known.after(self.step, drops=self.drops, reads=self.reads)


@dataclass(frozen=True, slots=True)
class _Pass:
    """All steps up to the one whose findings are wanted."""

    row: str
    numbering: Numbering
    decoder: Decoder
    before: tuple[_Taken, ...]
    now: _Taken

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, int, bytes]]:
        for part in self._parts(batches):
            rows = sum(batch.num_rows for batch in part.batches)
            summary = b""
            if self.now.wanted(part.first_row, rows):
                known = Known(part)
                for each in self.before:
                    if each.wanted(part.first_row, rows):
                        known = each.after(known)
                known = self.now.after(known)
                summary = packed((known.pieces, known.summary))
            yield part.first_row, rows, summary

    def _parts(self, batches: Iterator[pa.RecordBatch]) -> Iterator[_Batches]:
        """Join batches whose rows are neighbours, as many as are worked on at once."""
        held: list[pa.RecordBatch] = []
        first = end = size = 0
        for batch in batches:
            for row, part in consecutive(batch, self.row, self.numbering):
                chosen = part.select(self.decoder.columns)
                if held and (row != end or end - first >= _ROWS or size >= _BYTES):
                    yield _Batches(first, tuple(held), self.decoder)
                    held, size = [], 0
                first = row if not held else first
                held.append(chosen)
                end, size = row + chosen.num_rows, size + chosen.nbytes
        if held:
            yield _Batches(first, tuple(held), self.decoder)


@dataclass(slots=True)
class EngineGround:
    """Wherever the engine works.

    Attributes
    ----------
    table : EngineTable
    decoder : Decoder
    progress : callable or None
        Told the stage when it begins and when it ends.
    traffic : list of Traffic
        What was sent back, pass by pass.
    """

    table: EngineTable
    decoder: Decoder
    progress: Progress | None = None
    traffic: list[Traffic] = field(default_factory=list)
    _taken: list[_Taken] = field(default_factory=list)
    _drops: set[str] = field(default_factory=set)
    _rows: dict[int, int] = field(default_factory=dict)

    def read(
        self, step: Callable[[Stretch], R], stage: str, only: Sequence[int] | None = None
    ) -> Iterator[R]:
        """Call a step with all rows, some at a time; summaries come in row order."""
        wanted = None
        if only is not None:
            bounds = [(first_row, first_row + self._rows[first_row]) for first_row in only]
            wanted = np.array(bounds, np.int64).reshape(-1, 2)
        return self._passed(stage, _Taken(step, True, self._dropped(), wanted), keeps=True)

    def take(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step that keeps something with what is known of the rows; in row order."""
        return self._passed(stage_of(step), _Taken(step, False, self._dropped(), None), keeps=True)

    def over(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step that keeps nothing with what is known of the rows; in row order."""
        return self._passed(stage_of(step), _Taken(step, False, (), None), keeps=False)

    def each(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step that keeps nothing with what is known of the rows; in row order."""
        return self.over(step)

    def drop(self, level: str) -> None:
        """Let go of a level of every piece, before the next step."""
        self._drops.add(level)

    def _dropped(self) -> tuple[str, ...]:
        dropped = tuple(sorted(self._drops))
        self._drops.clear()
        return dropped

    def _passed(self, stage: str, now: _Taken, *, keeps: bool) -> Iterator[Any]:
        table, before = self.table, tuple(self._taken)
        if keeps:  # the others need not be taken again in later passes
            self._taken.append(now)
        work = _Pass(table.row, table.numbering, self.decoder, before, now)
        self._tell(stage, 0)
        answers = table.answers(Step(work))
        self._tell(stage, 1)
        demand_all(sum(rows for _, rows, _ in answers), table.numbering.rows)
        traffic = Traffic(stage, len(packed(work)))
        self.traffic.append(traffic)
        for _, _, answer in answers:
            if answer:
                pieces, summary = unpacked(answer)
                self._rows.update(pieces)
                traffic.take(Findings.of(summary))
                yield unpacked(summary)

    def _tell(self, stage: str, done: int) -> None:
        if self.progress is not None:
            self.progress(stage, done, 1)
