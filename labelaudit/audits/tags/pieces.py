"""What the second reading keeps of some rows: their scores, and the cells that may be flagged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.audits.filters import NUDGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.blocks import Partition, TagBlock
    from labelaudit.shelves import Shelf

__all__ = ["Contradiction", "Piece", "Pieces", "together"]

PIECE_BYTES = 2 << 20
"""Blocks are put together to pieces of about this size: each takes some calls to be worked on."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Scores of consecutive rows, and their cells that were picked.

    Attributes
    ----------
    start : int
        The first of the n rows.
    quality, extra_quality : (n,) float64
        Of rows; NaN for a row without a quality. The second is empty where it is not wanted.
    left_out : (l,) int32
        Rows that took no part, counted from ``start``.
    row : (m,) int32
        Row of each picked cell, counted from ``start``.
    tag, given, confident : (m,) int32, int8, int8
        Its class, what is given, and what is confident (-1: neither).
    prob : (m,) float
        Its probability.
    """

    start: int
    quality: npt.NDArray[np.float64]
    extra_quality: npt.NDArray[np.float64]
    left_out: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    tag: npt.NDArray[np.int32]
    given: npt.NDArray[np.int8]
    confident: npt.NDArray[np.int8]
    prob: npt.NDArray[np.floating]

    def __len__(self) -> int:
        return len(self.quality)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(int(getattr(self, name).nbytes) for name in self.__slots__ if name != "start")

    @classmethod
    def joined(cls, parts: Sequence[Piece]) -> Piece:
        """Join what was found in consecutive rows."""
        if len(parts) == 1:
            return parts[0]
        start = parts[0].start
        columns: dict[str, npt.NDArray[Any]] = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in cls.__slots__
            if name not in ("start", "left_out", "row")
        }
        for name in ("left_out", "row"):
            moved = [getattr(part, name) + np.int32(part.start - start) for part in parts]
            columns[name] = np.concatenate(moved)
        return cls(start=start, **columns)

    def places(self, n_classes: int) -> npt.NDArray[np.uint64]:
        """(m,) where each picked cell stands among those of all rows."""
        row = (self.start + self.row.astype(np.int64)) * n_classes
        return (row + self.tag).astype(np.uint64)

    def contradiction(self) -> Contradiction:
        """Compare what is given with the opposite."""
        one, present = self.prob.dtype.type(1.0), self.given == 1
        own = np.where(present, self.prob, one - self.prob)
        other = np.where(present, one - self.prob, self.prob)
        contradicted = np.where(present, other >= own, other > own)
        helped = own + self.prob.dtype.type(NUDGE)
        opposed = contradicted & np.where(present, other >= helped, other > helped)
        off = (self.confident >= 0) & (self.confident != self.given) & opposed
        return Contradiction(own, contradicted, opposed, off)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Whether the probabilities contradict what is given.

    Attributes
    ----------
    own : (m,) float
        Probability of what is given.
    contradicted, opposed : (m,) bool
        The opposite is more probable; it stays so after helping what is given a little.
    off : (m,) bool
        Off the diagonal of the confident joint, and opposed.
    """

    own: npt.NDArray[np.floating]
    contradicted: npt.NDArray[np.bool_]
    opposed: npt.NDArray[np.bool_]
    off: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of partitions: from the shelf they were put on, else made anew.

    Pickled, it is without the shelf, so another process makes them anew.

    Attributes
    ----------
    made : callable
        Gives the pieces of a partition, in row order; picklable.
    shelf : Shelf or None
    """

    made: Callable[[Partition[TagBlock]], Iterator[Piece]]
    shelf: Shelf | None

    def of(self, partition: Partition[TagBlock]) -> Iterator[Piece]:
        """Return the pieces of a partition, in row order."""
        number = 0
        while (piece := self._at(partition, number)) is not None:
            yield piece
            number += 1
        if number == 0:
            yield from self.made(partition)

    def _at(self, partition: Partition[TagBlock], number: int) -> Piece | None:
        if self.shelf is None:
            return None
        try:
            piece: Piece = self.shelf.get((partition.first_row, number))
        except KeyError:
            return None
        return piece

    def keep(self, partition: Partition[TagBlock], number: int, piece: Piece) -> None:
        """Put a piece on the shelf, the first one under the number 0."""
        if self.shelf is not None:
            self.shelf.put((partition.first_row, number), piece)

    def __reduce__(self) -> tuple[Any, ...]:
        return Pieces, (self.made, None)


def together(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Join small pieces to larger ones."""
    held: list[Piece] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += piece.nbytes
        if size >= PIECE_BYTES:
            yield Piece.joined(held)
            held, size = [], 0
    if held:
        yield Piece.joined(held)
