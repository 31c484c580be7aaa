"""The second reading of a multi-label table: rows scored, cells picked that may be flagged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.tags.pieces import Piece, Pieces, together
from labelaudit.kernels.tags import pick_tags, score_tags
from labelaudit.running import total
from labelaudit.summaries.exact import ExactSum
from labelaudit.summaries.tags import bins_of, unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.audits.rows import Rows
    from labelaudit.blocks import Partition, TagBlock
    from labelaudit.shelves import Shelf

__all__ = ["Judged", "JudgingPlan", "judge", "pieces_of"]


@dataclass(frozen=True, slots=True)
class JudgingPlan:
    """What the second reading is to do.

    Attributes
    ----------
    reach : (K, 2) float64
        What the probabilities of absent and present must be at least to be confident.
    cuts : (K, 2) int64
        Bins that hold cells to be flagged.
    lines : (K, 6) float64
        What the quality of cells is made of; see ``kernels.tags.score_tags``.
    shape : (3,) float64
        How it is made, and how those of a row become one.
    extra_shape : (3,) float64 or None
        Another way, wanted of rows too.
    """

    reach: npt.NDArray[np.float64]
    cuts: npt.NDArray[np.int64]
    lines: npt.NDArray[np.float64]
    shape: npt.NDArray[np.float64]
    extra_shape: npt.NDArray[np.float64] | None

    @property
    def n_classes(self) -> int:
        """Number of classes K."""
        return len(self.reach)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the second reading counted.

    Attributes
    ----------
    joint : (K, 2, 2) int64
        Cells by class, given and confident.
    sums : (K, 3) int64
        Number of qualities, and high and low parts of their sum.
    off : (K,) int64
        Cells off the diagonal of the joint, and opposed.
    off_rows, scored, picked : int
        Rows with such a cell; rows with a quality; cells picked.
    quality : ExactSum
        Of the rows, one number.
    """

    joint: npt.NDArray[np.int64]
    sums: npt.NDArray[np.int64]
    off: npt.NDArray[np.int64]
    off_rows: int
    scored: int
    picked: int
    quality: ExactSum

    @classmethod
    def empty(cls, n_classes: int) -> Judged:
        """Return the counts of no rows."""
        joint, sums = np.zeros((n_classes, 2, 2), np.int64), np.zeros((n_classes, 3), np.int64)
        return cls(
            joint, sums, np.zeros(n_classes, np.int64), 0, 0, 0, ExactSum.of(np.zeros((0, 1)))
        )

    def with_piece(self, piece: Piece) -> Judged:
        """Return the counts with those of a piece added, of which joint and sums already know."""
        off = piece.contradiction().off
        finite = piece.quality[~np.isnan(piece.quality)]
        return Judged(
            self.joint,
            self.sums,
            self.off + np.bincount(piece.tag[off], minlength=len(self.off)),
            self.off_rows + int(np.count_nonzero(np.diff(piece.row[off], prepend=-1))),
            self.scored + len(finite),
            self.picked + len(piece.row),
            self.quality + ExactSum.of(finite[:, None]),
        )

    def __add__(self, other: Judged) -> Judged:
        return Judged(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def mean_quality(self) -> float:
        """Mean quality of the rows."""
        return float(self.quality.value()[0]) / max(self.scored, 1)

    def class_quality(self) -> npt.NDArray[np.float64]:
        """(K,) float64 mean quality of the cells of each class; NaN without any."""
        count = self.sums[:, 0]
        mean = np.full(len(count), np.nan)
        whole = ExactSum(self.sums[:, 1], self.sums[:, 2]).value()
        np.divide(whole, count, out=mean, where=count > 0)
        return mean


def judge(rows: Rows, plan: JudgingPlan, shelf: Shelf | None) -> tuple[Judged, Pieces]:
    """Read all rows again, and put what is found on a shelf, where there is one."""
    pieces = Pieces(partial(pieces_of, plan=plan), shelf)
    judge_part = partial(_judge_part, pieces=pieces, plan=plan)
    return total(judge_part, rows.partitions, rows.told("scoring")), pieces


def _judge_part(partition: Partition[TagBlock], pieces: Pieces, plan: JudgingPlan) -> Judged:
    found = counts = Judged.empty(plan.n_classes)
    judged = (_judge_block(block, plan, counts) for block in partition.blocks())
    for number, piece in enumerate(together(judged)):
        pieces.keep(partition, number, piece)
        found = found.with_piece(piece)
    return found


def pieces_of(partition: Partition[TagBlock], plan: JudgingPlan) -> Iterator[Piece]:
    """Read a partition once more, for its pieces alone."""
    nowhere = Judged.empty(plan.n_classes)
    return together(_judge_block(block, plan, nowhere) for block in partition.blocks())


def _judge_block(block: TagBlock, plan: JudgingPlan, counts: Judged) -> Piece:
    """Pick cells and score rows; joint and sums are added to those of ``counts``."""
    probs, one = block.probs, unit(block.probs)
    found = np.empty(probs.size, np.int64)
    picked = pick_tags(
        block.given, probs, bins_of(probs), one, plan.reach, plan.cuts, counts.joint, found
    )
    quality = score_tags(block.given, probs, one, plan.lines, plan.shape, counts.sums)
    extra = np.empty(0)
    if plan.extra_shape is not None:
        aside = np.zeros_like(counts.sums)
        extra = score_tags(block.given, probs, one, plan.lines, plan.extra_shape, aside)
    places, confident = found[:picked] // 4, found[:picked] % 4
    at, tag = places // plan.n_classes, places % plan.n_classes
    bad = np.empty(0, np.int64) if block.status is None else np.flatnonzero(block.status)
    return Piece(
        start=block.start,
        quality=quality,
        extra_quality=extra,
        left_out=bad.astype(np.int32),
        row=at.astype(np.int32),
        tag=tag.astype(np.int32),
        given=block.given[at, tag],
        confident=confident.astype(np.int8) - np.int8(1),
        prob=probs[at, tag],
    )
