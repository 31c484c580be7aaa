"""Slow, obvious twins of ``labelaudit.kernels.tag_propensity``.

The likelihood is written as in the papers; its derivatives are those of finite differences, and
the maximum is found by expectation-maximisation (Bekker, Davis 2018), which knows nothing of
either.
"""

import numpy as np


def expit(x):
    return 1 / (1 + np.exp(-np.asarray(x, float)))


def log_given(logit, group, theta):
    """log P(given) of each cell."""
    f = expit(theta[0] + np.exp(theta[1]) * logit)
    return np.log(f * expit(theta[2:])[group])


def log_likelihood(logit, group, given, rest, theta):
    mu = np.exp(log_given(logit, group, theta))
    return float((given * np.log(mu) + rest * np.log(1 - mu)).sum())


def log_prior(theta, center, strength):
    normal = -0.5 * strength[:2] * (theta[:2] - center[:2]) ** 2
    e = expit(theta[2:])
    beta = strength[2:] * (center[2:] * np.log(e) + (1 - center[2:]) * np.log(1 - e))
    return float(normal.sum() + beta.sum())


def slopes(function, theta, width=1e-5):
    """Derivatives by central differences; one row per parameter."""
    rows = []
    for p in range(len(theta)):
        step = np.zeros(len(theta))
        step[p] = width
        rows.append((function(theta + step) - function(theta - step)) / (2 * width))
    return np.array(rows)


def _kept(full, info):
    """The parts of an information matrix that are kept."""
    info[0] += full[0]
    info[1, 1:] += full[1, 1:]
    info[2, 2:] += np.diag(full)[2:]


def add_cells(logit, group, given, rest, theta, score, info):
    by = slopes(lambda t: log_given(logit, group, t), theta)
    mu = np.exp(log_given(logit, group, theta))
    score += slopes(lambda t: log_likelihood(logit, group, given, rest, t), theta)
    _kept((by * (given + rest) * mu / (1 - mu)) @ by.T, info)
    return log_likelihood(logit, group, given, rest, theta)


def prior_terms(theta, center, strength, score, info):
    score += slopes(lambda t: log_prior(t, center, strength), theta)
    e = expit(theta[2:])
    _kept(np.diag(np.concatenate([strength[:2], strength[2:] * e * (1 - e)])), info)
    return log_prior(theta, center, strength)


def _weighted_logistic(logit, truly, total, theta, center, strength):
    """Fit expit(a + b logit) to ``truly`` of ``total``; b = exp(theta[1])."""
    for _ in range(8):
        f = expit(theta[0] + np.exp(theta[1]) * logit)
        x = np.stack([np.ones_like(logit), np.exp(theta[1]) * logit])
        score = x @ (truly - total * f) + strength[:2] * (center[:2] - theta[:2])
        info = (x * total * f * (1 - f)) @ x.T + np.diag(strength[:2])
        theta[:2] += np.clip(np.linalg.solve(info, score), -0.5, 0.5)


def fit_propensity(logit, group, given, rest, center, strength, theta, most):
    """Expectation-maximisation: who is truly positive, then how many of them are given."""
    for _ in range(50 * most):
        f = expit(theta[0] + np.exp(theta[1]) * logit)
        e = expit(theta[2:])
        missing = rest * f * (1 - e[group]) / (1 - f * e[group])
        hits = np.bincount(group, given, len(e)) + strength[2:] * center[2:]
        true = np.bincount(group, given + missing, len(e)) + strength[2:]
        share = hits / true
        _weighted_logistic(logit, given + missing, given + rest, theta, center, strength)
        theta[2:] = np.log(share / (1 - share))
    return log_likelihood(logit, group, given, rest, theta) + log_prior(theta, center, strength)


def fit_draws(logit, group, given, rest, center, strength, theta, most):
    for r in range(len(given)):
        fit_propensity(logit, group, given[r], rest[r], center[r], strength, theta[r], most)
