"""Slow, obvious twins of ``labelaudit.kernels.joint``."""

from fractions import Fraction

import numpy as np


def class_sums(labels, values, n_classes):
    sums = np.zeros((3, n_classes), np.int64)
    for k in range(n_classes):
        units = [round(Fraction(float(v)) * 2**52) for v in values[labels == k]]
        sums[0, k] = len(units)
        sums[1, k] = sum(unit // 2**26 for unit in units)
        sums[2, k] = sum(unit % 2**26 for unit in units)
    return sums


def confident_classes(classes, leading, reach, most_probable):
    """Decide by trying what the classes that are not among the leading ones could be."""
    n_classes = len(reach)
    result = []
    for names, probs in zip(classes.tolist(), leading.tolist(), strict=True):
        known = {k: p for k, p in zip(names, probs, strict=True) if k >= 0}
        inside = [k for k, p in known.items() if p >= reach[k]]
        others = n_classes > 3 and probs[2] >= min(reach)
        first = inside[0] if inside else None
        if most_probable and len(inside) > 1:
            result.append(names[0])
        elif first is not None and (first == names[0] or not most_probable):
            result.append(first)
        elif others:
            result.append(-2)
        else:
            result.append(-1 if first is None else first)
    return np.array(result, np.int32)


def pair_counts(given, true, n_classes):
    counts = np.zeros(n_classes * n_classes, np.int64)
    for i, j in zip(given.tolist(), true.tolist(), strict=True):
        if i >= 0 and j >= 0:
            counts[i * n_classes + j] += 1
    return counts
