"""The channel by expectation-maximisation over soft counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel.model import Channel
from labelaudit.kernels.channel import channel_counts, rate_errors
from labelaudit.kernels.special import gamma_logs
from labelaudit.running import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.running import Executor

__all__ = ["CONCENTRATION", "Prior", "SoftCounts", "Weighed", "concentration", "counted", "fitted"]

CONCENTRATION = 500.0
CONCENTRATIONS = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)
MOST_STEPS = 60
STILL = 1e-4


@dataclass(frozen=True, slots=True)
class Weighed:
    """Rows with a distribution over true classes.

    Attributes
    ----------
    labels : (n,) int32
    probs : (n, K) float64
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

    def __add__(self, other: SoftCounts) -> SoftCounts:
        return SoftCounts(
            self.counts + other.counts, self.wrong + other.wrong, self.rows + other.rows
        )

    @property
    def error(self) -> float:
        """Expected share of wrong labels."""
        return self.wrong / self.rows


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

    def change(self, before: Channel, after: Channel) -> float:
        """Return the largest change of a probability."""
        others = np.abs(after.other - before.other)
        if len(others) == 1 < len(self.frequencies):
            return float((others * (1.0 - self.frequencies)).max())
        return max(float(others.max()), float(np.abs(after.own - before.own).max()))

    def update(self, counts: SoftCounts) -> Channel:
        """Return the most probable channel given soft counts."""
        if len(counts.counts) == 1 < len(self.frequencies):
            return Channel.of_rate(counts.error, self.frequencies)
        matrix = self.matrix(counts.error)
        matrix *= self.weight
        matrix += counts.counts
        matrix /= matrix.sum(axis=0)
        return Channel.of_matrix(matrix)


def counted(channel: Channel, rows: Weighed) -> SoftCounts:
    """Count the rows' posteriors under a channel; wrong ones alone under one rate for all."""
    counts = np.zeros(channel.other.shape)
    if len(channel.other) == 1 < len(channel.own):
        wrong = rate_errors(rows.probs, rows.labels, channel.other[0], channel.own)
        return SoftCounts(counts, wrong, len(rows.labels))
    weights = np.empty(len(channel.own))
    wrong = channel_counts(rows.probs, rows.labels, channel.other, channel.own, weights, counts)
    return SoftCounts(counts, wrong, len(rows.labels))


def _counted_all(channel: Channel, rows: Sequence[Weighed], on: Executor | None) -> SoftCounts:
    """Add the counts of all rows up in their order, in the room of the first: they are large."""
    summaries = each(partial(counted, channel), rows, on)
    first = next(summaries)
    wrong, n = first.wrong, first.rows
    for more in summaries:
        np.add(first.counts, more.counts, out=first.counts)
        wrong, n = wrong + more.wrong, n + more.rows
    return SoftCounts(first.counts, wrong, n)


def fitted(rows: Sequence[Weighed], start: Channel, prior: Prior, on: Executor | None) -> Channel:
    """Fit the channel, at most 60 steps, until no entry moves by 1e-4."""
    channel = start
    for _ in range(MOST_STEPS):
        before, channel = channel, prior.update(_counted_all(channel, rows, on))
        if prior.change(before, channel) < STILL:
            break
    return channel


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
