"""Scores of all rows, and their margins: from leading classes, or from rows read again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel import score_block
from labelaudit.audits.facts import class_type, facts_of, further_of
from labelaudit.audits.filters import contested_of
from labelaudit.audits.pruning import keep_margins
from labelaudit.kernels.joint import square_sums
from labelaudit.kernels.rows import LEADING
from labelaudit.summaries.exact import ExactSum
from labelaudit.summaries.margins import LowMargins, Margins, unsettled
from labelaudit.summaries.self_confidence import SelfConfidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.audits.channel import ChannelModel
    from labelaudit.audits.face import FaceValue
    from labelaudit.audits.ground import Piece, Stretch
    from labelaudit.blocks import LabelBlock
    from labelaudit.summaries.margins import Cells

__all__ = [
    "ADJUSTED",
    "SCORED",
    "Adjusted",
    "ChannelFacts",
    "FaceScores",
    "FindUnsettled",
    "Scored",
    "TakeFurther",
    "TakeLeading",
    "TakeRows",
]

SCORED = "scored"
ADJUSTED = "adjusted"


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What the channel says of each of n rows.

    Attributes
    ----------
    score : (n,) float64
        Logarithm of the label quality.
    suggested : (n,) int16 or int32
    suggested_prob : (n,) float32
    classes, leading : (n, 3) int16 or int32, float32
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

    def doubts(self) -> npt.NDArray[np.float64]:
        """(n,) float64: probability that the label is wrong."""
        doubts: npt.NDArray[np.float64] = -np.expm1(self.score)
        return doubts

    def put(self, at: int, rows: ChannelFacts) -> None:
        """Copy some rows to their place."""
        for name in ChannelFacts.__slots__:
            part = getattr(rows, name)
            getattr(self, name)[at : at + len(part)] = part


@dataclass(frozen=True, slots=True)
class FaceScores:
    """What the channel at face value says of each of n rows.

    Attributes
    ----------
    score : (n,) float64
        Probability that the label is wrong, negative so that the worst are the lowest.
    """

    score: npt.NDArray[np.float64]

    def doubts(self) -> npt.NDArray[np.float64]:
        """(n,) float64: probability that the label is wrong."""
        return np.negative(self.score)


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Adjusted probability of the given class, and of the best other one, of n rows.

    Attributes
    ----------
    given, best : (n,) float64
    """

    given: npt.NDArray[np.float64]
    best: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scored:
    """What scoring brings of some rows.

    Attributes
    ----------
    taken : (C,) int64
        How many margins of each cell the pieces keep.
    doubt : ExactSum of shape (4,)
        Sum of the doubt at face value, and of its square; with a channel, both again for
        probabilities made twice as sharp, else 0.
    recalibrated : SelfConfidence
        Of the recalibrated probabilities, where there is a channel.
    """

    taken: npt.NDArray[np.int64]
    doubt: ExactSum
    recalibrated: SelfConfidence

    @classmethod
    def none(cls, cells: Cells) -> Scored:
        """Return the sums of no rows."""
        nothing = np.zeros(4, np.int64)
        sums = SelfConfidence.none(cells.n_classes)
        return cls(np.zeros(len(cells.wanted), np.int64), ExactSum(nothing, nothing), sums)

    def and_taken(self, *margins: Margins) -> Scored:
        """Count margins that a piece now keeps."""
        taken = self.taken.copy()
        for each in margins:
            taken += np.bincount(each.cell, minlength=len(taken))
        return replace(self, taken=taken)

    def __add__(self, more: Scored) -> Scored:
        return Scored(
            self.taken + more.taken,
            self.doubt + more.doubt,
            self.recalibrated + more.recalibrated,
        )


@dataclass(frozen=True, slots=True)
class TakeLeading:
    """The step that takes margins of leading classes, and scores rows at face value by them.

    Attributes
    ----------
    asked : LowMargins
    negative : bool
        Take the negative margins, in place of any that are kept, or the others as well.
    face : FaceValue or None
        Keep scores at face value as well.
    """

    asked: LowMargins
    negative: bool
    face: FaceValue | None

    def __call__(self, stretch: Stretch) -> Scored:
        """Look at some pieces."""
        sums = Scored.none(self.asked.cells)
        for piece in stretch.pieces:
            facts = facts_of(piece)
            # Other rows than contested ones have no negative margins.
            rows = contested_of(piece).evidence.rows if self.negative else None
            taken = self.asked.of_leading(facts, self.negative, rows)
            keep_margins(piece, taken, more=not self.negative)
            sums = sums.and_taken(taken)
            if self.face is not None:
                scores = FaceScores(self.face.scores(facts))
                piece.put(SCORED, scores)
                doubt = _doubt(scores.doubts(), np.zeros(0))
                sums = replace(sums, doubt=sums.doubt + doubt)
        return sums


@dataclass(frozen=True, slots=True)
class TakeFurther:
    """The step that takes margins of further classes.

    Attributes
    ----------
    asked : LowMargins
    """

    asked: LowMargins

    def __call__(self, stretch: Stretch) -> Scored:
        """Look at some pieces."""
        sums = Scored.none(self.asked.cells)
        for piece in stretch.pieces:
            taken = self.asked.of_further(facts_of(piece), further_of(piece))
            if len(taken.row):
                keep_margins(piece, taken, more=True)
            sums = sums.and_taken(taken)
        return sums


@dataclass(frozen=True, slots=True)
class FindUnsettled:
    """The step that finds pieces with rows of which the classes that are known are not enough.

    Attributes
    ----------
    bounds : (K,) float64
        From ``LowMargins.bounds``.
    further : bool
        Further classes are known.
    """

    bounds: npt.NDArray[np.float64]
    further: bool

    def __call__(self, stretch: Stretch) -> tuple[int, ...]:
        """Return the first rows of such pieces."""
        return tuple(
            piece.first_row
            for piece in stretch.pieces
            if unsettled(facts_of(piece), self.bounds, self.further).any()
        )


@dataclass(frozen=True, slots=True)
class TakeRows:
    """The step that reads rows again: margins of all classes, the channel's scores.

    Attributes
    ----------
    asked : LowMargins
    bounds : (K,) float64
        Which rows are unsettled.
    model : ChannelModel or None
        Score rows with it.
    thresholds : (K,) float64 or None
        Thresholds to take off the probabilities for adjusted scores.
    further : bool
        Margins of further classes are taken already.
    """

    asked: LowMargins
    bounds: npt.NDArray[np.float64]
    model: ChannelModel | None
    thresholds: npt.NDArray[np.float64] | None
    further: bool

    def __call__(self, stretch: Stretch) -> Scored:
        """Read a partition again."""
        sums = Scored.none(self.asked.cells)
        for piece, blocks in stretch.read():
            sums = self._read(piece, blocks, sums)
        return sums

    def _read(
        self, piece: Piece, blocks: Iterator[tuple[slice, LabelBlock]], sums: Scored
    ) -> Scored:
        facts = facts_of(piece)
        is_open = unsettled(facts, self.bounds, self.further)
        n_classes, taken = self.asked.cells.n_classes, list[Margins]()
        channel = None if self.model is None else ChannelFacts.empty(piece.rows, n_classes)
        adjusted = None if self.thresholds is None else np.empty((2, piece.rows))
        for place, as_read in blocks:
            # Rows that the first reading found unfit are left out.
            block = replace(as_read, labels=facts.labels[place])
            probs = block.probs
            if is_open[place].any():
                leading = facts.classes[place]
                found = self.asked.of_rows(
                    block.labels, probs, is_open[place], leading, place.start, self.further
                )
                taken.append(found)
            if self.thresholds is not None and adjusted is not None:
                adjusted[:, place] = _adjusted(block, probs, self.thresholds)
            if self.model is not None and channel is not None:
                sums = _scored(self.model, block, probs, channel, place.start, sums)
        if taken:
            keep_margins(piece, *taken, more=True)
        if channel is not None:
            piece.put(SCORED, channel)
        if adjusted is not None:
            piece.put(ADJUSTED, Adjusted(*adjusted))
        return sums.and_taken(*taken)


def _scored(
    model: ChannelModel,
    block: LabelBlock,
    probs: npt.NDArray[np.floating],
    channel: ChannelFacts,
    at: int,
    sums: Scored,
) -> Scored:
    """Score a block, write what is said of its rows to their place, and add it to the sums."""
    scored = score_block(model, block)
    place = np.maximum(scored.suggested, 0)[:, None]
    kind = class_type(model.n_classes)
    facts = ChannelFacts(
        scored.score,
        scored.suggested.astype(kind),
        np.take_along_axis(probs, place, axis=1)[:, 0].astype(np.float32),
        scored.classes.astype(kind),
        scored.leading.astype(np.float32),
    )
    channel.put(at, facts)
    return replace(
        sums,
        recalibrated=sums.recalibrated
        + SelfConfidence.of(block.labels, scored.given, model.n_classes),
        doubt=sums.doubt + _doubt(-np.expm1(scored.score), 1.0 - scored.quality2),
    )


def _doubt(*doubts: npt.NDArray[np.float64]) -> ExactSum:
    """Sum doubts and their squares; rows that are left out have no doubt."""
    sums = np.zeros((len(doubts), 2, 2), np.int64)
    for found, doubt in zip(sums, doubts, strict=True):
        square_sums(doubt, found)
    return ExactSum(sums[:, 0].ravel(), sums[:, 1].ravel())


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
