"""What a row's score is made of: how far each of its tags is to be doubted.

The posterior of a channel of two error rates for each class, fitted on counts by bin, half-way to
the probability itself where the model tells little: docs/methods/row-scores.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["RowLines", "fit_row_lines"]

STEPS = 60
SHARPNESS = 2.0
"""The slope that curves start from, and that they are drawn half-way towards."""

POOLED = 500.0
"""The error rates of all classes count for each class like so many positives."""

MISSING = 0.05
SLOPE_WEIGHT = 20.0
OFFSET_WEIGHT = 4.0
MOST_LOGIT = 6.9
"""In fitting, probabilities below .001 count as that, and those above .999."""

SHARP = 0.1
SOFT = 0.3
NOTHING_TOLD = 0.12
ALL_TOLD = 0.24


@dataclass(frozen=True, slots=True)
class RowLines:
    """Logits of the quality of each class's tags, for the scores of rows.

    Attributes
    ----------
    lines : (K, 2, 2) float64
        Of absent and of present: slope and offset, by the logit of the probability.
    weight : float
        Of the channel's posterior; the rest is the probability itself.
    discrimination : float
        Mean over classes of the mean probability of rows given the class less that of the others
        (Tjur 2009).
    """

    lines: npt.NDArray[np.float64]
    weight: float
    discrimination: float

    @property
    def temperature(self) -> float:
        """Of the softmin: where the model tells much, several doubted tags weigh more than one."""
        return SHARP + (SOFT - SHARP) * self.weight


@dataclass(frozen=True, slots=True)
class _Cells:
    """Cells of some rows: class, given (0 or 1), logit and number of rows."""

    tag: npt.NDArray[np.int64]
    given: npt.NDArray[np.int64]
    logit: npt.NDArray[np.float64]
    rows: npt.NDArray[np.float64]
    n_classes: int

    def sums(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(K,) sums of values over the rows."""
        total = np.bincount(self.tag, weights=self.rows * values, minlength=self.n_classes)
        return total.astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Channel:
    """P(truly present) = expit(offset + slope z); the rates of missing and of extra tags."""

    slope: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    missing: npt.NDArray[np.float64]
    extra: npt.NDArray[np.float64]


def fit_row_lines(counts: npt.NDArray[np.int64], logits: npt.NDArray[np.float64]) -> RowLines:
    """Fit the qualities that a row's score is made of.

    Parameters
    ----------
    counts : (K, 2, B) int64
        Cells of known probability by class, given, and bin of the probability.
    logits : (B,) float64
        The logit of each bin.
    """
    n_classes = len(counts)
    tag, given, place = np.nonzero(counts)
    near = np.clip(logits, -MOST_LOGIT, MOST_LOGIT)[place]
    rows = counts[tag, given, place].astype(np.float64)
    cells = _Cells(tag, given, near, rows, n_classes)
    itself = np.tile(np.array([[-1.0, 0.0], [1.0, 0.0]]), (n_classes, 1, 1))
    told = _discrimination(cells)
    weight = min(max((told - NOTHING_TOLD) / (ALL_TOLD - NOTHING_TOLD), 0.0), 1.0)
    if weight == 0.0:
        return RowLines(itself, weight, told)
    fit = _fitted(cells)
    ratio_absent = np.log((1.0 - fit.extra) / fit.missing)
    ratio_present = np.log((1.0 - fit.missing) / fit.extra)
    absent = np.stack([-fit.slope, ratio_absent - fit.offset], axis=1)
    present = np.stack([fit.slope, ratio_present + fit.offset], axis=1)
    posterior = np.stack([absent, present], axis=1)
    return RowLines(weight * posterior + (1.0 - weight) * itself, weight, told)


def _discrimination(cells: _Cells) -> float:
    """Mean of Tjur's coefficient over the classes with both kinds of rows."""
    probs = 1.0 / (1.0 + np.exp(-cells.logit))
    present = cells.given.astype(np.float64)
    with_it, without = cells.sums(present), cells.sums(1.0 - present)
    both = (with_it > 0.0) & (without > 0.0)
    if not both.any():
        return 0.0
    high = cells.sums(present * probs)[both] / with_it[both]
    low = cells.sums((1.0 - present) * probs)[both] / without[both]
    return float(np.maximum(high - low, 0.0).mean())


def _fitted(cells: _Cells) -> _Channel:
    """Expectation-maximisation, with one Newton step on the curves in each step."""
    present = cells.given == 1
    share = cells.sums(present.astype(np.float64)) / np.maximum(
        cells.sums(np.ones(len(present))), 1.0
    )
    k = cells.n_classes
    channel = _Channel(
        np.full(k, SHARPNESS),
        np.zeros(k),
        np.full(k, MISSING),
        np.maximum(MISSING * share, 1e-6),
    )
    for _ in range(STEPS):
        truly = _truly(cells, channel, present)
        channel = _moved(cells, channel, truly, present)
    return channel


def _curve(cells: _Cells, channel: _Channel) -> npt.NDArray[np.float64]:
    """P(truly present) of each cell, whatever is given."""
    logit = channel.offset[cells.tag] + channel.slope[cells.tag] * cells.logit
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def _truly(
    cells: _Cells, channel: _Channel, present: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """P(truly present) of each cell, knowing what is given."""
    f = _curve(cells, channel)
    missing, extra = channel.missing[cells.tag], channel.extra[cells.tag]
    one = f * np.where(present, 1.0 - missing, missing)
    other = (1.0 - f) * np.where(present, extra, 1.0 - extra)
    return np.asarray(one / (one + other))


def _moved(
    cells: _Cells,
    channel: _Channel,
    truly: npt.NDArray[np.float64],
    present: npt.NDArray[np.bool_],
) -> _Channel:
    """Return the rates and the curves that fit these truths better."""
    missed, true = cells.sums(truly * ~present), cells.sums(truly)
    extra, false = cells.sums((1.0 - truly) * present), cells.sums(1.0 - truly)
    rate_missing = (missed.sum() + 1.0) / (true.sum() + 1.0 / MISSING)
    rate_extra = extra.sum() / max(false.sum(), 1.0)
    # As much belief in extra tags as in missing ones, counted in rows without the class.
    weight = POOLED * false.sum() / max(true.sum(), 1.0)
    slope, offset = _newton(cells, channel, truly)
    return _Channel(
        slope,
        offset,
        np.clip((missed + POOLED * rate_missing) / (true + POOLED), 1e-6, 0.9),
        np.clip((extra + weight * rate_extra) / (false + weight), 1e-6, 0.5),
    )


def _newton(
    cells: _Cells, channel: _Channel, truly: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Take one bounded step of a logistic fit of the truths on the logits."""
    f = _curve(cells, channel)
    spread, off = f * (1.0 - f), truly - f
    middle = (channel.slope.mean() + SHARPNESS) / 2.0
    by_offset = cells.sums(off) - OFFSET_WEIGHT * channel.offset
    by_slope = cells.sums(off * cells.logit) - SLOPE_WEIGHT * (channel.slope - middle)
    h00 = cells.sums(spread) + OFFSET_WEIGHT
    h01 = cells.sums(spread * cells.logit)
    h11 = cells.sums(spread * cells.logit * cells.logit) + SLOPE_WEIGHT
    area = h00 * h11 - h01 * h01
    up = np.clip((h11 * by_offset - h01 * by_slope) / area, -0.5, 0.5)
    steeper = np.clip((h00 * by_slope - h01 * by_offset) / area, -0.3, 0.3)
    return np.clip(channel.slope + steeper, 0.2, 5.0), channel.offset + up
