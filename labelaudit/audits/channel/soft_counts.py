"""The channel by expectation-maximisation over soft counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel.model import LEAST, Channel
from labelaudit.kernels.channel import channel_counts, rate_errors
from labelaudit.kernels.special import gamma_logs
from labelaudit.running import each

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.running import Executor

__all__ = [
    "CONCENTRATION",
    "Prior",
    "SoftCounts",
    "Weighed",
    "concentration",
    "counted",
    "expected_wrong",
    "fitted",
]

CONCENTRATION = 500.0
CONCENTRATIONS = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)
MOST_STEPS = 60
STILL = 1e-4
BLOCK_NUMBERS = 1 << 15


@dataclass(frozen=True, slots=True)
class Weighed:
    """Rows with a distribution over true classes.

    Attributes
    ----------
    labels : (n,) int32
    probs : (n, K) float64
        Rows may have any sum.
    """

    labels: npt.NDArray[np.int32]
    probs: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SoftCounts:
    """Posterior rows of each true class under each given label.

    Attributes
    ----------
    counts : (K, K) or (1, K) float64
        0 under one rate for all.
    wrong : float
        Expected number of wrong labels.
    rows : int
    """

    counts: npt.NDArray[np.float64]
    wrong: float
    rows: int

    @property
    def error(self) -> float:
        """Expected share of wrong labels."""
        return self.wrong / self.rows


@dataclass(frozen=True, slots=True)
class _Part:
    """What some rows add to soft counts, short of the channel.

    Attributes
    ----------
    first : int
        The label that the first of the counts is of.
    counts : (L, K) float64
    wrong : float
    rows : int
    """

    first: int
    counts: npt.NDArray[np.float64]
    wrong: float
    rows: int


@dataclass(frozen=True, slots=True)
class Prior:
    """Belief in noise of one rate that falls as often as labels are given.

    Attributes
    ----------
    frequencies : (K,) float64
        Share of each given label in the whole table.
    weight : float
        How many rows of each true class the belief counts for.
    """

    frequencies: npt.NDArray[np.float64]
    weight: float

    def matrix(self, error: float) -> npt.NDArray[np.float64]:
        """Return the believed channel, (K, K), columns summing to 1."""
        n_classes = len(self.frequencies)
        rest = 1.0 - self.frequencies
        shares = self.frequencies[:, None] / np.where(rest > 0.0, rest, 1.0)
        shares[:, rest <= 0.0] = 1.0 / max(n_classes - 1, 1)
        shares *= error
        np.fill_diagonal(shares, 1.0 - error)
        return shares

    def start(self, square: bool) -> Channel:
        """Return where the expectation-maximisation starts: four labels in five are right."""
        if not square:
            return Channel.of_rate(0.2, self.frequencies)
        n_classes = len(self.frequencies)
        return Channel.of_matrix(0.8 * np.eye(n_classes) + 0.2 / n_classes)

    def even(self, error: float, square: bool) -> Channel:
        """Return the believed channel itself."""
        if not square:
            return Channel.of_rate(error, self.frequencies)
        return Channel.of_matrix(self.matrix(error))


def expected_wrong(channel: Channel, rows: Weighed) -> float:
    """Return how many labels are expected to be wrong under a channel."""
    return _counted(channel, rows).wrong


def _counted(channel: Channel, rows: Weighed) -> _Part:
    """Count the rows' posteriors under a channel; wrong ones alone under one rate for all."""
    n, n_classes = rows.probs.shape
    if _has_one_rate(channel):
        wrong = rate_errors(rows.probs, rows.labels, channel.other[0], channel.own)
        return _Part(0, np.zeros((1, n_classes)), wrong, n)
    first = int(rows.labels.min()) if n else 0
    counts = np.zeros((int(rows.labels.max(initial=-1)) + 1 - first, n_classes))
    wrong = channel_counts(rows.probs, rows.labels, first, channel.other, channel.own, counts)
    return _Part(first, counts, wrong, n)


def _has_one_rate(channel: Channel) -> bool:
    return len(channel.other) == 1 < len(channel.own)


def counted(
    channel: Channel,
    rows: Sequence[Weighed],
    on: Executor | None,
    room: npt.NDArray[np.float64] | None = None,
) -> SoftCounts:
    """Count the posteriors of all rows, in their order, in the given room: they are large."""
    counts = np.empty_like(channel.other) if room is None else room
    counts[:] = 0.0
    wrong, n = 0.0, 0
    for part in each(partial(_counted, channel), rows, on):
        counts[part.first : part.first + len(part.counts)] += part.counts
        wrong, n = wrong + part.wrong, n + part.rows
    if not _has_one_rate(channel):
        own = np.diagonal(counts) * channel.own
        for at in _blocks(len(counts)):
            counts[at] *= channel.other[at]
        np.fill_diagonal(counts, own)
    return SoftCounts(counts, wrong, n)


def fitted(rows: Sequence[Weighed], start: Channel, prior: Prior, on: Executor | None) -> Channel:
    """Fit the channel, at most 60 steps, until no entry moves by 1e-4."""
    channel, room = start, np.empty_like(start.other)
    spread = np.empty((0, 0)) if _has_one_rate(start) else prior.matrix(1.0)
    for _ in range(MOST_STEPS):
        counts = counted(channel, rows, on, room)
        if _has_one_rate(channel):
            after = Channel.of_rate(counts.error, prior.frequencies)
            moved = float((np.abs(after.other - channel.other) * (1.0 - prior.frequencies)).max())
        else:
            after = _renewed(counts, prior, spread)
            moved = _moved(channel, after)
        room = np.empty_like(room) if channel is start else channel.other
        channel = after
        if moved < STILL:
            break
    return channel


def _blocks(n_classes: int) -> Iterator[slice]:
    """Cut a square into rows that stay in the cache while they are worked on."""
    step = max(1, BLOCK_NUMBERS // n_classes)
    for start in range(0, n_classes, step):
        yield slice(start, start + step)


def _renewed(counts: SoftCounts, prior: Prior, spread: npt.NDArray[np.float64]) -> Channel:
    """Return the most probable channel given soft counts, which it is written over.

    Parameters
    ----------
    counts : SoftCounts
    prior : Prior
    spread : (K, K) float64
        Its matrix for the rate 1.
    """
    other, error = counts.counts, counts.error
    own = np.diagonal(other) + prior.weight * (1.0 - error)
    np.fill_diagonal(other, 0.0)
    sums = own.copy()
    for at in _blocks(len(other)):
        other[at] += (prior.weight * error) * spread[at]
        sums += other[at].sum(axis=0)
    shares = 1.0 / sums
    for at in _blocks(len(other)):
        other[at] *= shares
        np.maximum(other[at], LEAST, out=other[at])
    np.fill_diagonal(other, 0.0)
    return Channel(other, np.maximum(own * shares, LEAST))


def _moved(before: Channel, after: Channel) -> float:
    """Return the largest change of a probability."""
    moved = [float(np.abs(after.own - before.own).max())]
    moved += [
        float(np.abs(after.other[at] - before.other[at]).max()) for at in _blocks(len(after.own))
    ]
    return max(moved)


def concentration(counts: SoftCounts, frequencies: npt.NDArray[np.float64]) -> float:
    """Choose how far single cells of the channel may leave evenly spread noise.

    The one of a few concentrations under which the counts are most probable, each true class's
    counts being Dirichlet-multinomial around the believed channel (Minka 2000).

    Parameters
    ----------
    counts : SoftCounts
        Square ones.
    frequencies : (K,) float64
    """
    believed = np.maximum(Prior(frequencies, 1.0).matrix(counts.error), 1e-12)
    present = counts.counts.sum(axis=0)
    evidence = [
        _log_gamma_rise(np.full(len(present), weight), -present)
        + _log_gamma_rise(weight * believed, counts.counts)
        for weight in CONCENTRATIONS
    ]
    return CONCENTRATIONS[int(np.argmax(evidence))]


def _log_gamma_rise(start: npt.NDArray[np.float64], by: npt.NDArray[np.float64]) -> float:
    """Sum of ln Gamma(start + |by|) - ln Gamma(start), negated where ``by`` is negative."""
    return float(np.sum(np.sign(by) * (_log_gamma(start + np.abs(by)) - _log_gamma(start))))


def _log_gamma(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    digamma, log_gamma = np.empty_like(x), np.empty_like(x)
    gamma_logs(x.ravel(), digamma.ravel(), log_gamma.ravel())
    return log_gamma
