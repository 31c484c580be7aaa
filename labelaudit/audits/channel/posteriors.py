"""The whole posterior of each row: how probable every class is, given label and probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel.discriminant import posterior
from labelaudit.audits.channel.model import Channel
from labelaudit.audits.channel.scoring import MOST_EXPONENT, TILE_NUMBERS, prepared

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.channel.model import ChannelModel
    from labelaudit.blocks import LabelBlock

__all__ = ["block_posteriors"]


def block_posteriors(model: ChannelModel, block: LabelBlock) -> npt.NDArray[np.float64]:
    """Return the (n, K) posterior over true classes; NaN in rows that are left out.

    The entry of the given label is the row's label quality of the method rcp. A row's result is
    the same bytes whatever rows are beside it.

    Parameters
    ----------
    model : ChannelModel
    block : LabelBlock
    """
    n = len(block)
    channel = Channel(model.others[0], model.owns[0])
    out = np.full((n, model.n_classes), np.nan)
    step = max(1, TILE_NUMBERS // model.n_classes)
    for start in range(0, n, step):
        at = slice(start, min(n, start + step))
        labels = block.labels[at]
        sharp, log_given = prepared(
            model, block.first_row + start, labels, [member[at] for member in block.members]
        )
        valid = np.flatnonzero(labels >= 0)
        probs = sharp.T[valid].astype(np.float64)
        # As the score does, which is precise where the given label is nearly certain, too.
        given = np.exp(np.minimum(log_given[valid], MOST_EXPONENT))
        probs[np.arange(len(valid)), labels[valid]] = given
        out[valid + start] = posterior(channel, probs, labels[valid])
    return out
