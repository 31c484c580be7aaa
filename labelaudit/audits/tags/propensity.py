"""One class's propensities and recalibration, fitted on its counts: docs/methods/missing-positives.

All figures come from counts by group and bin of the logit; no row is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.tag_propensity import fit_propensity
from labelaudit.summaries.tag_logits import BINS, HIGHEST, bin_logits

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.summaries.tag_logits import ClassCells

__all__ = [
    "ClassFit",
    "Counts",
    "Held",
    "expit",
    "fit_class",
    "groups_differ",
    "missing_share",
    "refitted",
    "scaled_logits",
]

HOLD = 1e12
"""So many positives seen beforehand hold a propensity where it is."""

_MOST_STEPS = 60
_CLOSEST = 1e-4
_FEWEST_GAINED = 1.0
_CEILINGS = (1.002, 1.02, 1.05, 1.15, 1.3, 1.6, 2.0, 2.6)
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

    def resampled(self, rng: np.random.Generator) -> Counts:
        """Draw as many rows of each kind as another sample might have had."""
        given, rest = rng.poisson(self.given), rng.poisson(self.rest)
        return replace(self, given=given.astype(np.float64), rest=rest.astype(np.float64))

    def in_one_group(self) -> Counts:
        """Forget the groups."""
        return replace(self, group=np.zeros_like(self.group), n_groups=1)

    def by_group(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Add (m,) values up for each group."""
        sums = np.bincount(self.group, weights=values, minlength=self.n_groups)
        return sums.astype(np.float64)


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
        """Believe next to nothing: half a positive given, half a one not (Jeffreys)."""
        return cls(np.full(n_groups, 0.5), np.ones(n_groups))

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
    """logit(min(p / ceiling, 1 - 1e-4)) for logits of p; unchanged where the ceiling is 1."""
    share = np.minimum(expit(logits) / ceiling, 1.0 - _CLOSEST)
    # log(share / (1 - share)), in a form that is exact for small p.
    scaled = np.log(share) - np.log1p(-share)
    return np.where(np.asarray(ceiling) < 1.0, scaled, np.clip(logits, -HIGHEST, HIGHEST))


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
        np.concatenate([[0.01, 0.25], held.strength]),
        theta,
        steps,
    )
    return ClassFit(theta, fit.ceiling, float(value))


def fit_class(counts: Counts, held: Held) -> ClassFit:
    """Fit one class; a ceiling below 1 is taken only where it is clearly more probable.

    A model trained on the given labels of rows of all groups says p = e f with a mean e, so that
    its p ends at e and not at 1; one with a logistic end does not. The likelihood decides.
    """
    start = np.zeros(2 + counts.n_groups)
    best = refitted(ClassFit(start, 1.0, -np.inf), counts, held)
    chosen = best
    for ceiling in _ceilings(counts):
        fit = refitted(ClassFit(start, ceiling, -np.inf), counts, held)
        if fit.value > max(best.value + _FEWEST_GAINED, chosen.value):
            chosen = fit
    return chosen


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
