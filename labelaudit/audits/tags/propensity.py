"""One class's propensities and recalibration, fitted on its counts: docs/methods/missing-positives.

All figures come from counts by group and bin of the logit; no row is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.tag_propensity import fit_draws, fit_propensity
from labelaudit.summaries.tag_logits import BINS, HIGHEST, bin_logits

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.summaries.tag_logits import ClassCells

__all__ = [
    "DRAW_STEPS",
    "SHAPE_STRENGTH",
    "ClassFit",
    "Counts",
    "Draws",
    "Held",
    "best_of",
    "expit",
    "fit_class",
    "fits_of",
    "groups_differ",
    "missing_share",
    "refitted",
    "scaled_logits",
    "shared_out",
]

HOLD = 1e12
"""So many positives seen beforehand hold a propensity where it is."""

SHAPE_STRENGTH = np.array([0.01, 0.25])
"""Precisions of what is believed of a and log b."""

DRAW_STEPS = 12
_MOST_STEPS = 60
_CLOSEST = 1e-4
_NO_TIES = 1e-3
_FEWEST_GAINED = 2.0
_CEILINGS = (0.8, 0.9, 1.002, 1.05, 1.15, 1.3, 1.6, 2.0)
# chi-square quantiles at .95 by Wilson and Hilferty (1931) are good to a hundredth.
_Z95_ONE_SIDED = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of one class where p is known.

    Attributes
    ----------
    place, group : (m,) int64
    given, rest : (m,) float64
    n_groups : int
    """

    place: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    given: npt.NDArray[np.float64]
    rest: npt.NDArray[np.float64]
    n_groups: int

    @classmethod
    def of(cls, cells: ClassCells, n_groups: int) -> Counts:
        """Take the cells with a known p."""
        known = cells.place < BINS
        given, rest = cells.given[known], cells.rest[known]
        return cls(
            cells.place[known],
            cells.group[known],
            given.astype(np.float64),
            rest.astype(np.float64),
            n_groups,
        )

    def in_one_group(self) -> Counts:
        """Forget the groups."""
        return replace(self, group=np.zeros_like(self.group), n_groups=1)

    def by_group(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Add (m,) values up for each group."""
        sums = np.bincount(self.group, weights=values, minlength=self.n_groups)
        return sums.astype(np.float64)


@dataclass(frozen=True, slots=True)
class Draws:
    """Counts of one class as other samples might have had them, and what is fitted on each.

    Attributes
    ----------
    logit : (m,) float64
    counts : Counts
    given, rest : (R, m) float64
    """

    logit: npt.NDArray[np.float64]
    counts: Counts
    given: npt.NDArray[np.float64]
    rest: npt.NDArray[np.float64]

    @classmethod
    def of(cls, counts: Counts, ceiling: float, rng: np.random.Generator, n: int) -> Draws:
        """Draw as many rows of each kind as another sample might have had, ``n`` times."""
        size = (n, len(counts.place))
        return cls(
            scaled_logits(bin_logits(), ceiling)[counts.place],
            counts,
            rng.poisson(counts.given, size).astype(np.float64),
            rng.poisson(counts.rest, size).astype(np.float64),
        )

    def under(self, ceiling: float) -> Draws:
        """Return the same draws for another ceiling."""
        return replace(self, logit=scaled_logits(bin_logits(), ceiling)[self.counts.place])

    def fitted(
        self, start: npt.NDArray[np.float64], held: Held, centers: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """(R, 2 + G) parameters, with the propensities believed near (R, G) centers."""
        theta = np.tile(start, (len(self.given), 1))
        hold = held.strength >= HOLD
        inside = np.clip(centers, 1e-9, 1.0 - 1e-9)
        theta[:, 2:][:, hold] = (np.log(inside) - np.log1p(-inside))[:, hold]
        center = np.concatenate([np.zeros((len(theta), 2)), centers], axis=1)
        strength = np.concatenate([SHAPE_STRENGTH, held.strength])
        group = self.counts.group
        fit_draws(self.logit, group, self.given, self.rest, center, strength, theta, DRAW_STEPS)
        return theta

    def positive(self, theta: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(R, m) probability f of being truly positive."""
        return expit(theta[:, :1] + np.exp(theta[:, 1:2]) * self.logit)

    def by_group(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Add (R, m) values up for each group, to (R, G)."""
        groups, starts = np.unique(self.counts.group, return_index=True)
        sums = np.zeros((len(values), self.counts.n_groups))
        sums[:, groups] = np.add.reduceat(values, starts, axis=1)
        return sums


@dataclass(frozen=True, slots=True)
class Held:
    """What is believed of the propensities beforehand.

    Attributes
    ----------
    center : (G,) float64
    strength : (G,) float64
        By how many positives.
    """

    center: npt.NDArray[np.float64]
    strength: npt.NDArray[np.float64]

    @classmethod
    def weakly(cls, n_groups: int) -> Held:
        """Believe next to nothing, a tenth of a true tag.

        A whole one (Jeffreys) drags down the scale of classes that hardly tell it.
        """
        return cls(np.full(n_groups, 0.5), np.full(n_groups, 0.1))

    @classmethod
    def at(cls, propensity: float, n_groups: int) -> Held:
        """Hold all propensities at a value."""
        value = min(propensity, 1.0 - 1e-9)
        return cls(np.full(n_groups, value), np.full(n_groups, HOLD))


@dataclass(frozen=True, slots=True)
class ClassFit:
    """Parameters of one class.

    Attributes
    ----------
    theta : (2 + G,) float64
        a, log b, logit e of each group.
    ceiling : float
        The p that stands for certainty.
    value : float
        Log-likelihood and log-prior.
    """

    theta: npt.NDArray[np.float64]
    ceiling: float
    value: float

    @property
    def propensity(self) -> npt.NDArray[np.float64]:
        """(G,) float64."""
        return expit(self.theta[2:])

    def positive(self, counts: Counts) -> npt.NDArray[np.float64]:
        """(m,) probability f of being truly positive, in each cell."""
        logits = scaled_logits(bin_logits(), self.ceiling)[counts.place]
        return expit(self.theta[0] + np.exp(self.theta[1]) * logits)

    def missing(self, counts: Counts) -> npt.NDArray[np.float64]:
        """(m,) probability of being truly positive if not given, in each cell."""
        return missing_share(self.positive(counts), self.propensity[counts.group])


def expit(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return 1 / (1 + exp(-x)); x is within the few hundreds where exp does not overflow."""
    return 1.0 / (1.0 + np.exp(-np.clip(x, -500.0, 500.0)))


def missing_share(
    positive: npt.NDArray[np.float64], propensity: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """P(truly positive | not given) = f (1 - e) / (1 - f e)."""
    return positive * (1.0 - propensity) / np.maximum(1.0 - positive * propensity, 1e-12)


def scaled_logits(
    logits: npt.NDArray[np.float64], ceiling: npt.NDArray[np.float64] | float
) -> npt.NDArray[np.float64]:
    """logit(min(p / ceiling, 1 - 1e-4)) for logits of p; unchanged where the ceiling is 1.

    A thousandth of the logit of p is added, so that what lies above the ceiling does not tie.
    """
    logits = np.clip(logits, -HIGHEST, HIGHEST)
    share = np.minimum(expit(logits) / ceiling, 1.0 - _CLOSEST)
    # log(share / (1 - share)), in a form that is exact for small p.
    scaled = np.log(share) - np.log1p(-share) + _NO_TIES * logits
    return np.where(np.asarray(ceiling) < 1.0, scaled, logits)


def refitted(fit: ClassFit, counts: Counts, held: Held, steps: int = _MOST_STEPS) -> ClassFit:
    """Fit again from where a fit ended, with the same ceiling."""
    theta = fit.theta.copy()
    hold = held.strength >= HOLD
    theta[2:][hold] = np.log(held.center[hold]) - np.log1p(-held.center[hold])
    value = fit_propensity(
        scaled_logits(bin_logits(), fit.ceiling)[counts.place],
        counts.group,
        counts.given,
        counts.rest,
        np.concatenate([[0.0, 0.0], held.center]),
        np.concatenate([SHAPE_STRENGTH, held.strength]),
        theta,
        steps,
    )
    return ClassFit(theta, fit.ceiling, float(value))


def fit_class(counts: Counts, held: Held) -> ClassFit:
    """Fit one class; a ceiling below 1 is taken only where it is clearly more probable."""
    return best_of(fits_of(counts, held))


def fits_of(counts: Counts, held: Held) -> list[ClassFit]:
    """Fit one class with every ceiling in question, the first of them 1.

    A model trained on the given labels of rows of all groups says p = e f with a mean e, so that
    its p ends at e and not at 1; one with a logistic end does not. The likelihood decides.
    """
    start = np.zeros(2 + counts.n_groups)
    ceilings = (1.0, *_ceilings(counts))
    return [refitted(ClassFit(start, ceiling, -np.inf), counts, held) for ceiling in ceilings]


def best_of(fits: Sequence[ClassFit]) -> ClassFit:
    """Return the most probable fit; of the first, unless another is clearly more probable."""
    best = max(fits, key=lambda fit: fit.value)
    return best if best.value > fits[0].value + _FEWEST_GAINED else fits[0]


def shared_out(fits: Sequence[ClassFit], draws: int) -> list[int]:
    """Share draws out to fits by their likelihoods: how sure the ceiling is."""
    values = np.array([fit.value for fit in fits])
    ends = np.cumsum(np.exp(values - values.max()))
    return [int(n) for n in np.diff(np.rint(ends / ends[-1] * draws), prepend=0.0)]


def _ceilings(counts: Counts) -> list[float]:
    """Return ceilings below 1 that leave nearly all rows, and nearly all given, below them."""
    order = np.argsort(counts.place, kind="stable")
    below = np.cumsum(counts.given[order])
    at = min(int(np.searchsorted(below, 0.99 * below[-1])), len(order) - 1)
    top = float(expit(bin_logits()[counts.place[order[at]]]))
    return [top * factor for factor in _CEILINGS if top * factor < 0.98]


def groups_differ(counts: Counts, fit: ClassFit, held: Held) -> bool:
    """Say whether the groups' propensities differ (likelihood ratio, 5 %)."""
    freedom = len(np.unique(counts.group)) - 1
    if freedom < 1:
        return False
    apart = refitted(fit, counts, Held(held.center, np.full(counts.n_groups, 1e-6)))
    one = counts.in_one_group()
    theta = np.append(fit.theta[:2], np.median(fit.theta[2:]))
    alone = refitted(
        ClassFit(theta, fit.ceiling, 0.0), one, Held(np.array([0.5]), np.array([1e-6]))
    )
    return 2.0 * (apart.value - alone.value) > _chi_square_95(freedom)


def _chi_square_95(freedom: int) -> float:
    part = 2.0 / (9.0 * freedom)
    return float(freedom * (1.0 - part + _Z95_ONE_SIDED * np.sqrt(part)) ** 3)
