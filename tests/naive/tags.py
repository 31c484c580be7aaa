"""Slow, obvious twin of ``labelaudit.kernels.tags``."""

import math
from fractions import Fraction

import numpy as np


def known(given, probs):
    """Yield the cells that take part: row, class, given, P(absent), P(present)."""
    for i, k in np.ndindex(given.shape):
        if given[i, k] >= 0 and not np.isnan(probs[i, k]):
            yield i, k, given[i, k], probs.dtype.type(1) - probs[i, k], probs[i, k]


def add_exactly(place, value):
    units = round(Fraction(float(value)) * 2**52)
    place[0] += units // 2**26
    place[1] += units % 2**26


def tally_tags(given, probs, bins, one, counts, sums):
    for k in range(given.shape[1]):
        for y in (0, 1):
            unknown = np.isnan(probs[:, k]) & (given[:, k] == y)
            counts[k, y, -1] += unknown.sum()
    for i, k, y, absent, present in known(given, probs):
        counts[k, y, bins[i, k]] += 1
        add_exactly(sums[k, y], present if y == 1 else absent)


def fit_tags(counts, logits, believed, steps):
    mean_m, weight_m, share_x, weight_x, ridge, moves = believed
    fitted = np.empty((len(counts), 4))
    for k, (without, with_it) in enumerate(counts.astype(float)):
        cells = without + with_it
        odds = with_it.sum() / max(without.sum(), 1)
        mean_x = min(max(share_x * odds, 1e-9), 0.5)
        line, m, x = np.array([0.0, 1.0]), mean_m, mean_x
        features = np.stack([np.ones_like(logits), logits])
        for _ in range(steps):
            f = 1 / (1 + np.exp(-(line @ features)))
            positive = with_it * f * (1 - m) / (f * (1 - m) + (1 - f) * x)
            missed = without * f * m / (f * m + (1 - f) * (1 - x))
            extra = with_it - positive
            present = positive.sum() + missed.sum()
            m = (missed.sum() + mean_m * weight_m) / (present + weight_m)
            x = (extra.sum() + mean_x * weight_x) / (cells.sum() - present + weight_x)
            m, x = np.clip([m, x], 1e-9, 0.9)
            gradient = features @ (positive + missed - cells * f)
            gradient -= ridge * (line - [0.0, 1.0])
            curvature = (features * (cells * f * (1 - f))) @ features.T + ridge * np.eye(2)
            if moves and np.linalg.det(curvature) > 0:
                line = line + np.linalg.solve(curvature, gradient)
                line = np.clip(line, [-10, 0.05], [10, 5])
        fitted[k] = line[1], line[0], m, x
    return fitted


def pick_tags(given, probs, bins, one, reach, cuts, joint, found):
    picked = 0
    for i, k, y, absent, present in known(given, probs):
        enough = zip((absent, present), reach[k], strict=True)
        reached = [(p, c) for c, (p, least) in enumerate(enough) if p >= least]
        confident = max(reached, key=lambda pair: (pair[0], -pair[1]))[1] + 1 if reached else 0
        if confident:
            joint[k, y, confident - 1] += 1
        likely = int(present > absent)
        beyond = bins[i, k] <= cuts[k, 1] if y else bins[i, k] >= cuts[k, 0]
        if beyond or likely != y:
            found[picked] = (i * given.shape[1] + k) * 4 + confident
            picked += 1
    return picked


def quality(y, absent, present, line, kind):
    if kind == 0:
        p = min(max(present, 1e-6), 1 - 1e-6)
        return 1 / (1 + math.exp(-(line[2 * y] * math.log(p / (1 - p)) + line[2 * y + 1])))
    absent, present = absent + line[4], present + line[5]
    own = (present if y else absent) / (absent + present)
    if kind == 1:
        return own
    entropy = -sum(p * math.log2(p) for p in (own, 1 - own) if p > 0)
    weight = entropy / max(own, 1e-6)
    return math.log1p(weight) / weight if weight > 0 else 1.0


def score_tags(given, probs, one, lines, shape, sums):
    rows = [[] for _ in given]
    for i, k, y, absent, present in known(given, probs):
        if not np.isnan(lines[k, 0]):
            found = quality(y, float(absent), float(present), lines[k], shape[0])
            rows[i].append(found)
            sums[k, 0] += 1
            add_exactly(sums[k, 1:], found)
    return np.array([of_row(np.array(row), shape[1], shape[2]) for row in rows])


def of_row(scores, kind, setting):
    if len(scores) == 0:
        return np.nan
    if kind == 0:
        weights = np.exp((1 - scores) / setting)
        return (scores * weights).sum() / weights.sum()
    e = scores.max()
    for s in np.sort(scores)[-2::-1]:
        e = setting * s + (1 - setting) * e
    return e
