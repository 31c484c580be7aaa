"""The second reading of a multi-label table: rows scored, cells picked that may be flagged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.tags import pick_tags, score_tags
from labelaudit.running import total
from labelaudit.summaries.exact import ExactSum
from labelaudit.summaries.tags import bins_of, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.audits.rows import Rows
    from labelaudit.blocks import Partition, TagBlock

__all__ = ["Judged", "JudgingPlan", "Picked", "judge"]


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
class Picked:
    """Scores of consecutive rows, and their cells that were picked.

    Attributes
    ----------
    quality, extra_quality : (n,) float64
        Of rows; NaN for a row without a quality. The second is empty where it is not wanted.
    row : (m,) int64
        Row of each picked cell.
    tag, given, confident : (m,) int32, int8, int8
        Its class, what is given, and what is confident (-1: neither).
    prob : (m,) float
        Its probability.
    """

    quality: npt.NDArray[np.float64]
    extra_quality: npt.NDArray[np.float64]
    row: npt.NDArray[np.int64]
    tag: npt.NDArray[np.int32]
    given: npt.NDArray[np.int8]
    confident: npt.NDArray[np.int8]
    prob: npt.NDArray[np.floating]

    @classmethod
    def joined(cls, parts: Sequence[Picked]) -> Picked:
        """Join what was found in consecutive rows."""
        return cls(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__)
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """What the second reading brought.

    Attributes
    ----------
    joint : (K, 2, 2) int64
        Cells by class, given and confident.
    sums : (K, 3) int64
        Number of qualities, and high and low parts of their sum.
    parts : tuple of Picked
        In row order.
    """

    joint: npt.NDArray[np.int64]
    sums: npt.NDArray[np.int64]
    parts: tuple[Picked, ...]

    def __add__(self, other: Judged) -> Judged:
        return Judged(self.joint + other.joint, self.sums + other.sums, self.parts + other.parts)

    def picked(self) -> Picked:
        """Return all rows and cells in one piece."""
        return Picked.joined(self.parts)

    def class_quality(self) -> npt.NDArray[np.float64]:
        """(K,) float64 mean quality of the cells of each class; NaN without any."""
        count = self.sums[:, 0]
        mean = np.full(len(count), np.nan)
        whole = ExactSum(self.sums[:, 1], self.sums[:, 2]).value()
        np.divide(whole, count, out=mean, where=count > 0)
        return mean


def judge(rows: Rows, plan: JudgingPlan) -> Judged:
    """Read all rows again."""
    return total(partial(_judge_part, plan=plan), rows.partitions, rows.told("scoring"))


def _judge_part(partition: Partition[TagBlock], plan: JudgingPlan) -> Judged:
    joint = np.zeros((plan.n_classes, 2, 2), np.int64)
    sums = np.zeros((plan.n_classes, 3), np.int64)
    parts = [_judge_block(block, plan, joint, sums) for block in partition.blocks()]
    return Judged(joint, sums, (Picked.joined(parts),))


def _judge_block(
    block: TagBlock,
    plan: JudgingPlan,
    joint: npt.NDArray[np.int64],
    sums: npt.NDArray[np.int64],
) -> Picked:
    """Add a block's counts to those of its partition."""
    probs, one = block.probs, unit(block.probs)
    found = np.empty(probs.size, np.int64)
    picked = pick_tags(block.given, probs, bins_of(probs), one, plan.reach, plan.cuts, joint, found)
    quality = score_tags(block.given, probs, one, plan.lines, plan.shape, sums)
    extra = np.empty(0)
    if plan.extra_shape is not None:
        extra = score_tags(
            block.given, probs, one, plan.lines, plan.extra_shape, np.zeros_like(sums)
        )
    places, confident = found[:picked] // 4, found[:picked] % 4
    at, tag = places // plan.n_classes, places % plan.n_classes
    return Picked(
        quality,
        extra,
        block.start + at,
        tag.astype(np.int32),
        block.given[at, tag],
        confident.astype(np.int8) - np.int8(1),
        probs[at, tag],
    )
