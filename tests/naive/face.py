"""Slow, obvious twin of ``labelaudit.kernels.face``."""

import math

import numpy as np


def face_scores(probs, labels, floor, other, own, scores):
    scores[:] = 0
    for i, y in enumerate(labels):
        if y < 0:
            continue
        row = np.maximum(probs[i].astype(np.float64), floor)
        wrong = math.fsum(row[k] * other[y % len(other), k] for k in range(len(row)) if k != y)
        right = row[y] * own[y]
        scores[i] = math.log(right) - math.log(right + wrong)
