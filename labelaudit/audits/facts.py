"""The first reading: every row checked, and the few numbers of it that later steps need."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.blocks import LEFT_OUT
from labelaudit.kernels.channel import sample_hash
from labelaudit.kernels.rows import (
    LEADING,
    complaints,
    entropies,
    leading_classes,
    leading_classes_single,
    unsound_rows,
)
from labelaudit.running import Executor, each

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from labelaudit.blocks import LabelBlock, Partition

__all__ = [
    "FirstReading",
    "ReadingPlan",
    "RowFacts",
    "Sample",
    "class_type",
    "find_leading",
    "first_reading",
    "sum_tolerance",
]

_EVERY_HASH = np.uint64(2**64 - 1)


def class_type(n_classes: int) -> type[np.signedinteger]:
    """Return the narrowest type kept for class codes: a few of them are kept of every row."""
    return np.int16 if n_classes < 2**15 else np.int32


def sum_tolerance(n_classes: int, dtype: np.dtype[np.floating]) -> float:
    """How far from 1 the sum of K probabilities may be when all of them were rounded."""
    return max(1e-3, 4.0 * n_classes * float(np.finfo(dtype).eps))


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """What the first reading is to do.

    Attributes
    ----------
    n_rows, n_classes : int
    sample_bound : np.uint64
        Rows with a hash up to this are kept whole, for fitting.
    seed : int
        Of that hash.
    every_entropy : bool
        Whether entropies are wanted of all rows, or of those where the model disagrees.
    exact_entropy : bool
        Whether they are wanted in double precision.
    """

    n_rows: int
    n_classes: int
    sample_bound: np.uint64
    seed: int
    every_entropy: bool
    exact_entropy: bool = True


@dataclass(frozen=True, slots=True)
class RowFacts:
    """A few numbers of each of N rows.

    Attributes
    ----------
    labels : (N,) int32
        Given class; negative for a row that is left out (the codes of ``blocks``).
    status : (N,) uint8
        What is wrong with the probabilities, an index into ``kernels.rows.STATUSES``.
    given_prob : (N,) float
        P(given); 0 for a row that is left out.
    classes, leading : (N, 3) int16 or int32, float
        The three most probable classes and their probabilities.
    entropy : (N,) float
        As a share of ln K; 0 where it was not wanted.
    """

    labels: npt.NDArray[np.int32]
    status: npt.NDArray[np.uint8]
    given_prob: npt.NDArray[np.floating]
    classes: npt.NDArray[np.signedinteger]
    leading: npt.NDArray[np.floating]
    entropy: npt.NDArray[np.floating]

    @classmethod
    def empty(cls, plan: ReadingPlan, dtype: np.dtype[np.floating]) -> RowFacts:
        """Make room for all rows; nothing is wrong with any of them yet."""
        n = plan.n_rows
        return cls(
            np.empty(n, np.int32),
            np.zeros(n, np.uint8),
            np.empty(n, dtype),
            np.empty((n, LEADING), class_type(plan.n_classes)),
            np.empty((n, LEADING), dtype),
            np.empty(n, np.float64 if plan.exact_entropy else np.float32),
        )

    def part(self, rows: slice) -> RowFacts:
        """Return some consecutive rows; what is written there is written here."""
        return RowFacts(*(getattr(self, name)[rows] for name in RowFacts.__slots__))

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows kept whole, for fitting.

    Attributes
    ----------
    rows : (n,) int64
        Row numbers in the whole input, ascending.
    labels : (n,) int32
    members : tuple of (n, K) float
        Probabilities of each model.
    """

    rows: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int32]
    members: tuple[npt.NDArray[np.floating], ...]

    def thinned(self, most: int) -> Sample:
        """Keep every n-th row, so that at most so many are left."""
        step = -(-len(self.rows) // most)
        if step <= 1:
            return self
        members = tuple(member[::step] for member in self.members)
        return Sample(self.rows[::step], self.labels[::step], members)

    @classmethod
    def joined(cls, parts: Sequence[Sample]) -> Sample:
        """Join samples of consecutive rows."""
        return cls(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.labels for part in parts]),
            tuple(
                np.ascontiguousarray(np.concatenate(member))
                for member in zip(*(part.members for part in parts), strict=True)
            ),
        )


@dataclass(frozen=True, slots=True)
class FirstReading:
    """What the first reading brought."""

    facts: RowFacts
    sample: Sample


@dataclass(slots=True)
class _Room:
    """Room for the facts of all rows, made when the type of the probabilities is known.

    Whoever reads rows writes their facts to their place: copying them there would take as long
    again as finding them.
    """

    plan: ReadingPlan
    facts: RowFacts | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, block: LabelBlock, dtype: np.dtype[np.floating]) -> RowFacts:
        with self.lock:
            if self.facts is None:
                self.facts = RowFacts.empty(self.plan, dtype)
        return self.facts.part(slice(block.first_row, block.first_row + len(block)))


def first_reading(
    partitions: Iterable[Partition[LabelBlock]], plan: ReadingPlan, on: Executor | None = None
) -> FirstReading:
    """Read all rows once."""
    room = _Room(plan)
    samples: list[Sample] = []
    for found in each(partial(_read_partition, room=room), partitions, on):
        samples += found
    if room.facts is None:
        raise ValueError("first_reading() needs at least one row")
    # As blocks are: numba compiles apart what can be written to.
    room.facts.labels.flags.writeable = False
    return FirstReading(room.facts, Sample.joined(samples))


def _read_partition(partition: Partition[LabelBlock], room: _Room) -> list[Sample]:
    return [_read_block(block, room) for block in partition.blocks()]


def _read_block(block: LabelBlock, room: _Room) -> Sample:
    probs, plan = block.probs, room.plan
    facts = room.of(block, probs.dtype)
    _check(block, plan, facts)
    find_leading(facts.labels, probs, facts.classes, facts.leading, facts.given_prob)
    wanted = facts.labels >= 0
    if not plan.every_entropy:
        wanted &= facts.classes[:, 0] != facts.labels
    entropies(probs, wanted, facts.entropy)
    return _sampled(block, facts.labels, plan)


def find_leading(
    labels: npt.NDArray[np.int32],
    probs: npt.NDArray[np.floating],
    classes: npt.NDArray[np.signedinteger],
    leading: npt.NDArray[np.floating],
    given: npt.NDArray[np.floating],
) -> None:
    """Find the leading classes with the kernel for the type of the probabilities."""
    if probs.dtype == np.float32:
        bits = [array.view(np.int32) for array in (probs, leading, given)]
        leading_classes_single(labels, bits[0], classes, *bits[1:])
    else:
        leading_classes(labels, probs, classes, leading, given)


def _check(block: LabelBlock, plan: ReadingPlan, facts: RowFacts) -> None:
    """Write labels and statuses; rows whose probabilities are no distribution are left out."""
    facts.labels[:] = block.labels
    tolerance = sum_tolerance(plan.n_classes, block.members[0].dtype)
    unsound = np.empty(len(block), np.bool_)
    for member in block.members:
        unsound_rows(block.labels, member, tolerance, unsound)
        rows = np.flatnonzero(unsound & (facts.status == 0))
        if len(rows):
            facts.status[rows] = complaints(member[rows], tolerance)
            facts.labels[rows] = LEFT_OUT


def _sampled(block: LabelBlock, labels: npt.NDArray[np.int32], plan: ReadingPlan) -> Sample:
    chosen = labels >= 0
    if plan.sample_bound < _EVERY_HASH:
        chosen &= sample_hash(block.first_row, len(block), plan.seed) <= plan.sample_bound
    at = np.flatnonzero(chosen)
    members = (
        block.members if len(at) == len(block) else tuple(member[at] for member in block.members)
    )
    return Sample(block.first_row + at, labels[at], members)
