"""The channel by expectation-maximisation over soft counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from itertools import pairwise
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel.model import LEAST, Channel
from labelaudit.audits.channel.rate import (
    Sides,
    even_channel,
    fitted_rate,
    has_one_rate,
    rate_of,
)
from labelaudit.kernels.channel import channel_counts, renew_channel
from labelaudit.running import each
from labelaudit.summaries.ordering import label_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.running import Executor

__all__ = [
    "CONCENTRATION",
    "START",
    "Prior",
    "SoftCounts",
    "Weighed",
    "concentration",
    "counted",
    "expected_wrong",
    "fitted",
]

CONCENTRATION = 500.0
START = 0.2
"""The error rate at which the expectation-maximisation starts: four labels in five are right."""

CONCENTRATIONS = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)
MOST_STEPS = 60
STILL = 1e-4
BLOCK_NUMBERS = 1 << 15
GROUPS = 8
HALF_LOG_TWO_PI = 0.9189385332046727


@dataclass(frozen=True, slots=True)
class Weighed:
    """Rows with a distribution over true classes.

    Attributes
    ----------
    labels : (n,) int32
    probs : (n, K) float
        Rows may have any sum.
    """

    labels: npt.NDArray[np.int32]
    probs: npt.NDArray[np.floating]

    def by_label(self) -> Weighed:
        """Return the rows with ascending labels, of equal ones in their order."""
        if (self.labels[1:] >= self.labels[:-1]).all():
            return self
        order = label_order(self.labels)
        return Weighed(self.labels[order], self.probs[order])

    def of_labels(self, labels: slice) -> Weighed:
        """Return the rows of some labels, which must be ascending."""
        start, stop = np.searchsorted(self.labels, [labels.start, labels.stop])
        return Weighed(self.labels[start:stop], self.probs[start:stop])


@dataclass(frozen=True, slots=True)
class SoftCounts:
    """Posterior rows of each true class under each given label.

    Attributes
    ----------
    other : (K, K) float64
        0 on the diagonal.
    own : (K,) float64
        The diagonal.
    true : (K,) float64
        Of each true class, whatever the label.
    wrong : float
        Expected number of wrong labels.
    rows : int
    """

    other: npt.NDArray[np.float64]
    own: npt.NDArray[np.float64]
    true: npt.NDArray[np.float64]
    wrong: float
    rows: int

    @property
    def error(self) -> float:
        """Expected share of wrong labels."""
        return self.wrong / self.rows

    @property
    def square(self) -> npt.NDArray[np.float64]:
        """(K, K) float64: with the diagonal."""
        whole = self.other.copy()
        np.fill_diagonal(whole, self.own)
        return whole


@dataclass(frozen=True, slots=True)
class _Group:
    """The rows of some labels, which one thread counts at a time.

    Attributes
    ----------
    labels : slice
    parts : list of Weighed
    """

    labels: slice
    parts: list[Weighed]


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

    def spread(
        self,
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return what wrong labels are believed to be: given[j] true[k] + flat[k], (K,) each."""
        rest = 1.0 - self.frequencies
        true = np.where(rest > 0.0, 1.0 / np.where(rest > 0.0, rest, 1.0), 0.0)
        flat = np.where(rest > 0.0, 0.0, 1.0 / max(len(rest) - 1, 1))
        return self.frequencies, true, flat

    def matrix(self, error: float) -> npt.NDArray[np.float64]:
        """Return the believed channel, (K, K), columns summing to 1."""
        given, true, flat = self.spread()
        shares: npt.NDArray[np.float64] = error * (np.multiply.outer(given, true) + flat)
        np.fill_diagonal(shares, 1.0 - error)
        return shares

    def start(self, square: bool) -> Channel:
        """Return where the expectation-maximisation starts."""
        if not square:
            return Channel.of_rate(START, self.frequencies)
        n_classes = len(self.frequencies)
        return Channel.of_matrix((1.0 - START) * np.eye(n_classes) + START / n_classes)

    def even(self, error: float, square: bool) -> Channel:
        """Return the believed channel itself."""
        if not square:
            return Channel.of_rate(error, self.frequencies)
        return Channel.of_matrix(self.matrix(error))


def expected_wrong(channel: Channel, rows: Sequence[Weighed], on: Executor | None = None) -> float:
    """Return how many labels are expected to be wrong under a channel."""
    if not has_one_rate(channel):
        return counted(channel, rows, on).wrong
    return sum(part.errors() for part in each(partial(_sides, channel), rows, on))


def _sides(channel: Channel, rows: Weighed) -> Sides:
    return Sides.of(channel, rows.probs, rows.labels)


def fitted(rows: Sequence[Weighed], start: Channel, prior: Prior, on: Executor | None) -> Channel:
    """Fit the channel, at most 60 steps, until no entry moves by 1e-4."""
    if has_one_rate(start):
        sides = Sides.joined(list(each(partial(_sides, even_channel(prior.frequencies)), rows, on)))
        return fitted_rate(sides, rate_of(start, prior.frequencies), prior.frequencies)
    groups = _groups(rows, len(start.own))
    channel, room = start, np.empty_like(start.other)
    for _ in range(MOST_STEPS):
        counts = _counted(channel, groups, on, room)
        after, moved = _renewed(channel, counts, prior, on)
        room = np.empty_like(room) if channel is start else channel.other
        channel = after
        if moved < STILL:
            break
    return channel


def counted(channel: Channel, rows: Sequence[Weighed], on: Executor | None = None) -> SoftCounts:
    """Count the posteriors of all rows under a square channel."""
    groups = _groups(rows, len(channel.own))
    return _counted(channel, groups, on, np.empty_like(channel.other))


def _groups(rows: Sequence[Weighed], n_classes: int) -> list[_Group]:
    """Put rows into a few groups of about one size, by their labels."""
    rows = [part.by_label() for part in rows]
    counts = sum(np.bincount(part.labels, minlength=n_classes) for part in rows)
    # Rows of labels of their own cost as much as some of their table.
    ahead = np.cumsum(counts + 1)
    bounds = np.searchsorted(ahead, ahead[-1] * np.arange(1, GROUPS) / GROUPS) + 1
    ends = np.unique([0, *np.minimum(bounds, n_classes), n_classes]).tolist()
    slices = [slice(start, stop) for start, stop in pairwise(ends)]
    return [_Group(labels, [part.of_labels(labels) for part in rows]) for labels in slices]


def _counted(
    channel: Channel,
    groups: Sequence[_Group],
    on: Executor | None,
    room: npt.NDArray[np.float64],
) -> SoftCounts:
    """Count the posteriors of all groups in the given room, which is large."""

    def count(group: _Group) -> SoftCounts:
        counts, other = room[group.labels], channel.other[group.labels]
        counts[:] = 0.0
        wrong, rows = 0.0, 0
        for part in group.parts:
            rows += len(part.labels)
            wrong += channel_counts(
                part.probs, part.labels, group.labels.start, channel.other, channel.own, counts
            )
        own = np.diagonal(counts, group.labels.start) * channel.own[group.labels]
        true = np.zeros(len(channel.own))
        true[group.labels] = own
        for at in _tiles(*counts.shape):
            counts[at] *= other[at]
            true += counts[at].sum(axis=0)
        return SoftCounts(counts, own, true, wrong, rows)

    found = list(each(count, groups, on))
    return SoftCounts(
        room,
        np.concatenate([part.own for part in found]),
        reduce(add, [part.true for part in found]),
        sum(part.wrong for part in found),
        sum(part.rows for part in found),
    )


def _tiles(rows: int, n_classes: int) -> Iterator[slice]:
    """Cut rows of a square so that they stay in the cache while they are worked on."""
    step = max(1, BLOCK_NUMBERS // n_classes)
    return (slice(start, start + step) for start in range(0, rows, step))


def _renewed(
    before: Channel, counts: SoftCounts, prior: Prior, on: Executor | None
) -> tuple[Channel, float]:
    """Return the most probable channel given soft counts, and the largest change of an entry.

    The counts are written over.
    """
    n_classes, believed = len(counts.own), prior.weight * counts.error
    own = counts.own + prior.weight * (1.0 - counts.error)
    share = 1.0 / (counts.true - counts.own + own + (believed if n_classes > 1 else 0.0))
    given, true, flat = prior.spread()
    true, flat = believed * share * true, np.maximum(believed * share * flat, LEAST)

    def renew(at: slice) -> npt.NDArray[np.float64]:
        moved = np.zeros(n_classes)
        rows = counts.other[at], before.other[at], at.start, given[at]
        renew_channel(*rows, true, flat, share, moved)
        return moved

    own = np.maximum(own * share, LEAST)
    moved = [np.abs(own - before.own), *each(renew, _tiles(n_classes, n_classes), on)]
    return Channel(counts.other, own), float(np.max(moved))


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
    believed, whole = np.maximum(Prior(frequencies, 1.0).matrix(counts.error), 1e-12), counts.square
    present = counts.true
    evidence = [
        _log_gamma_rise(np.full(len(present), weight), -present)
        + _log_gamma_rise(weight * believed, whole)
        for weight in CONCENTRATIONS
    ]
    return CONCENTRATIONS[int(np.argmax(evidence))]


def _log_gamma_rise(start: npt.NDArray[np.float64], by: npt.NDArray[np.float64]) -> float:
    """Sum of ln Gamma(start + |by|) - ln Gamma(start), negated where ``by`` is negative."""
    return float(np.sum(np.sign(by) * (_log_gamma(start + np.abs(by)) - _log_gamma(start))))


def _log_gamma(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return ln Gamma by Stirling's series, from 8 further up; to about 12 digits."""
    rising, above = x.copy(), x + 8.0
    for more in range(1, 8):
        rising *= x + more
    inverse = 1.0 / above
    square = inverse * inverse
    series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
    logs: npt.NDArray[np.float64] = (above - 0.5) * np.log(above) - above + HALF_LOG_TWO_PI
    return logs + series - np.log(rising)
