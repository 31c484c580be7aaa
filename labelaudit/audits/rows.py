"""The rows to audit, where to work on them, and who is told how far it got."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labelaudit.audits.ground import LocalGround
from labelaudit.running import Executor, Here
from labelaudit.shelves import MemoryShelf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from labelaudit.audits.ground import Ground
    from labelaudit.blocks import Partition
    from labelaudit.shelves import Shelf

__all__ = ["Rows"]


def _as_they_are(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return rows


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows to audit, and where to work on them.

    Attributes
    ----------
    partitions : sequence of Partition of LabelBlock or of TagBlock
        In row order.
    n_rows : int
    classes : tuple of str
        Names in the order of the probabilities.
    n_members : int
        How many models' probabilities there are.
    on : Executor
    numbered : callable
        Gives rows, counted among these, the numbers they have in the whole input.
    progress : callable or None
        Told the stage, how many partitions are done, and how many there are.
    shelf : Shelf
        Where what is known of the rows is kept between passes.
    where : callable or None
        Gives another ground than this process.
    """

    partitions: Sequence[Partition[Any]]
    n_rows: int
    classes: tuple[str, ...]
    n_members: int = 1
    on: Executor = field(default_factory=Here)
    numbered: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]] = _as_they_are
    progress: Callable[[str, int, int], None] | None = None
    shelf: Shelf = field(default_factory=MemoryShelf)
    where: Callable[[Rows], Ground] | None = None

    def told(self, stage: str, total: int | None = None) -> Executor:
        """Return the executor, telling the progress of a stage of so many partitions."""
        if self.progress is None:
            return self.on
        every = len(self.partitions)
        return _Told(self.on, stage, every if total is None else total, self.progress)

    def ground(self) -> Ground:
        """Return where passes over these rows run."""
        if self.where is not None:
            return self.where(self)
        return LocalGround(self.partitions, self.shelf, self.on, self.told)


@dataclass(frozen=True, slots=True)
class _Told:
    on: Executor
    stage: str
    total: int
    progress: Callable[[str, int, int], None]

    def map(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        self.progress(self.stage, 0, self.total)
        for done, result in enumerate(self.on.map(function, *iterables), 1):
            self.progress(self.stage, done, self.total)
            yield result
