"""Slow, obvious twins of ``labelaudit.kernels.rows``."""

import math

import numpy as np

from tests.naive.channel import successor


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


def unsound_rows(labels, probs, tolerance, unsound):
    for i, (label, row) in enumerate(zip(labels, probs, strict=True)):
        total = math.fsum(row) if np.isfinite(row).all() else math.nan
        fine = label < 0 or (min(row) >= 0 and abs(total - 1) <= tolerance)
        unsound[i] = not fine


def leading_classes(labels, probs, classes, leading, given):
    n_classes = probs.shape[1]
    classes[:], leading[:] = -1, -1
    for i, row in enumerate(probs):
        best = sorted(range(n_classes), key=lambda k: (-row[k], k))[:3]
        classes[i, : len(best)] = best
        leading[i, : len(best)] = row[best]
        given[i] = row[labels[i]] if labels[i] >= 0 else 0


def leading_classes_single(labels, probs, classes, leading, given):
    floats = [array.view(np.float32) for array in (probs, leading, given)]
    leading_classes(labels, floats[0], classes, *floats[1:])


def leading_classes_wide(labels, probs, classes, leading, given):
    leading_classes_single(labels, probs, classes, leading, given)


def entropies(probs, wanted, entropy):
    n_classes = probs.shape[1]
    entropy[:] = 0
    for i, row in enumerate(probs):
        if wanted[i] and n_classes > 1:
            total = -math.fsum(float(p) * math.log(p) for p in row if p > 0)
            entropy[i] = min(max(total / math.log(n_classes), 0.0), 1.0)


def sampled_rows(labels, key, bound, rows):
    found = [
        i
        for i, label in enumerate(labels.tolist())
        if label >= 0 and successor((int(key) + i) % 2**64) <= int(bound)
    ]
    rows[: len(found)] = found
    return len(found)
