"""What is known of some rows where they are worked on, and how a step makes more of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelaudit.audits.ground import Piece, Stretch
from labelaudit.cluster.parcels import packed
from labelaudit.shelves import size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable

    from labelaudit.blocks import Partition

__all__ = ["Known"]


class Known:
    """What is known of the rows of a partition, and how to read them.

    A step leaves it as it is and makes another one: an engine that loses the second can make it
    again from the first.

    Parameters
    ----------
    partition : Partition
    pieces : tuple of (int, int)
        First row of each piece, and its rows.
    values : dict
        What is known of them, by level and first row.
    """

    __slots__ = ("partition", "pieces", "summary", "values")

    def __init__(
        self,
        partition: Partition[Any],
        pieces: tuple[tuple[int, int], ...] = (),
        values: dict[Any, Any] | None = None,
    ) -> None:
        self.partition = partition
        self.pieces = pieces
        self.values = {} if values is None else values
        self.summary = b""

    def __sizeof__(self) -> int:
        """Bytes of all arrays: by these a worker knows when to write to disk."""
        return len(self.summary) + sum(map(size_of, self.values.values()))

    def after(
        self, step: Callable[[Stretch], Any], *, drops: Collection[str] = (), reads: bool
    ) -> Known:
        """Take a step.

        Parameters
        ----------
        step : callable
        drops : collection of str
            Levels to let go of before.
        reads : bool
            Whether the step may read the rows.
        """
        now = self.without(drops)
        shelf = _Values(now.values)
        pieces = [Piece(first_row, rows, shelf) for first_row, rows in self.pieces]
        stretch = Stretch(pieces, shelf, self.partition if reads else None)
        now.summary = packed(step(stretch))
        now.pieces = tuple((piece.first_row, piece.rows) for piece in stretch.pieces)
        return now

    def asked(self, step: Callable[[Stretch], Any]) -> bytes:
        """Return what a step finds that keeps nothing."""
        return self.after(step, reads=False).summary

    def without(self, drops: Collection[str]) -> Known:
        """Let go of levels."""
        values = {key: value for key, value in self.values.items() if key[0] not in drops}
        return Known(self.partition, self.pieces, values)


class _Values:
    """A shelf that is a dictionary."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[Any, Any]) -> None:
        self._values = values

    def put(self, key: Hashable, value: Any) -> None:
        self._values[key] = value

    def get(self, key: Hashable) -> Any:
        return self._values[key]

    def drop(self, key: Hashable) -> None:
        self._values.pop(key, None)
