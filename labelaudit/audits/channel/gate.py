"""How much of the log-probabilities and how much of the discriminant to use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel.sample import Chunk, affine, tiles
from labelaudit.audits.channel.soft_counts import Prior, Weighed, expected_wrong
from labelaudit.kernels.channel import add_product, power_sums
from labelaudit.running import each, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.audits.channel.discriminant import Discriminant
    from labelaudit.audits.channel.model import Channel
    from labelaudit.running import Executor

__all__ = ["Choice", "Fit", "even_rate", "gate", "weighed", "with_g", "with_gram"]

SHARPENINGS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
RECALIBRATIONS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.8)
GATE_NUMBERS = 500_000
EVEN_ROWS = 10_000
LIKELIER = 1.92
"""Half the 95 % point of chi-squared of one degree: as much more likely by chance is one in 20."""
LEAST_RATE = 1e-9
MOST_STEPS = 60
STILL = 1e-10


@dataclass(frozen=True, slots=True)
class Fit:
    """A chunk with its discriminant, as far as it is fitted.

    Attributes
    ----------
    chunk : Chunk
    gram : (F, F) float64
        Sum of outer products of its features, once it is needed; else empty.
    g : (K, n) float32 or None
    """

    chunk: Chunk
    gram: npt.NDArray[np.float64]
    g: npt.NDArray[np.float32] | None = None

    def room(self) -> npt.NDArray[np.float32]:
        """Return room for a distribution over the true classes of each row, (n, K)."""
        return np.empty(self.chunk.z.shape[::-1], np.float32)


@dataclass(frozen=True, slots=True)
class Choice:
    """How sharp the probabilities are to be, and the channel that goes with them.

    Attributes
    ----------
    sharpening, recalibration : float
        h = sharpening z + recalibration g.
    channel : Channel
        Where the fit of the channel on softmax(h) starts.
    """

    sharpening: float
    recalibration: float
    channel: Channel


@dataclass(frozen=True, slots=True)
class _Explained:
    """What the labels say of a pair (a, b).

    Attributes
    ----------
    pair : (float, float)
    loss : float
        Sum of -ln P(given label).
    wrong : float
        Expected number of wrong labels.
    rate : float
        Of even noise.
    """

    pair: tuple[float, float]
    loss: float
    wrong: float
    rate: float


def with_gram(fit: Fit) -> Fit:
    """Add up the outer products of the features."""
    joined = fit.chunk.joined.astype(np.float64)
    gram = np.zeros((len(joined), len(joined)))
    add_product(joined, np.ascontiguousarray(joined.T), gram)
    return Fit(fit.chunk, gram)


def with_g(lines: Sequence[Discriminant], fit: Fit) -> Fit:
    """Apply the discriminant of the chunk's fold."""
    line = lines[fit.chunk.fold]
    return Fit(fit.chunk, fit.gram, affine(line.weights, line.offsets, fit.chunk.joined))


def _combined(fit: Fit, a: float, b: float, at: slice) -> npt.NDArray[np.float32]:
    """Return a z + b g of some rows, (K, n)."""
    if b == 0.0 or fit.g is None:
        return a * fit.chunk.z[:, at]
    h = b * fit.g[:, at]
    if a > 0.0:
        h += a * fit.chunk.z[:, at]
    return h


def weighed(a: float, b: float, fit: Fit, probs: npt.NDArray[np.float32]) -> Weighed:
    """Return softmax(a z + b g), but for a factor of each row, in the given (n, K) room."""
    for at in tiles(fit.chunk):
        h = _combined(fit, a, b, at)
        h -= h.max(axis=0)
        probs[at] = np.exp(h, out=h).T
    return Weighed(fit.chunk.labels, probs)


@dataclass(frozen=True, slots=True)
class _Powers:
    """exp(a z) and exp(b g) of some rows for every a and b, up to factors of each row.

    Their products are exp(a z + b g): there are fewer of them than pairs. A product is not 0 where
    g is greatest, because z is of logarithms that have a floor.

    Attributes
    ----------
    labels : (n,) int32
    of_z, of_g : (A, K, n) and (B, K, n) float32
    pairs : (P, 2) int64
        Places of each pair's powers.
    """

    labels: npt.NDArray[np.int32]
    of_z: npt.NDArray[np.float32]
    of_g: npt.NDArray[np.float32]
    pairs: npt.NDArray[np.int64]

    @classmethod
    def of(cls, fit: Fit, at: slice, pairs: Sequence[tuple[float, float]]) -> _Powers:
        """Take some rows of a chunk."""
        z = fit.chunk.z[:, at]
        g = np.zeros_like(z) if fit.g is None else fit.g[:, at]
        places = np.empty((len(pairs), 2), np.int64)
        different_a, places[:, 0] = np.unique([a for a, _ in pairs], return_inverse=True)
        different_b, places[:, 1] = np.unique([b for _, b in pairs], return_inverse=True)
        return cls(fit.chunk.labels[at], _powers(different_a, z), _powers(different_b, g), places)

    def shares(
        self, weights: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the rows' means of weights, (K, n), and P(given label), (P, n), for each pair."""
        rows = np.arange(len(self.labels))
        whole, mean = (np.zeros((len(self.pairs), len(rows))) for _ in range(2))
        power_sums(self.of_z, self.of_g, self.pairs, weights, whole, mean)
        of_z, of_g = (part[:, self.labels, rows] for part in (self.of_z, self.of_g))
        own = of_z[self.pairs[:, 0]].astype(np.float64) * of_g[self.pairs[:, 1]]
        mean /= whole
        own /= whole
        return mean, own


def _powers(
    exponents: npt.NDArray[np.float64], logs: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return powers of (K, n) logarithms relative to the largest of a row, (A, K, n)."""
    products = np.multiply.outer(exponents.astype(np.float32), logs - logs.max(axis=0))
    powers: npt.NDArray[np.float32] = np.exp(products, out=products)
    return powers


def _losses(
    channel: Channel, pairs: Sequence[tuple[float, float]], fit: Fit
) -> npt.NDArray[np.float64]:
    """Sum of -ln P(given label) over the rows, for each pair."""
    losses = np.zeros(len(pairs))
    for at in tiles(fit.chunk):
        labels = fit.chunk.labels[at]
        given = np.ascontiguousarray(channel.other[labels % len(channel.other)].T)
        given[labels, np.arange(len(labels))] = channel.own[labels]
        mean, _ = _Powers.of(fit, at, pairs).shares(given)
        losses -= np.log(mean).sum(axis=1)
    return losses


def _own_and_others(
    frequencies: npt.NDArray[np.float64], pairs: Sequence[tuple[float, float]], fit: Fit
) -> npt.NDArray[np.float64]:
    """Return how probable each row's label is the true class, and comes of even noise.

    (2, P, n), for each pair.
    """
    spread = 1.0 / np.where(frequencies < 1.0, 1.0 - frequencies, 1.0)
    found = np.empty((2, len(pairs), len(fit.chunk.labels)))
    for at in tiles(fit.chunk):
        labels = fit.chunk.labels[at]
        weights = np.repeat(spread[:, None], len(labels), axis=1)
        mean, own = _Powers.of(fit, at, pairs).shares(weights)
        found[0, :, at] = own
        found[1, :, at] = np.maximum(mean - own * spread[labels], 0.0) * frequencies[labels]
    return found


def even_rate(
    own: npt.NDArray[np.float64], other: npt.NDArray[np.float64], n_classes: int
) -> float:
    """Return the rate e under which labels of probability (1 - e) own + e other are likeliest.

    The likelihood is concave in e. Newton's steps, and halves of the bracket where one leaves it.

    Parameters
    ----------
    own, other : (n,) float64
    n_classes : int
        The rate is at most that of labels drawn at random.
    """
    apart = other - own
    low, high = LEAST_RATE, max(1.0 - 1.0 / n_classes, LEAST_RATE)
    if float(np.sum(apart / (own + low * apart))) <= 0.0:
        return low
    rate = min(0.1, high)
    for _ in range(MOST_STEPS):
        ratio = apart / (own + rate * apart)
        slope = float(np.sum(ratio))
        low, high = (rate, high) if slope > 0.0 else (low, rate)
        after = rate + slope / float(np.sum(ratio * ratio))
        if not low < after < high:
            after = 0.5 * (low + high)
        if abs(after - rate) < STILL:
            return after
        rate = after
    return rate


def _even(
    pair: tuple[float, float], own: npt.NDArray[np.float64], other: npt.NDArray[np.float64], n: int
) -> _Explained:
    """Ask how probable the labels are under a pair, with even noise whose rate is fitted."""
    rate = even_rate(own, other, n)
    whole = own + rate * (other - own)
    wrong = float(np.sum(rate * other / whole))
    return _Explained(pair, -float(np.sum(np.log(whole))), wrong, rate)


def _held(
    fits: Sequence[Fit],
    channel: Channel,
    frequencies: npt.NDArray[np.float64],
    pair: tuple[float, float],
) -> _Explained:
    """Ask the same with the channel held."""
    rows = [weighed(*pair, fit, fit.room()) for fit in fits]
    loss = sum(float(_losses(channel, [pair], fit)[0]) for fit in fits)
    if len(channel.other) == 1 < len(frequencies):
        # Such a channel is known up to a factor of the label.
        loss -= sum(float(np.sum(np.log(frequencies[part.labels]))) for part in rows)
    return _Explained(pair, loss, expected_wrong(channel, rows), 0.0)


def _smallest_hashes(fits: Sequence[Fit], rows: int) -> list[Fit]:
    """Keep of every chunk the rows with the smallest hashes in the sample, about ``rows``."""
    hashes = np.concatenate([fit.chunk.hashes for fit in fits])
    if len(hashes) <= rows:
        return list(fits)
    bound = np.partition(hashes, max(rows, 1) - 1)[max(rows, 1) - 1]
    return [_part(fit, np.flatnonzero(fit.chunk.hashes <= bound)) for fit in fits]


def _part(fit: Fit, rows: npt.NDArray[np.intp]) -> Fit:
    chunk = fit.chunk
    z = chunk.z[:, rows]
    part = Chunk(chunk.fold, chunk.labels[rows], z, z, chunk.hashes[rows])
    return Fit(part, fit.gram, None if fit.g is None else fit.g[:, rows])


def gate(
    fits: Sequence[Fit],
    channel: Channel,
    frequencies: npt.NDArray[np.float64],
    linear: bool,
    on: Executor | None,
) -> Choice:
    """Choose (a, b) of a few pairs: the one under which the given labels are most probable.

    Twice: with the channel held, and with even noise whose rate is fitted again for each pair.
    The second choice is taken where it finds more errors and the labels are significantly more
    probable under it. The lowest pair wins ties. Half a
    million numbers are enough to tell, and ten thousand rows of them for the second.

    Parameters
    ----------
    fits : sequence of Fit
    channel : Channel
        Fitted on the discriminant, which may have missed noise of overlapping classes.
    frequencies : (K,) float64
        Share of each given label in the whole table.
    linear : bool
        There is a discriminant.
    on : Executor, optional
    """
    pairs = [
        pair
        for pair in product(SHARPENINGS, RECALIBRATIONS)
        if pair != (0.0, 0.0) and (linear or pair[1] == 0.0)
    ]
    few = _smallest_hashes(fits, GATE_NUMBERS // len(channel.own))
    losses = total(partial(_losses, channel, pairs), few, on)
    best = pairs[_lowest(losses / sum(len(part.chunk.labels) for part in few))]
    fewer = _smallest_hashes(few, EVEN_ROWS)
    held = _held(fewer, channel, frequencies, best)
    parts = list(each(partial(_own_and_others, frequencies, pairs), fewer, on))
    owns, others = np.concatenate(parts, axis=2)
    tried = [
        _even(pair, own, other, len(frequencies))
        for pair, own, other in zip(pairs, owns, others, strict=True)
    ]
    rows = sum(len(part.chunk.labels) for part in fewer)
    even = tried[_lowest(np.array([one.loss for one in tried]) / rows)]
    if even.wrong <= held.wrong or held.loss - even.loss <= LIKELIER:
        return Choice(*best, channel)
    return Choice(*even.pair, Prior(frequencies, 0.0).even(even.rate, len(channel.other) > 1))


def _lowest(losses: npt.NDArray[np.float64]) -> int:
    """Return the first of those that are lowest but for rounding."""
    return int(np.flatnonzero(losses <= losses.min() + 1e-9)[0])
