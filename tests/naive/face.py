"""Slow, obvious twin of ``labelaudit.kernels.face``."""

import math
from fractions import Fraction

import numpy as np


def face_scores(probs, labels, floor, other, own):
    scores = np.zeros(len(labels))
    for i, y in enumerate(labels):
        if y < 0:
            continue
        row = np.maximum(probs[i].astype(np.float64), floor)
        wrong = math.fsum(row[k] * other[y % len(other), k] for k in range(len(row)) if k != y)
        right = row[y] * own[y]
        scores[i] = math.log(right) - math.log(right + wrong)
    return scores


def doubt_sums(labels, doubt):
    sums = np.zeros((2, 2), np.int64)
    for power in range(2):
        units = [round(Fraction(float(x ** (power + 1))) * 2**52) for x in doubt[labels >= 0]]
        sums[0, power] = sum(unit // 2**26 for unit in units)
        sums[1, power] = sum(unit % 2**26 for unit in units)
    return sums
