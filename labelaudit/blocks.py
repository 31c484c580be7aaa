"""What comes in: arrays of some rows, already checked for shape and type."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

__all__ = [
    "LEFT_OUT",
    "NULL_LABEL",
    "NULL_PROBS",
    "RAGGED_PROBS",
    "TAG_STATUSES",
    "UNKNOWN_LABEL",
    "LabelBlock",
    "Partition",
    "TagBlock",
    "VoteBlock",
]

LEFT_OUT = -1
"""The label code of a row that takes part in no statistic."""

NULL_LABEL = -2
"""The row has no label."""

UNKNOWN_LABEL = -3
"""The row's label is none of the classes."""

NULL_PROBS = -4
"""The row has no probabilities, or a null among them."""

RAGGED_PROBS = -5
"""The row has more or fewer probabilities than there are classes."""

BlockT_co = TypeVar("BlockT_co", covariant=True)


class Partition(Protocol[BlockT_co]):
    """A picklable recipe for some consecutive rows: it holds where they are, not what they say."""

    @property
    def first_row(self) -> int:
        """0-based row in the whole input of the first row."""

    def blocks(self) -> Iterator[BlockT_co]:
        """Read the rows, in order, as blocks of bounded size."""


@dataclass(frozen=True, slots=True)
class LabelBlock:
    """Some consecutive rows of a single-label table.

    Attributes
    ----------
    first_row : int
        0-based row in the whole input of the block's first row.
    labels : (n,) int32
        Class codes 0..K-1. Every negative code leaves the row out of all statistics; the code says
        why (``NULL_LABEL``, ``UNKNOWN_LABEL``, ``NULL_PROBS``, ``RAGGED_PROBS``, ``LEFT_OUT``).
    members : tuple of (n, K) float32 or float64, C-contiguous
        Predicted probabilities, one array per model, all of one type; several are one ensemble.
        What stands in a row that is left out has no meaning.
    """

    first_row: int
    labels: npt.NDArray[np.int32]
    members: tuple[npt.NDArray[np.floating], ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def probs(self) -> npt.NDArray[np.floating]:
        """(n, K) probabilities of the ensemble: the mean of the members, in float64."""
        if len(self.members) == 1:
            return self.members[0]
        total = self.members[0].astype(np.float64)
        for member in self.members[1:]:
            total += member
        total /= len(self.members)
        return _read_only(total)

    def leaving_out(self, rows: npt.NDArray[np.int64]) -> LabelBlock:
        """Return the block with the labels of ``rows`` (sorted, of the whole input) left out."""
        low, high = np.searchsorted(rows, (self.first_row, self.first_row + len(self)))
        if low == high:
            return self
        labels = self.labels.copy()
        labels[rows[low:high] - self.first_row] = LEFT_OUT
        return replace(self, labels=_read_only(labels))


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Blocks from files cannot be written to, and numba compiles apart what can."""
    array.flags.writeable = False
    return array


@dataclass(frozen=True, slots=True)
class TagBlock:
    """Some consecutive rows of a multi-label table; dense, of about 4 million cells at most.

    Attributes
    ----------
    start : int
        0-based row in the whole input of the block's first row.
    given : (n, K) int8
        1: the class is given; 0: the row was annotated without it; -1: not annotated. A row that
        is left out is -1 everywhere.
    probs : (n, K) float32 or float64, C-contiguous
        Predicted probability of each class; rows need not sum to 1. NaN where the list of the
        row's most probable classes leaves the class out: unknown.
    group : (n,) int32 or None
        Codes of the group column; None without one.
    status : (n,) uint8 or None
        What is wrong with a row that is left out, an index into ``TAG_STATUSES``; None where
        nothing is.
    """

    start: int
    given: npt.NDArray[np.int8]
    probs: npt.NDArray[np.floating]
    group: npt.NDArray[np.int32] | None = None
    status: npt.NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.given)


TAG_STATUSES = (
    "sound",
    "null_tag",
    "repeated_tag",
    "unknown_tag",
    "not_zero_or_one",
    "null_probabilities",
    "ragged_probabilities",
    "repeated_prediction",
    "unknown_prediction",
    "nan",
    "infinite",
    "negative",
    "above_one",
)
"""What can be wrong with a row of a multi-label table; the first thing found counts."""


@dataclass(frozen=True, slots=True)
class VoteBlock:
    """Votes of annotators, grouped by task (compressed sparse rows).

    Attributes
    ----------
    task_start : (N + 1,) int64
        Votes of task i are ``task_start[i]:task_start[i + 1]``.
    worker, label : (V,) int32
        Codes of annotator and class; within a task sorted by (worker, label).
    gold : (N,) int32
        Known class of each task, or -1.
    n_workers, n_classes : int
        Number of annotators W and of classes K.
    """

    task_start: npt.NDArray[np.int64]
    worker: npt.NDArray[np.int32]
    label: npt.NDArray[np.int32]
    gold: npt.NDArray[np.int32]
    n_workers: int
    n_classes: int

    @property
    def n_tasks(self) -> int:
        """Number of tasks N."""
        return len(self.task_start) - 1

    @property
    def n_votes(self) -> int:
        """Number of votes V."""
        return len(self.label)
