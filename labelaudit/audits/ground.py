"""Where passes run: over the rows as they are read, and over what is known of them.

A pass is a *step*, something picklable that is called with a *stretch* of consecutive rows and
gives a small summary. What a step learns of each row stays where the step ran, as *pieces*: arrays
for up to some hundred thousand rows, kept on a shelf level by level. Only summaries come back, in
row order.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from labelaudit.running import Here, each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from labelaudit.blocks import LabelBlock, Partition
    from labelaudit.running import Executor
    from labelaudit.shelves import Shelf

__all__ = ["FEW_ROWS", "PIECE_ROWS", "SPILLED_ROWS", "Ground", "LocalGround", "Piece", "Stretch"]

R = TypeVar("R")

PIECE_ROWS = 1 << 18
"""Rows of a piece. In smaller ones single operations are so short that threads wait in turns."""
SPILLED_ROWS = 1 << 16
"""The same where pieces may have to be written to disk, or sent."""
FEW_ROWS = 1 << 16
"""So many take less time in all than waking another thread."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is known of some consecutive rows.

    Attributes
    ----------
    first_row, rows : int
        Where they are in the whole input, and how many.
    shelf : Shelf
    """

    first_row: int
    rows: int
    shelf: Shelf

    def put(self, level: str, value: Any) -> None:
        """Keep arrays of these rows, in place of what was there."""
        self.shelf.put((level, self.first_row), value)

    def get(self, level: str) -> Any:
        """Return what was put there."""
        return self.shelf.get((level, self.first_row))

    def look(self, level: str) -> Any:
        """Return what was put there, or None."""
        try:
            return self.get(level)
        except KeyError:
            return None

    def drop(self, level: str) -> None:
        """Let go of what was put there."""
        self.shelf.drop((level, self.first_row))


@dataclass(slots=True)
class Stretch:
    """Consecutive rows that a step is called with.

    Attributes
    ----------
    pieces : list of Piece
        What is known of them, in row order; the first reading lays them.
    shelf : Shelf
        Where new pieces go.
    partition : Partition or None
        How to read the rows again; None where a step only looks at the pieces.
    stop : int or None
        Row behind the last one, at most, where that is known.
    """

    pieces: list[Piece]
    shelf: Shelf
    partition: Partition[LabelBlock] | None = None
    stop: int | None = None

    def lay(self, first_row: int, rows: int) -> Piece:
        """Begin a piece, behind those that are there."""
        piece = Piece(first_row, rows, self.shelf)
        self.pieces.append(piece)
        return piece

    def blocks(self) -> Iterator[LabelBlock]:
        """Read the rows, in order.

        Raises
        ------
        ValueError
            If the step was called without a partition.
        """
        if self.partition is None:
            raise ValueError("this stretch has no partition to read")
        return self.partition.blocks()

    def read(self) -> Iterator[tuple[Piece, Iterator[tuple[slice, LabelBlock]]]]:
        """Read the rows again, piece by piece: each block with its place in the piece."""
        starts = [piece.first_row for piece in self.pieces]
        placed = (
            (bisect_right(starts, block.first_row) - 1, block)
            for block in self.blocks()
            if len(block)
        )
        for at, blocks in groupby(placed, key=lambda found: found[0]):
            piece = self.pieces[at]
            yield piece, (_place(piece, block) for _, block in blocks)


def _place(piece: Piece, block: LabelBlock) -> tuple[slice, LabelBlock]:
    start = block.first_row - piece.first_row
    return slice(start, start + len(block)), block


class Ground(Protocol):
    """Somewhere to take steps."""

    def read(
        self, step: Callable[[Stretch], R], stage: str, only: Sequence[int] | None = None
    ) -> Iterator[R]:
        """Call a step with each partition, which it may read.

        Summaries come in row order; some of them may have been added up, neighbour to neighbour.

        Parameters
        ----------
        step : callable
        stage : str
            What it is called where progress is told.
        only : sequence of int, optional
            First rows of pieces: partitions without any of them are left out.
        """

    def take(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step that keeps something with stretches of pieces; as ``read``."""

    def over(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step that keeps nothing with stretches of pieces; as ``read``."""

    def each(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step that keeps nothing; nothing is added up."""

    def drop(self, level: str) -> None:
        """Let go of a level of every piece."""


@dataclass(slots=True)
class LocalGround:
    """The threads of a process, and one shelf.

    Attributes
    ----------
    partitions : sequence of Partition of LabelBlock
        In row order.
    shelf : Shelf
    on : Executor
    told : callable
        Gives the executor for a stage, which tells how far it got.
    """

    partitions: Sequence[Partition[LabelBlock]]
    shelf: Shelf
    on: Executor
    told: Callable[[str, int], Executor]
    _pieces: list[list[Piece]] = field(default_factory=list)

    def read(
        self, step: Callable[[Stretch], R], stage: str, only: Sequence[int] | None = None
    ) -> Iterator[R]:
        """Call a step with each partition; summaries come in row order."""
        chosen = range(len(self.partitions)) if only is None else self._with(only)
        known = self._pieces or [[] for _ in self.partitions]
        stops = [*(after.first_row for after in self.partitions[1:]), None]
        stretches = [
            Stretch(known[at], self.shelf, self.partitions[at], stops[at]) for at in chosen
        ]
        first = not self._pieces
        for stretch, found in zip(
            stretches, each(step, stretches, self.told(stage, len(stretches))), strict=True
        ):
            if first:
                self._pieces.append(stretch.pieces)
            yield found

    def _with(self, rows: Sequence[int]) -> list[int]:
        """Return the partitions that have pieces which begin at these rows."""
        laid = [at for at, found in enumerate(self._pieces) if found]
        starts = [self._pieces[at][0].first_row for at in laid]
        return sorted({laid[bisect_right(starts, row) - 1] for row in rows})

    def take(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step that keeps something with stretches of pieces; in row order."""
        return self.each(step)

    def over(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step that keeps nothing with stretches of pieces; in row order."""
        return self.each(step)

    def each(self, step: Callable[[Stretch], R]) -> Iterator[R]:
        """Call a step with stretches of pieces; in row order."""
        pieces = [piece for found in self._pieces for piece in found]
        few = sum(piece.rows for piece in pieces) <= FEW_ROWS
        runs = (Stretch(run, self.shelf) for run in _runs(pieces))
        return each(step, runs, Here() if few else self.on)

    def drop(self, level: str) -> None:
        """Let go of a level of every piece."""
        for found in self._pieces:
            for piece in found:
                piece.drop(level)


def _runs(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Put consecutive pieces together that have few rows."""
    run: list[Piece] = []
    for piece in pieces:
        if run and sum(one.rows for one in run) + piece.rows > PIECE_ROWS:
            yield run
            run = []
        run.append(piece)
    if run:
        yield run
