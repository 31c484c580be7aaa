"""Agreement from its definitions: pairs of votes, one after the other."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt


def coincidences(units: Sequence[Sequence[int]], k: int) -> npt.NDArray[np.float64]:
    """Krippendorff's matrix: ordered pairs of values within units, over votes - 1."""
    found = np.zeros((k, k))
    for unit in units:
        for a, b in itertools.permutations(unit, 2):
            found[a, b] += 1 / (len(unit) - 1)
    return found


def difference(
    level: str, votes: npt.NDArray[np.float64], numbers: Sequence[float]
) -> Callable[[int, int], float]:
    def ordinal(a: int, b: int) -> float:
        low, high = min(a, b), max(a, b)
        return float((votes[low : high + 1].sum() - (votes[low] + votes[high]) / 2) ** 2)

    return {
        "nominal": lambda a, b: float(a != b),
        "ordinal": ordinal,
        "interval": lambda a, b: (numbers[a] - numbers[b]) ** 2,
    }[level]


def alpha(units: Sequence[Sequence[int]], k: int, level: str, numbers: Sequence[float]) -> float:
    o = coincidences(units, k)
    votes = o.sum(axis=1)
    delta = difference(level, votes, numbers)
    cells = list(itertools.product(range(k), repeat=2))
    seen = sum(o[a, b] * delta(a, b) for a, b in cells)
    chance = sum(votes[a] * votes[b] * delta(a, b) for a, b in cells) / max(votes.sum() - 1, 1)
    return float(1 - seen / chance) if chance > 0 else float("nan")


def fleiss(units: Sequence[Sequence[int]], k: int) -> float:
    counts = np.array([np.bincount(unit, minlength=k) for unit in units], dtype=float)
    m = counts[0].sum()
    seen = ((counts**2).sum(axis=1) - m) / (m * (m - 1))
    chance = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
    return float((seen.mean() - chance) / (1 - chance)) if chance < 1 else float("nan")


def cohen(first: Sequence[int], second: Sequence[int], k: int) -> float:
    table = np.zeros((k, k))
    np.add.at(table, (np.array(first), np.array(second)), 1)
    table /= table.sum()
    chance = float(table.sum(axis=1) @ table.sum(axis=0))
    return float((np.trace(table) - chance) / (1 - chance)) if chance < 1 else float("nan")
