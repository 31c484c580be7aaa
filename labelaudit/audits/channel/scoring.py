"""Score rows with a fitted channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from labelaudit.audits.channel.model import FOLDS, ChannelModel, ChannelRows
from labelaudit.audits.channel.sample import (
    affine,
    logs_of,
    powers,
    side_by_side,
)
from labelaudit.kernels.channel import sample_hash
from labelaudit.kernels.channel_scores import score_columns, score_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.blocks import LabelBlock

__all__ = ["MOST_EXPONENT", "TILE_NUMBERS", "prepared", "score_block"]

TILE_NUMBERS = 1 << 16
NARROW = 256
LANES = 32
NOTHING = 1e-300
MOST_EXPONENT = 700.0
MOST_LOG = 80.0
"""The logarithm of what a probability may be at most, as a multiple of another, in float32."""


def score_block(model: ChannelModel, block: LabelBlock) -> ChannelRows:
    """Score the rows of a block.

    A row's result is the same bytes whatever rows are beside it.

    Parameters
    ----------
    model : ChannelModel
    block : LabelBlock

    Returns
    -------
    ChannelRows
    """
    n = len(block)
    step = _tile_rows(n, model.n_classes)
    numbers = np.empty((n, 6))
    classes = np.empty((n, 4), np.int32)
    log_given = np.empty(n)
    for start in range(0, n, step):
        at = slice(start, min(n, start + step))
        labels = block.labels[at]
        sharp, log_given[at] = prepared(
            model, block.first_row + start, labels, [member[at] for member in block.members]
        )
        if model.n_classes <= NARROW:
            _score_columns(model, sharp, labels, numbers[at], classes[at])
        else:
            rows = np.ascontiguousarray(sharp.T)
            score_rows(rows, labels, model.others, model.owns, numbers[at], classes[at])
    score, quality2 = _qualities(model, block.labels, log_given, numbers[:, 0], numbers[:, 1])
    return ChannelRows(
        score=score,
        label_quality=np.exp(score),
        suggested=classes[:, 0],
        quality2=quality2,
        given=numbers[:, 2],
        classes=classes[:, 1:],
        leading=numbers[:, 3:],
    )


def _tile_rows(n: int, n_classes: int) -> int:
    """Cut rows into tiles of one size that suits vector instructions."""
    tiles = -(-n * n_classes // TILE_NUMBERS)
    rows = -(-n // max(tiles, 1))
    return max(-(-rows // LANES) * LANES if n_classes <= NARROW else rows, 1)


def _qualities(
    model: ChannelModel,
    labels: npt.NDArray[np.int32],
    log_given: npt.NDArray[np.float64],
    rest: npt.NDArray[np.float64],
    rest2: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return own / (own + rest): its logarithm, precise at both ends, and that of exp(2 h)."""
    log_owns = np.log(model.owns)
    ratio = np.log(np.maximum(rest, NOTHING)) - log_owns[0, labels] - log_given
    score = np.minimum(-ratio, 0.0)
    score -= np.log1p(np.exp(-np.abs(ratio)))
    ratio = np.log(np.maximum(rest2, NOTHING)) - log_owns[1, labels] - 2.0 * log_given
    quality2 = 1.0 / (1.0 + np.exp(np.minimum(ratio, MOST_EXPONENT)))
    score[labels < 0], quality2[labels < 0] = 0.0, 1.0
    return score, quality2


def _score_columns(
    model: ChannelModel,
    sharp: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int32],
    numbers: npt.NDArray[np.float64],
    classes: npt.NDArray[np.int32],
) -> None:
    """Do what ``score_rows`` does, for rows of few classes."""
    others, out = _square(model.others, len(sharp)), np.flatnonzero(labels < 0)
    given = np.maximum(labels, 0).astype(np.uint32)
    room = np.zeros((3, len(given))), np.full((3, len(given)), -1)
    channel = others, model.owns[0]
    score_columns(sharp, sharp.view(np.int32), given, *channel, *room, numbers, classes)
    numbers[out, :3], numbers[out, 3:], classes[out] = 0.0, -1.0, -1


def _square(others: npt.NDArray[np.float64], n_classes: int) -> npt.NDArray[np.float64]:
    """Return channels as squares, which those of one rate are not, with 0 on the diagonal."""
    if others.shape[1] == n_classes > 1:
        return others
    square = np.repeat(others, n_classes, axis=1)
    square[:, np.arange(n_classes), np.arange(n_classes)] = 0.0
    return square


def prepared(
    model: ChannelModel,
    first_row: int,
    labels: npt.NDArray[np.int32],
    members: Sequence[npt.NDArray[np.floating]],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Return exp(h), (K, n), up to a factor of each row, and its logarithm of the given label."""
    out = labels < 0
    if out.any():
        # Whatever stands in a row that is left out must not warn.
        members = [np.where(out[:, None], 1.0 / model.n_classes, member) for member in members]
    if len(model.weights) == 0 and len(members) == 1:
        return _sharpened(model, labels, members[0])
    h = _combined(model, first_row, [logs_of(member, model.floor) for member in members])
    return _relative(h, labels)


def _sharpened(
    model: ChannelModel, labels: npt.NDArray[np.int32], probs: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Return powers of one model's probabilities, and the logarithm of the given label's."""
    order: Literal["C", "F"] = "C" if model.n_classes <= NARROW else "F"
    single = np.empty(probs.shape[::-1], np.float32, order=order)
    np.maximum(probs.T, model.floor, out=single, casting="same_kind")
    given = single[labels, np.arange(len(labels))].astype(np.float64)
    return powers(single, model.sharpening), model.sharpening * np.log(given)


def _relative(
    h: npt.NDArray[np.float32], labels: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Take exponentials of (K, n) logarithms, as multiples of the best class but the given one.

    So neither a label that is certainly right nor one that is certainly wrong is lost.
    """
    rows = np.arange(len(labels))
    log_given = h[labels, rows]
    h[labels, rows] = -np.inf if len(h) > 1 else 0.0
    best = h.max(axis=0)
    h -= best
    log_given -= best
    h[labels, rows] = np.minimum(log_given, MOST_LOG)
    np.exp(h, out=h)
    return h, log_given.astype(np.float64)


def _combined(
    model: ChannelModel, first_row: int, logs: Sequence[npt.NDArray[np.float32]]
) -> npt.NDArray[np.float32]:
    """Return h = a z + b g, (K, n), up to a number for each row."""
    mean, joined = side_by_side(logs)
    if len(model.weights) == 0:
        return model.sharpening * mean
    if len(model.weights) == 1:
        return affine(model.weights[0], model.offsets[0], joined)
    h = np.empty_like(mean)
    folds = sample_hash(first_row, mean.shape[1], model.seed) % np.uint64(FOLDS)
    for fold in range(FOLDS):
        rows = np.flatnonzero(folds == fold)
        h[:, rows] = affine(model.weights[fold], model.offsets[fold], joined[:, rows])
    return h
