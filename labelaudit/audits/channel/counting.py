"""How many labels are wrong: sums over scored rows, and how sure they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.summaries.exact import ExactSum

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.channel.model import ChannelRows

__all__ = ["ChannelSums", "count", "drawn_interval", "error_interval"]

Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class ChannelSums:
    """Sums of the doubt 1 - W_y over rows, exact, so that layouts do not show.

    Attributes
    ----------
    rows : int
        Rows with a label.
    sums : ExactSum of shape (4,)
        Doubt, its square; doubt of twice the sharpness, its square.
    """

    rows: int
    sums: ExactSum

    @classmethod
    def of(cls, scored: ChannelRows) -> ChannelSums:
        """Sum scored rows; those left out have no doubt and are not counted."""
        used = scored.suggested >= 0
        doubt = -np.expm1(scored.score[used])
        twice = 1.0 - scored.quality2[used]
        doubts = np.stack([doubt, doubt * doubt, twice, twice * twice], axis=1)
        return cls(len(doubts), ExactSum.of(doubts))

    def __add__(self, other: ChannelSums) -> ChannelSums:
        return ChannelSums(self.rows + other.rows, self.sums + other.sums)

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """The four sums as floats: E1, its squares, E2, its squares."""
        return self.sums.value()


def count(e2: float, c1: int, n: int) -> int:
    """How many rows to flag.

    Parameters
    ----------
    e2 : float
        Expected number of wrong labels at twice the sharpness.
    c1 : int
        Off-diagonal rows of the calibrated confident joint of softmax(h), from classes with a
        threshold.
    n : int
        Rows with a label.
    """
    return min(max(round((e2 + c1) / 2.0), 0), n)


def error_interval(
    errors: float, doubt: float, squares: float, rows: int, fitted: int | None = None
) -> tuple[float, float]:
    """95 % interval for a share of wrong labels.

    In a mixture of right and wrong labels the rate e has the information
    N Var(x) / (e (1 - e))^2 for rows' posteriors x (Louis 1982): as if N Var(x) / (e (1 - e))
    rows had been seen to be right or wrong. Wilson's interval (1927) for that many rows. It
    holds the chance of sampling rows and of which labels went wrong, and the doubt of the
    posteriors; not whether the model's sharpness is to be believed, which is the other range.

    Parameters
    ----------
    errors : float
        Estimated number of wrong labels, whose share is in the interval.
    doubt, squares : float
        Sums over rows of the posterior probability x of a wrong label, and of its square.
    rows : int
    fitted : int, optional
        Rows that the rate was learnt from, where that is a sample: no others tell anything of it.

    Returns
    -------
    (float, float)
        Lower and upper end, shares of the rows.
    """
    if rows == 0:
        return 0.0, 1.0
    rate = min(max(float(errors) / rows, 0.0), 1.0)
    learnt = rows if fitted is None else min(rows, fitted)
    return _wilson(rate, _seen_rows(float(doubt) / rows, float(squares) / rows, learnt))


def drawn_interval(
    doubt: float, squares: float, rows: int, fitted: int | None = None
) -> tuple[float, float]:
    """95 % interval for the mean of posteriors, for the chance of drawing rows.

    What a bootstrap over rows gives, without drawing: their mean has the variance Var(x) / N, as
    a share of N e (1 - e) / Var(x) rows. Wilson's interval (1927) for that many. The channel is
    held as it was fitted, but for which rows were drawn for fitting it: n of them leave the rate
    the variance (e (1 - e))^2 / Var(x) (1 / n - 1 / N) more (Louis 1982).

    Parameters
    ----------
    doubt, squares : float
        Sums over rows of the posterior probability x of a wrong label, and of its square.
    rows : int
    fitted : int, optional
        Rows that the channel was fitted on, where that is a sample.

    Returns
    -------
    (float, float)
        Lower and upper end, shares of the rows.
    """
    if rows == 0:
        return 0.0, 1.0
    rate = min(max(float(doubt) / rows, 0.0), 1.0)
    certain = rate * (1.0 - rate)
    variance = float(squares) / rows - rate * rate
    least = certain * 1e-6
    if least <= 0.0:
        return _wilson(rate, float(rows))
    share = min(max(variance, least), certain) / certain
    sampled = 0.0 if fitted is None or fitted >= rows else rows / max(fitted, 1) - 1.0
    return _wilson(rate, rows / (share + sampled / share))


def _wilson(rate: float, seen: float) -> tuple[float, float]:
    """Wilson's interval for a share of so many rows."""
    spread = Z95 * Z95 / seen if seen > 0.0 else math.inf
    if not math.isfinite(spread):
        return 0.0, 1.0
    middle = (rate + spread / 2.0) / (1.0 + spread)
    half = math.sqrt(spread * rate * (1.0 - rate) + spread * spread / 4.0) / (1.0 + spread)
    return min(max(middle - half, 0.0), rate), max(min(middle + half, 1.0), rate)


def _seen_rows(mean: float, mean_square: float, rows: int) -> float:
    """How many rows, seen to be right or wrong, tell as much as the posteriors do."""
    certain = mean * (1.0 - mean)
    variance = mean_square - mean * mean
    if certain <= 0.0:
        return float(rows)
    return rows * min(max(variance / certain, 0.0), 1.0)
