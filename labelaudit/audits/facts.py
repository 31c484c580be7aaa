"""What is kept of each row after the first reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.rows import (
    LEADING,
    leading_classes,
    leading_classes_single,
    leading_classes_wide,
)
from labelaudit.summaries.ordering import label_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.audits.ground import Piece
    from labelaudit.slabs import Slab
    from labelaudit.summaries.margins import Further

__all__ = [
    "FURTHER",
    "KEPT",
    "LEADING_CLASSES",
    "Kept",
    "Leading",
    "ReadingPlan",
    "RowFacts",
    "Sample",
    "class_type",
    "facts_of",
    "find_leading",
    "further_of",
    "kept_of",
    "sum_tolerance",
]

KEPT = "kept"
NARROW = 256
LEADING_CLASSES = "leading classes"
FURTHER = "further classes"


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
    further : bool
        Whether classes behind the leading ones are kept that are far above the given one.
    """

    n_rows: int
    n_classes: int
    sample_bound: np.uint64
    seed: int
    every_entropy: bool
    exact_entropy: bool = True
    further: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A few numbers of each of n rows, which are needed to the end.

    Attributes
    ----------
    labels : (n,) int32
        Given class; negative for a row that is left out (the codes of ``blocks``). It cannot be
        written to, as in blocks: numba compiles apart what can be.
    given_prob : (n,) float
        P(given); 0 for a row that is left out.
    entropy : (n,) float
        As a share of ln K; 0 where it was not wanted.
    """

    labels: npt.NDArray[np.int32]
    given_prob: npt.NDArray[np.floating]
    entropy: npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Leading:
    """The most probable classes of each of n rows.

    Attributes
    ----------
    classes, leading : (n, 3) int16 or int32, float
        The three most probable classes and their probabilities.
    """

    classes: npt.NDArray[np.signedinteger]
    leading: npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What the first reading keeps of each of n rows: see ``Kept`` and ``Leading``."""

    labels: npt.NDArray[np.int32]
    given_prob: npt.NDArray[np.floating]
    classes: npt.NDArray[np.signedinteger]
    leading: npt.NDArray[np.floating]
    entropy: npt.NDArray[np.floating]

    @classmethod
    def empty(cls, n: int, plan: ReadingPlan, dtype: np.dtype[np.floating], room: Slab) -> RowFacts:
        """Make room for n rows."""
        return cls(
            room.empty((n,), np.int32),
            room.empty((n,), dtype),
            room.empty((n, LEADING), class_type(plan.n_classes)),
            room.empty((n, LEADING), dtype),
            room.empty((n,), np.float64 if plan.exact_entropy else np.float32),
        )

    def part(self, rows: slice) -> RowFacts:
        """Return some consecutive rows; what is written there is written here."""
        return RowFacts(*(getattr(self, name)[rows] for name in RowFacts.__slots__))

    def best_other_prob(self) -> npt.NDArray[np.floating]:
        """(n,) float: probability of the best class that is not the given one."""
        confirmed = self.classes[:, 0] == self.labels
        return np.where(confirmed, self.leading[:, 1], self.leading[:, 0])

    def keep(self, piece: Piece) -> None:
        """Put them on the shelf; nobody may write to them any more."""
        self.labels.flags.writeable = False
        piece.put(KEPT, Kept(self.labels, self.given_prob, self.entropy))
        piece.put(LEADING_CLASSES, Leading(self.classes, self.leading))

    def __len__(self) -> int:
        return len(self.labels)


def kept_of(piece: Piece) -> Kept:
    """Return what is known of a piece to the end."""
    kept: Kept = piece.get(KEPT)
    kept.labels.flags.writeable = False
    return kept


def further_of(piece: Piece) -> Further:
    """Return the further classes of a piece's rows, which must have been kept."""
    further: Further = piece.get(FURTHER)
    return further


def facts_of(piece: Piece) -> RowFacts:
    """Return what the first reading kept of a piece."""
    kept, lead = kept_of(piece), piece.get(LEADING_CLASSES)
    return RowFacts(kept.labels, kept.given_prob, lead.classes, lead.leading, kept.entropy)


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

    def part(self, start: int, stop: int) -> Sample:
        """Return some consecutive ones of the rows."""
        members = tuple(member[start:stop] for member in self.members)
        return Sample(self.rows[start:stop], self.labels[start:stop], members)

    def by_label(self) -> Sample:
        """Return the rows with ascending labels, of equal ones in their order."""
        order = label_order(self.labels)
        members = tuple(member.take(order, axis=0) for member in self.members)
        return Sample(self.rows[order], self.labels[order], members)

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
        find = leading_classes_wide if probs.shape[1] > NARROW else leading_classes_single
        find(labels, bits[0], classes, *bits[1:])
    else:
        leading_classes(labels, probs, classes, leading, given)
