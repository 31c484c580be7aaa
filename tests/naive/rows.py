"""Slow, obvious twins of ``labelaudit.kernels.rows``."""

import math

import numpy as np


def complaint(row, tolerance):
    values = [float(p) for p in row]
    if any(math.isnan(p) for p in values):
        return 1
    if math.inf in values:
        return 2
    if max(values) <= 0 and abs(sum(math.exp(p) for p in values) - 1) <= tolerance:
        return 4
    if -math.inf in values:
        return 2
    if min(values) < 0:
        return 5
    if abs(sum(values) - 100) <= 100 * tolerance + 0.1:
        return 3
    return 6 if max(values) > 1 + tolerance else 7


def row_statuses(labels, probs, tolerance):
    status = []
    for label, row in zip(labels, probs, strict=True):
        total = math.fsum(row) if np.isfinite(row).all() else math.nan
        fine = label < 0 or (min(row) >= 0 and abs(total - 1) <= tolerance)
        status.append(0 if fine else complaint(row, tolerance))
    return np.array(status, np.uint8)


def leading_classes(labels, probs):
    n_classes = probs.shape[1]
    classes = np.full((len(probs), 3), -1, np.int32)
    leading = np.full((len(probs), 3), -1, probs.dtype)
    for i, row in enumerate(probs):
        best = sorted(range(n_classes), key=lambda k: (-row[k], k))[:3]
        classes[i, : len(best)] = best
        leading[i, : len(best)] = row[best]
    given = [row[y] if y >= 0 else 0 for y, row in zip(labels, probs, strict=True)]
    return classes, leading, np.array(given, probs.dtype)


def entropies(probs, wanted):
    n_classes = probs.shape[1]
    result = np.zeros(len(probs))
    for i, row in enumerate(probs):
        if wanted[i] and n_classes > 1:
            result[i] = -math.fsum(float(p) * math.log(p) for p in row if p > 0)
            result[i] /= math.log(n_classes)
    return result


def leading_classes_single(labels, probs):
    return leading_classes(labels, probs)
