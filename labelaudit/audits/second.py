"""The second reading: what needs the joint or the fitted channel."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel import score_block
from labelaudit.audits.facts import class_type
from labelaudit.kernels.rows import LEADING
from labelaudit.running import Executor, each
from labelaudit.summaries.exact import ExactSum
from labelaudit.summaries.self_confidence import SelfConfidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.audits.channel import ChannelModel
    from labelaudit.blocks import LabelBlock, Partition
    from labelaudit.summaries.margins import LowestMargins

AT_ONCE = 1 << 16
_NO_DOUBT = ExactSum(np.zeros(4, np.int64), np.zeros(4, np.int64))

__all__ = ["ChannelFacts", "SecondPlan", "SecondReading", "second_reading"]


@dataclass(frozen=True, slots=True)
class SecondPlan:
    """What the second reading is to do.

    Attributes
    ----------
    n_rows : int
    left_out : (m,) int64
        Rows to leave out, ascending.
    margins : LowestMargins
        The cells to fill, with no rows.
    unsettled : (N,) bool
        Rows to take into them.
    model : ChannelModel or None
        Score rows with it.
    face_score : (N,) float64 or None
        The scores, where they are known already.
    thresholds : (K,) float64 or None
        Thresholds to take off the probabilities for adjusted scores.
    """

    n_rows: int
    left_out: npt.NDArray[np.int64]
    margins: LowestMargins
    unsettled: npt.NDArray[np.bool_]
    model: ChannelModel | None
    face_score: npt.NDArray[np.float64] | None
    thresholds: npt.NDArray[np.float64] | None

    @property
    def every_row(self) -> bool:
        """Whether rows are wanted that are settled already."""
        return self.model is not None or self.thresholds is not None


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What the channel says of each of N rows.

    Attributes
    ----------
    score : (N,) float64
        Logarithm of the label quality.
    suggested : (N,) int16 or int32
    suggested_prob : (N,) float32
    classes, leading : (N, 3) int16 or int32, float32
        The three most probable classes after recalibration.
    """

    score: npt.NDArray[np.float64]
    suggested: npt.NDArray[np.signedinteger]
    suggested_prob: npt.NDArray[np.float32]
    classes: npt.NDArray[np.signedinteger]
    leading: npt.NDArray[np.float32]

    @classmethod
    def empty(cls, n: int, n_classes: int) -> ChannelFacts:
        """Make room for n rows."""
        return cls(
            np.empty(n),
            np.empty(n, class_type(n_classes)),
            np.empty(n, np.float32),
            np.empty((n, LEADING), class_type(n_classes)),
            np.empty((n, LEADING), np.float32),
        )

    def put(self, at: int, rows: ChannelFacts) -> None:
        """Copy some rows to their place."""
        for name in ChannelFacts.__slots__:
            part = getattr(rows, name)
            getattr(self, name)[at : at + len(part)] = part


@dataclass(frozen=True, slots=True)
class SecondReading:
    """What the second reading brought.

    Attributes
    ----------
    margins : LowestMargins
    face_score : (N,) float64
        Logarithm of the label quality at face value: the channel's, where there is one.
    channel : ChannelFacts or None
    recalibrated : SelfConfidence or None
        Of the recalibrated probabilities.
    doubt : ExactSum of shape (2,) or (4,)
        Sum of that doubt, and of its square; with a channel, both again for probabilities made
        twice as sharp.
    adjusted : (2, N) float64 or None
        Adjusted probability of the given class, and of the best other one.
    read : bool
        Whether any row had to be read.
    """

    margins: LowestMargins
    face_score: npt.NDArray[np.float64]
    channel: ChannelFacts | None
    recalibrated: SelfConfidence | None
    doubt: ExactSum
    adjusted: npt.NDArray[np.float64] | None
    read: bool


@dataclass(slots=True)
class _Lent:
    """Margins lent to whoever reads: as many as there are readers, not as partitions.

    Which reader takes which rows does not show in their sum.
    """

    pattern: LowestMargins
    idle: list[LowestMargins] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def lend(self) -> LowestMargins:
        with self.lock:
            return self.idle.pop() if self.idle else self.pattern.emptied()

    def give_back(self, margins: LowestMargins) -> None:
        with self.lock:
            self.idle.append(margins)

    def sum(self) -> LowestMargins:
        total = self.pattern.emptied()
        for margins in self.idle:
            total = total + margins
        return total


@dataclass(frozen=True, slots=True)
class _BlockRows:
    first_row: int
    channel: ChannelFacts | None
    recalibrated: SelfConfidence | None
    doubt: ExactSum
    adjusted: npt.NDArray[np.float64] | None


def second_reading(
    partitions: Sequence[Partition[LabelBlock]], plan: SecondPlan, on: Executor | None = None
) -> SecondReading:
    """Read rows a second time: all of them, or those partitions that have unsettled ones."""
    lent = _Lent(plan.margins)
    channel: ChannelFacts | None = None
    recalibrated: SelfConfidence | None = None
    adjusted = None if plan.thresholds is None else np.empty((2, plan.n_rows))
    doubt = _doubt_of(plan.face_score)
    wanted = _wanted(partitions, plan)
    for blocks in each(partial(_read_partition, plan=plan, lent=lent), wanted, on):
        for rows in blocks:
            if rows.channel is not None and rows.recalibrated is not None:
                channel = channel or ChannelFacts.empty(plan.n_rows, plan.margins.cells.n_classes)
                channel.put(rows.first_row, rows.channel)
                recalibrated = (
                    recalibrated + rows.recalibrated if recalibrated else rows.recalibrated
                )
                doubt = doubt + rows.doubt
            if adjusted is not None and rows.adjusted is not None:
                end = rows.first_row + rows.adjusted.shape[1]
                adjusted[:, rows.first_row : end] = rows.adjusted
    score = plan.face_score if channel is None else channel.score
    if score is None:
        raise ValueError("second_reading() needs a model or scores")
    return SecondReading(
        lent.sum(), score, channel, recalibrated, doubt, adjusted, read=bool(wanted)
    )


def _wanted(
    partitions: Sequence[Partition[LabelBlock]], plan: SecondPlan
) -> Sequence[Partition[LabelBlock]]:
    if plan.every_row:
        return partitions
    ends = [*(each.first_row for each in partitions[1:]), plan.n_rows]
    return [
        each
        for each, end in zip(partitions, ends, strict=True)
        if plan.unsettled[each.first_row : end].any()
    ]


def _read_partition(
    partition: Partition[LabelBlock], plan: SecondPlan, lent: _Lent
) -> list[_BlockRows]:
    margins = lent.lend()
    try:
        return [_read_block(block, plan, margins) for block in partition.blocks()]
    finally:
        lent.give_back(margins)


def _read_block(block: LabelBlock, plan: SecondPlan, margins: LowestMargins) -> _BlockRows:
    first_row = block.first_row
    unsettled = plan.unsettled[first_row : first_row + len(block)]
    if not plan.every_row and not unsettled.any():
        return _BlockRows(first_row, None, None, _NO_DOUBT, None)
    block = block.leaving_out(plan.left_out)
    probs = block.probs
    margins.take(block, probs, unsettled)
    adjusted = None if plan.thresholds is None else _adjusted(block, probs, plan.thresholds)
    if plan.model is None:
        return _BlockRows(first_row, None, None, _NO_DOUBT, adjusted)
    scored = score_block(plan.model, block)
    place = np.maximum(scored.suggested, 0)[:, None]
    facts = ChannelFacts(
        scored.score,
        scored.suggested.astype(class_type(plan.model.n_classes)),
        np.take_along_axis(probs, place, axis=1)[:, 0].astype(np.float32),
        scored.classes.astype(class_type(plan.model.n_classes)),
        scored.leading.astype(np.float32),
    )
    recalibrated = SelfConfidence.of(block.labels, scored.given, plan.model.n_classes)
    doubt = _doubt(-np.expm1(scored.score), 1.0 - scored.quality2)
    return _BlockRows(first_row, facts, recalibrated, doubt, adjusted)


def _doubt_of(face_score: npt.NDArray[np.float64] | None) -> ExactSum:
    """Sum the doubts of known scores in parts, which spares the memory; else begin with none."""
    if face_score is None:
        return _NO_DOUBT
    parts = (face_score[at : at + AT_ONCE] for at in range(0, len(face_score), AT_ONCE))
    return reduce(add, (_doubt(-np.expm1(part)) for part in parts))


def _doubt(*doubts: npt.NDArray[np.float64]) -> ExactSum:
    """Sum doubts and their squares; rows that are left out have no doubt."""
    sums = [ExactSum.of(values) for doubt in doubts for values in (doubt, doubt * doubt)]
    return ExactSum(np.array([each.high for each in sums]), np.array([each.low for each in sums]))


def _adjusted(
    block: LabelBlock, probs: npt.NDArray[np.floating], thresholds: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """P less the threshold, lifted by the highest threshold, each row scaled to sum to 1."""
    moved = probs - thresholds + thresholds.max()
    moved /= moved.sum(axis=1, keepdims=True)
    rows = np.arange(len(block))
    given = np.maximum(block.labels, 0)
    own = moved[rows, given]
    moved[rows, given] = -np.inf
    return np.stack([own, moved.max(axis=1)])
