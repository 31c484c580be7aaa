"""Slow, obvious twins of the top-two kernels."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["choose_pairs", "share_pairs"]


def pair_scores(labels: Any, odds: Any, q: float, n_classes: int) -> dict[tuple[int, int], float]:
    """Log-likelihood of every ordered pair, up to what all pairs share."""
    scores = {}
    for pair in itertools.permutations(range(n_classes), 2):
        known = [{pair[0]: q, pair[1]: 1 - q}.get(label, 0.0) for label in labels]
        scores[pair] = sum(math.log1p(o * k) for o, k in zip(odds, known, strict=True))
    return scores


def choose_pairs(start, worker, label, gold, odds, share, n_classes, tie):
    pairs, tied, confidence, first_scores = [], [], [], []
    for i in range(len(start) - 1):
        own = slice(start[i], start[i + 1])
        scores = pair_scores(label[own].tolist(), odds[worker[own]], share[i], n_classes)
        by_first = [
            max(score for pair, score in scores.items() if pair[0] == c) for c in range(n_classes)
        ]
        near = [c for c in range(n_classes) if by_first[c] >= max(by_first) - tie]
        first = int(gold[i]) if gold[i] >= 0 else near[0]
        seconds = {pair[1]: score for pair, score in scores.items() if pair[0] == first}
        best = [d for d in sorted(seconds) if seconds[d] >= max(seconds.values()) - tie]
        total = sum(math.exp(score) for score in scores.values())
        pairs.append((first, best[0]))
        tied.append(len(best) > 1)
        confidence.append(math.exp(scores[first, best[0]]) / total)
        first_scores.append(by_first)
    return (
        np.array(pairs, np.int32).reshape(-1, 2),
        np.array(tied, bool),
        np.array(confidence),
        np.array(first_scores).reshape(-1, n_classes),
    )


def share_pairs(start, worker, label, pair, odds, share):
    knew, known, level = [], np.zeros((len(start) - 1, 2)), np.zeros(len(start) - 1)
    for i in range(len(start) - 1):
        for v in range(start[i], start[i + 1]):
            answers = {int(pair[i, 1]): (1, 1 - share[i]), int(pair[i, 0]): (0, share[i])}
            side, chance = answers.get(int(label[v]), (0, 0.0))
            ratio = odds[worker[v]] * chance
            knew.append(ratio / (1 + ratio))
            known[i, side] += knew[-1]
            level[i] += math.log1p(ratio)
    return np.array(knew), known, level
