"""The rows to audit, where to work on them, and who is told how far it got."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labelaudit.running import Executor, Here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from labelaudit.blocks import Partition

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
    """

    partitions: Sequence[Partition[Any]]
    n_rows: int
    classes: tuple[str, ...]
    n_members: int = 1
    on: Executor = field(default_factory=Here)
    numbered: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]] = _as_they_are
    progress: Callable[[str, int, int], None] | None = None

    def told(self, stage: str) -> Executor:
        """Return the executor, telling the progress of this stage."""
        return self.on if self.progress is None else _Told(self, stage, self.progress)


@dataclass(frozen=True, slots=True)
class _Told:
    rows: Rows
    stage: str
    progress: Callable[[str, int, int], None]

    def map(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        total = len(self.rows.partitions)
        self.progress(self.stage, 0, total)
        for done, result in enumerate(self.rows.on.map(function, *iterables), 1):
            self.progress(self.stage, done, total)
            yield result
