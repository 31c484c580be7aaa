"""How much of the log-probabilities and how much of the discriminant to use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel.sample import Chunk, affine
from labelaudit.audits.channel.soft_counts import Weighed
from labelaudit.kernels.channel import add_product
from labelaudit.running import total

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.audits.channel.discriminant import Discriminant
    from labelaudit.audits.channel.model import Channel
    from labelaudit.running import Executor

__all__ = ["Fit", "gate", "weighed", "with_g", "with_gram"]

SHARPENINGS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
RECALIBRATIONS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.8)
GATE_NUMBERS = 500_000


@dataclass(frozen=True, slots=True)
class Fit:
    """A chunk with its discriminant, as far as it is fitted.

    Attributes
    ----------
    chunk : Chunk
    gram : (F, F) float64
        Sum of outer products of its features, once it is needed; else empty.
    g : (n, K) float64 or None
    """

    chunk: Chunk
    gram: npt.NDArray[np.float64]
    g: npt.NDArray[np.float64] | None = None


def with_gram(fit: Fit) -> Fit:
    """Add up the outer products of the features."""
    joined = fit.chunk.joined
    gram = np.zeros((joined.shape[1], joined.shape[1]))
    add_product(np.ascontiguousarray(joined.T), joined, gram)
    return Fit(fit.chunk, gram)


def with_g(lines: Sequence[Discriminant], fit: Fit) -> Fit:
    """Apply the discriminant of the chunk's fold."""
    line = lines[fit.chunk.fold]
    return Fit(fit.chunk, fit.gram, affine(fit.chunk.joined, line.weights, line.offsets))


def _combined(fit: Fit, a: float, b: float) -> npt.NDArray[np.float64]:
    h = a * fit.chunk.z
    if b > 0.0 and fit.g is not None:
        h += b * fit.g
    return h


def weighed(a: float, b: float, fit: Fit) -> Weighed:
    """Return softmax(a z + b g)."""
    h = _combined(fit, a, b)
    h -= h.max(axis=1, keepdims=True)
    np.exp(h, out=h)
    h /= h.sum(axis=1, keepdims=True)
    return Weighed(fit.chunk.labels, h)


def _losses(
    channel: Channel, pairs: Sequence[tuple[float, float]], fit: Fit
) -> npt.NDArray[np.float64]:
    """Sum of -ln P(given label) over the rows, for each pair."""
    # By columns: adding up rows of few classes one by one would take twice as long.
    z = np.ascontiguousarray(fit.chunk.z.T)
    g = np.zeros_like(z) if fit.g is None else np.ascontiguousarray(fit.g.T)
    labels = fit.chunk.labels
    given = np.ascontiguousarray(channel.other[labels % len(channel.other)].T)
    given[labels, np.arange(len(labels))] = channel.own[labels]
    losses = []
    for a, b in pairs:
        h = a * z + b * g
        h -= h.max(axis=0)
        np.exp(h, out=h)
        whole = h.sum(axis=0)
        h *= given
        losses.append(float(np.sum(np.log(whole / h.sum(axis=0)))))
    return np.array(losses)


def _smallest_hashes(fits: Sequence[Fit], rows: int) -> list[Fit]:
    """Keep of every chunk the rows with the smallest hashes in the sample, about ``rows``."""
    hashes = np.concatenate([fit.chunk.hashes for fit in fits])
    if len(hashes) <= rows:
        return list(fits)
    bound = np.sort(hashes)[max(rows, 1) - 1]
    return [_part(fit, fit.chunk.hashes <= bound) for fit in fits]


def _part(fit: Fit, rows: npt.NDArray[np.bool_]) -> Fit:
    chunk = fit.chunk
    joined = chunk.z[rows]
    part = Chunk(chunk.fold, chunk.labels[rows], joined, joined, chunk.hashes[rows])
    return Fit(part, fit.gram, None if fit.g is None else fit.g[rows])


def gate(
    fits: Sequence[Fit], channel: Channel, linear: bool, on: Executor | None
) -> tuple[float, float]:
    """Choose (a, b) of a few pairs: the one under which the given labels are most probable.

    The lowest pair wins ties. Half a million numbers are enough to tell.
    """
    pairs = [
        pair
        for pair in product(SHARPENINGS, RECALIBRATIONS)
        if pair != (0.0, 0.0) and (linear or pair[1] == 0.0)
    ]
    few = _smallest_hashes(fits, GATE_NUMBERS // len(channel.own))
    losses = total(partial(_losses, channel, pairs), few, on)
    losses /= sum(len(part.chunk.labels) for part in few)
    best = int(np.flatnonzero(losses <= losses.min() + 1e-9)[0])
    return pairs[best]
