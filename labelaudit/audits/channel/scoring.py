"""Score rows with a fitted channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel.model import FOLDS, ChannelModel, ChannelRows
from labelaudit.audits.channel.sample import (
    affine,
    floored,
    highest,
    logs_of,
    powers,
    side_by_side,
)
from labelaudit.kernels.channel import sample_hash, score_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.blocks import LabelBlock

__all__ = ["TILE_NUMBERS", "prepared", "score_block"]

TILE_NUMBERS = 1 << 16


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
    step = max(1, TILE_NUMBERS // model.n_classes)
    numbers = np.empty((n, 6))
    classes = np.empty((n, 4), np.int32)
    log_owns = np.log(model.owns)
    for start in range(0, n, step):
        at = slice(start, min(n, start + step))
        labels = block.labels[at]
        sharp, log_given = prepared(
            model, block.first_row + start, labels, [member[at] for member in block.members]
        )
        channels = (model.others, model.owns, log_owns)
        score_rows(sharp, log_given, labels, *channels, numbers[at], classes[at])
    return ChannelRows(
        score=numbers[:, 0],
        label_quality=np.exp(numbers[:, 0]),
        suggested=classes[:, 0],
        quality2=np.exp(numbers[:, 1]),
        given=numbers[:, 2],
        classes=classes[:, 1:],
        leading=numbers[:, 3:],
    )


def prepared(
    model: ChannelModel,
    first_row: int,
    labels: npt.NDArray[np.int32],
    members: Sequence[npt.NDArray[np.floating]],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return exp(h), up to a factor of each row, and its logarithm of the given label."""
    out = labels < 0
    if out.any():
        # Whatever stands in a row that is left out must not warn.
        members = [np.where(out[:, None], 1.0 / model.n_classes, member) for member in members]
    if len(model.weights) == 0 and len(members) == 1:
        return _sharpened(model, labels, members[0])
    h = _combined(model, first_row, [logs_of(member, model.floor) for member in members])
    h -= highest(h)[:, None]
    log_given = h[np.arange(len(labels)), labels]
    np.exp(h, out=h)
    return h, log_given


def _sharpened(
    model: ChannelModel, labels: npt.NDArray[np.int32], probs: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return powers of one model's probabilities, and the logarithm of the given label's."""
    probs = floored(probs, model.floor)
    log_given = model.sharpening * np.log(probs[np.arange(len(labels)), labels])
    return powers(probs, model.sharpening), log_given


def _combined(
    model: ChannelModel, first_row: int, logs: Sequence[npt.NDArray[np.float64]]
) -> npt.NDArray[np.float64]:
    """Return h = a z + b g, up to a number for each row."""
    mean, joined = side_by_side(logs)
    if len(model.weights) == 0:
        return model.sharpening * mean
    if len(model.weights) == 1:
        return affine(joined, model.weights[0], model.offsets[0])
    h = np.empty_like(mean)
    folds = sample_hash(first_row, len(mean), model.seed) % np.uint64(FOLDS)
    for fold in range(FOLDS):
        rows = folds == fold
        h[rows] = affine(joined[rows], model.weights[fold], model.offsets[fold])
    return h
