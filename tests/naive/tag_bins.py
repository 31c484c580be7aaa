"""Slow, obvious twins of ``labelaudit.kernels.tag_bins``."""

import math

import numpy as np


def bin_of(prob, lowest, bins):
    if math.isnan(prob):
        return bins
    width = -2 * lowest / bins
    logit = {0.0: -math.inf, 1.0: math.inf}.get(prob)
    if logit is None:
        logit = math.log(prob) - math.log1p(-prob)
    edges = lowest + width * np.arange(1, bins)
    return int((edges <= logit).sum())


def count_bins(given, probs, group, first, lowest, counts):
    bins = counts.shape[2] - 1
    for i, k in np.argwhere(given >= 0):
        if group[i] >= 0 and first <= k < first + len(counts):
            where = bin_of(float(probs[i, k]), lowest, bins)
            counts[k - first, group[i], where, given[i, k]] += 1
