"""The channel of one error rate for all classes, fitted without going over the rows again.

Under one rate e a wrong label is the likelier the greater e / (1 - e), and by the same factor in
every row: two numbers of each row say all that the fit needs of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel.model import LEAST, Channel
from labelaudit.kernels.channel import other_sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["Sides", "even_channel", "fitted_rate", "has_one_rate", "rate_of"]

MOST_STEPS = 60
STILL = 1e-4


def has_one_rate(channel: Channel) -> bool:
    """Say whether one row of the channel serves all labels."""
    return len(channel.other) == 1 < len(channel.own)


def even_channel(frequencies: npt.NDArray[np.float64]) -> Channel:
    """Return the channel under which every other label is wrong."""
    return Channel.of_rate(0.5, frequencies)


def rate_of(channel: Channel, frequencies: npt.NDArray[np.float64]) -> float:
    """Return the error rate that ``Channel.of_rate`` was called with."""
    rest = 1.0 - float(frequencies[0])
    return float(channel.other[0, 0]) * (rest if rest > 0.0 else 1.0)


@dataclass(frozen=True, slots=True)
class Sides:
    """What speaks against and for the label of each of n rows, up to a factor of the row.

    Attributes
    ----------
    wrong, right : (n,) float64
        Sum over the other classes of probability and channel, and the same of the given class.
    """

    wrong: npt.NDArray[np.float64]
    right: npt.NDArray[np.float64]

    @classmethod
    def of(
        cls, channel: Channel, probs: npt.NDArray[np.floating], labels: npt.NDArray[np.int32]
    ) -> Sides:
        """Look at rows under a channel of one rate.

        Parameters
        ----------
        channel : Channel
        probs : (n, K) float
            Distributions over true classes, of any sum.
        labels : (n,) int32
        """
        wrong = np.empty(len(labels))
        other_sums(probs, labels, channel.other[0], wrong)
        given = probs[np.arange(len(labels)), labels]
        return cls(wrong, given * channel.own[labels])

    @classmethod
    def joined(cls, parts: Sequence[Sides]) -> Sides:
        """Join those of consecutive rows."""
        return cls(
            np.concatenate([part.wrong for part in parts]),
            np.concatenate([part.right for part in parts]),
        )

    def errors(self, rate: float = 0.5) -> float:
        """Return the expected number of wrong labels, where an even channel has this rate."""
        wrong = rate * self.wrong
        return float(np.sum(wrong / (wrong + (1.0 - rate) * self.right)))


def fitted_rate(sides: Sides, start: float, frequencies: npt.NDArray[np.float64]) -> Channel:
    """Fit the rate by expectation-maximisation: at most 60 steps, until it moves by less than 1e-4.

    Parameters
    ----------
    sides : Sides
        Under ``even_channel``.
    start : float
    frequencies : (K,) float64
    """
    rate = start
    for _ in range(MOST_STEPS):
        before, rate = rate, sides.errors(rate) / len(sides.wrong)
        rate = max(rate, LEAST)
        if abs(rate - before) < STILL:
            break
    return Channel.of_rate(rate, frequencies)
