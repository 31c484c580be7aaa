"""How often true tags are given, and how probable tags are, by maximum likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["add_cells", "fit_draws", "fit_propensity", "prior_terms"]


@kernel
def add_cells(
    logit: npt.NDArray[np.float64],
    group: npt.NDArray[np.int64],
    given: npt.NDArray[np.float64],
    rest: npt.NDArray[np.float64],
    theta: npt.NDArray[np.float64],
    score: npt.NDArray[np.float64],
    info: npt.NDArray[np.float64],
) -> float:
    """Add up log-likelihood, score and Fisher information of P(given) = e f over cells.

    With ``theta = (a, log b, logit e_1, ..., logit e_H)``: f = expit(a + b logit), and e the
    propensity of the cell's group.

    Parameters
    ----------
    logit, given, rest : (m,) float64
        Of each cell the logit, the rows given the tag and the rows not given it.
    group : (m,) int64
    theta, score : (2 + H,) float64, the second changed in place
    info : (3, 2 + H) float64, changed in place
        Rows 0 and 1: information between a, log b and every parameter; row 2: the diagonal.

    Returns
    -------
    float
        The log-likelihood.
    """
    total = 0.0
    a, b = theta[0], np.exp(theta[1])
    for c in range(len(logit)):
        h = 2 + group[c]
        f = 1.0 / (1.0 + np.exp(-(a + b * logit[c])))
        e = 1.0 / (1.0 + np.exp(-theta[h]))
        mu = min(max(e * f, 1e-15), 1.0 - 1e-12)
        total += given[c] * np.log(mu) + rest[c] * np.log1p(-mu)
        by_a, by_e = 1.0 - f, 1.0 - e
        by_b = by_a * b * logit[c]
        pull = given[c] - rest[c] * mu / (1.0 - mu)
        weight = (given[c] + rest[c]) * mu / (1.0 - mu)
        score[0] += pull * by_a
        score[1] += pull * by_b
        score[h] += pull * by_e
        info[0, 0] += weight * by_a * by_a
        info[0, 1] += weight * by_a * by_b
        info[1, 1] += weight * by_b * by_b
        info[0, h] += weight * by_a * by_e
        info[1, h] += weight * by_b * by_e
        info[2, h] += weight * by_e * by_e
    return total


@kernel
def prior_terms(
    theta: npt.NDArray[np.float64],
    center: npt.NDArray[np.float64],
    strength: npt.NDArray[np.float64],
    score: npt.NDArray[np.float64],
    info: npt.NDArray[np.float64],
) -> float:
    """Add what is believed beforehand: a and log b near their centers, e like seen positives.

    Parameters
    ----------
    theta : (2 + H,) float64
    center, strength : (2 + H,) float64
        Normal with this precision for a and log b. For each group: a share, and by how many
        positives it was seen.
    score : (2 + H,) float64, changed in place
    info : (3, 2 + H) float64, changed in place

    Returns
    -------
    float
        The log of the belief, up to a constant.
    """
    total = 0.0
    for p in range(2):
        off = center[p] - theta[p]
        total -= 0.5 * strength[p] * off * off
        score[p] += strength[p] * off
        info[p, p] += strength[p]
    for h in range(2, len(theta)):
        e = 1.0 / (1.0 + np.exp(-theta[h]))
        # log(1 - e) written so that a propensity near 1 loses nothing.
        total += strength[h] * (center[h] * np.log(e) + (1.0 - center[h]) * (np.log(e) - theta[h]))
        score[h] += strength[h] * (center[h] - e)
        info[2, h] += strength[h] * e * (1.0 - e)
    return total


@kernel
def fit_propensity(
    logit: npt.NDArray[np.float64],
    group: npt.NDArray[np.int64],
    given: npt.NDArray[np.float64],
    rest: npt.NDArray[np.float64],
    center: npt.NDArray[np.float64],
    strength: npt.NDArray[np.float64],
    theta: npt.NDArray[np.float64],
    most: int,
) -> float:
    """Maximize the posterior of theta by Fisher scoring, halving steps that do not climb.

    Parameters
    ----------
    logit, group, given, rest, center, strength
        As in ``add_cells`` and ``prior_terms``.
    theta : (2 + H,) float64, changed in place
        Where to begin, and what was found.
    most : int
        Steps at most.

    Returns
    -------
    float
        The log-likelihood and the log-prior at the maximum.
    """
    size = len(theta)
    score, info = np.zeros(size), np.zeros((3, size))
    best = add_cells(logit, group, given, rest, theta, score, info)
    best += prior_terms(theta, center, strength, score, info)
    for _ in range(most):
        # The groups meet only in a and b: they are eliminated one by one.
        left, middle, right = info[0, 0], info[0, 1], info[1, 1]
        first, second = score[0], score[1]
        for h in range(2, size):
            share = 1.0 / (info[2, h] + 1e-9)
            left -= info[0, h] * info[0, h] * share
            middle -= info[0, h] * info[1, h] * share
            right -= info[1, h] * info[1, h] * share
            first -= info[0, h] * score[h] * share
            second -= info[1, h] * score[h] * share
        area = max(left * right - middle * middle, 1e-12)
        step = np.zeros(size)
        step[0] = (right * first - middle * second) / area
        step[1] = (left * second - middle * first) / area
        for h in range(2, size):
            known = info[0, h] * step[0] + info[1, h] * step[1]
            step[h] = (score[h] - known) / (info[2, h] + 1e-9)
        step *= min(1.0, 2.0 / np.max(np.abs(step) + 1e-300))
        gain = -np.inf
        for _halving in range(12):
            trial = theta + step
            score[:] = 0.0
            info[:] = 0.0
            value = add_cells(logit, group, given, rest, trial, score, info)
            value += prior_terms(trial, center, strength, score, info)
            gain = value - best
            if gain >= 0.0:
                theta[:] = trial
                best = value
                break
            step *= 0.5
        if gain < 1e-7:
            break
    return best


@kernel
def fit_draws(
    logit: npt.NDArray[np.float64],
    group: npt.NDArray[np.int64],
    given: npt.NDArray[np.float64],
    rest: npt.NDArray[np.float64],
    center: npt.NDArray[np.float64],
    strength: npt.NDArray[np.float64],
    theta: npt.NDArray[np.float64],
    most: int,
) -> None:
    """Fit each of R draws of the counts, from where its row of theta is.

    Parameters
    ----------
    logit, group : (m,)
    given, rest : (R, m) float64
    center : (R, 2 + H) float64
    strength : (2 + H,) float64
    theta : (R, 2 + H) float64, changed in place
    most : int
        Steps at most.
    """
    for r in range(len(given)):
        fit_propensity(logit, group, given[r], rest[r], center[r], strength, theta[r], most)
