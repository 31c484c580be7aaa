"""The second reading: what needs the joint or the fitted channel."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel import score_block
from labelaudit.audits.face import FaceValue
from labelaudit.audits.facts import class_type
from labelaudit.kernels.rows import LEADING
from labelaudit.running import Executor, each
from labelaudit.summaries.exact import ExactSum
from labelaudit.summaries.self_confidence import SelfConfidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from labelaudit.audits.channel import ChannelModel
    from labelaudit.blocks import LabelBlock, Partition
    from labelaudit.summaries.margins import LowestMargins

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
    scorer : ChannelModel or FaceValue
        Score rows with it.
    thresholds : (K,) float64 or None
        Thresholds to take off the probabilities for adjusted scores.
    """

    n_rows: int
    left_out: npt.NDArray[np.int64]
    margins: LowestMargins
    unsettled: npt.NDArray[np.bool_]
    scorer: ChannelModel | FaceValue
    thresholds: npt.NDArray[np.float64] | None


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
    """

    margins: LowestMargins
    face_score: npt.NDArray[np.float64]
    channel: ChannelFacts | None
    recalibrated: SelfConfidence | None
    doubt: ExactSum
    adjusted: npt.NDArray[np.float64] | None


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
    score: npt.NDArray[np.float64]
    channel: ChannelFacts | None
    recalibrated: SelfConfidence | None
    doubt: ExactSum
    adjusted: npt.NDArray[np.float64] | None


def second_reading(
    partitions: Iterable[Partition[LabelBlock]], plan: SecondPlan, on: Executor | None = None
) -> SecondReading:
    """Read all rows a second time."""
    lent = _Lent(plan.margins)
    plain = isinstance(plan.scorer, FaceValue)
    face = np.empty(plan.n_rows if plain else 0)
    channel: ChannelFacts | None = None
    recalibrated: SelfConfidence | None = None
    adjusted = None if plan.thresholds is None else np.empty((2, plan.n_rows))
    width = 2 if plain else 4
    doubt = ExactSum(np.zeros(width, np.int64), np.zeros(width, np.int64))
    at = 0
    for blocks in each(partial(_read_partition, plan=plan, lent=lent), partitions, on):
        for rows in blocks:
            here = slice(at, at + len(rows.score))
            if plain:
                face[here] = rows.score
            if rows.channel is not None and rows.recalibrated is not None:
                channel = channel or ChannelFacts.empty(plan.n_rows, plan.margins.cells.n_classes)
                channel.put(at, rows.channel)
                recalibrated = (
                    recalibrated + rows.recalibrated if recalibrated else rows.recalibrated
                )
            if adjusted is not None:
                adjusted[:, here] = rows.adjusted
            doubt = doubt + rows.doubt
            at = here.stop
    score = face if channel is None else channel.score
    return SecondReading(lent.sum(), score, channel, recalibrated, doubt, adjusted)


def _read_partition(
    partition: Partition[LabelBlock], plan: SecondPlan, lent: _Lent
) -> list[_BlockRows]:
    margins = lent.lend()
    try:
        return [_read_block(block, plan, margins) for block in partition.blocks()]
    finally:
        lent.give_back(margins)


def _read_block(block: LabelBlock, plan: SecondPlan, margins: LowestMargins) -> _BlockRows:
    block = block.leaving_out(plan.left_out)
    probs = block.probs
    margins.take(block, probs, plan.unsettled[block.first_row : block.first_row + len(block)])
    adjusted = None if plan.thresholds is None else _adjusted(block, probs, plan.thresholds)
    if isinstance(plan.scorer, FaceValue):
        face = plan.scorer.scores(block)
        return _BlockRows(face, None, None, _doubt(-np.expm1(face)), adjusted)
    scored = score_block(plan.scorer, block)
    place = np.maximum(scored.suggested, 0)[:, None]
    facts = ChannelFacts(
        scored.score,
        scored.suggested.astype(class_type(plan.scorer.n_classes)),
        np.take_along_axis(probs, place, axis=1)[:, 0].astype(np.float32),
        scored.classes.astype(class_type(plan.scorer.n_classes)),
        scored.leading.astype(np.float32),
    )
    recalibrated = SelfConfidence.of(block.labels, scored.given, plan.scorer.n_classes)
    doubt = _doubt(-np.expm1(scored.score), 1.0 - scored.quality2)
    return _BlockRows(scored.score, facts, recalibrated, doubt, adjusted)


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
