"""The first reading: every row checked, and the few numbers of it that later steps need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.blocks import LEFT_OUT
from labelaudit.kernels.channel import sample_hash
from labelaudit.kernels.rows import (
    LEADING,
    entropies,
    leading_classes,
    leading_classes_single,
    row_statuses,
)
from labelaudit.running import Executor, each

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.blocks import LabelBlock, Partition

__all__ = [
    "FirstReading",
    "ReadingPlan",
    "RowFacts",
    "Sample",
    "class_type",
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
    """

    n_rows: int
    n_classes: int
    sample_bound: np.uint64
    seed: int
    every_entropy: bool


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
    entropy : (N,) float64
        As a share of ln K; 0 where it was not wanted.
    """

    labels: npt.NDArray[np.int32]
    status: npt.NDArray[np.uint8]
    given_prob: npt.NDArray[np.floating]
    classes: npt.NDArray[np.signedinteger]
    leading: npt.NDArray[np.floating]
    entropy: npt.NDArray[np.float64]

    @classmethod
    def empty(cls, n: int, n_classes: int, dtype: np.dtype[np.floating]) -> RowFacts:
        """Make room for n rows."""
        return cls(
            np.empty(n, np.int32),
            np.empty(n, np.uint8),
            np.empty(n, dtype),
            np.empty((n, LEADING), class_type(n_classes)),
            np.empty((n, LEADING), dtype),
            np.empty(n),
        )

    def put(self, at: int, rows: RowFacts) -> None:
        """Copy some rows to their place."""
        for name in RowFacts.__slots__:
            part = getattr(rows, name)
            getattr(self, name)[at : at + len(part)] = part

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


def first_reading(
    partitions: Iterable[Partition[LabelBlock]], plan: ReadingPlan, on: Executor | None = None
) -> FirstReading:
    """Read all rows once."""
    facts: RowFacts | None = None
    samples: list[Sample] = []
    at = 0
    for blocks in each(partial(_read_partition, plan=plan), partitions, on):
        for rows, sample in blocks:
            if facts is None:
                facts = RowFacts.empty(plan.n_rows, plan.n_classes, rows.given_prob.dtype)
            facts.put(at, rows)
            at += len(rows)
            samples.append(sample)
    if facts is None:
        raise ValueError("first_reading() needs at least one row")
    # As blocks are: numba compiles apart what can be written to.
    facts.labels.flags.writeable = False
    return FirstReading(facts, Sample.joined(samples))


def _read_partition(
    partition: Partition[LabelBlock], plan: ReadingPlan
) -> list[tuple[RowFacts, Sample]]:
    return list(_read_blocks(partition.blocks(), plan))


def _read_blocks(
    blocks: Iterator[LabelBlock], plan: ReadingPlan
) -> Iterator[tuple[RowFacts, Sample]]:
    for block in blocks:
        facts = _facts_of(block, plan)
        yield facts, _sampled(block, facts.labels, plan)


def _facts_of(block: LabelBlock, plan: ReadingPlan) -> RowFacts:
    probs = block.probs
    status = np.zeros(len(block), np.uint8)
    tolerance = sum_tolerance(plan.n_classes, block.members[0].dtype)
    for member in block.members:
        found = row_statuses(block.labels, member, tolerance)
        status = np.where(status == 0, found, status)
    labels = np.where((block.labels >= 0) & (status > 0), np.int32(LEFT_OUT), block.labels)
    find = leading_classes_single if probs.dtype == np.float32 else leading_classes
    classes, leading, given = find(labels, probs)
    valid = labels >= 0
    wanted = valid if plan.every_entropy else valid & (classes[:, 0] != labels)
    return RowFacts(
        labels,
        status,
        given,
        classes.astype(class_type(plan.n_classes)),
        leading,
        entropies(probs, wanted),
    )


def _sampled(block: LabelBlock, labels: npt.NDArray[np.int32], plan: ReadingPlan) -> Sample:
    chosen = labels >= 0
    if plan.sample_bound < _EVERY_HASH:
        chosen &= sample_hash(block.first_row, len(block), plan.seed) <= plan.sample_bound
    at = np.flatnonzero(chosen)
    members = (
        block.members if len(at) == len(block) else tuple(member[at] for member in block.members)
    )
    return Sample(block.first_row + at, labels[at], members)
