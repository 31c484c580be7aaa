"""Rows scored by a fitted channel, slowly and obviously."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[Any]


def three_sums(row: Floats, other: Floats, twice: Floats) -> tuple[float, float, float]:
    row = row.astype(np.float64)
    return float(row.sum()), float((row * other).sum()), float((row * row * twice).sum())


def leading_three(row: Floats) -> tuple[float, float, float, int, int, int]:
    order = [int(k) for k in np.argsort(-row, kind="stable")[:3]]
    missing = [-1] * (3 - len(order))
    largest = [float(row[k]) for k in order] + missing
    return (*largest, *order, *missing)


def score_rows(
    sharp: Floats, labels: Ints, others: Floats, owns: Floats, numbers: Floats, classes: Ints
) -> None:
    numbers[:], classes[:] = 0, -1
    numbers[:, 3:] = -1
    for i, y in enumerate(labels):
        if y < 0:
            continue
        row = sharp[i].astype(np.float64)
        for version in range(2):
            weights = row ** (version + 1) * others[version, y % others.shape[1]]
            numbers[i, version] = np.delete(weights, y).sum()
        weights = row * others[0, y % others.shape[1]]
        weights[y] = row[y] * owns[0, y]
        classes[i, 0] = weights.argmax()
        p = row / row.sum()
        numbers[i, 2] = p[y]
        order = np.argsort(-p, kind="stable")[:3]
        classes[i, 1 : 1 + len(order)] = order
        numbers[i, 3 : 3 + len(order)] = p[order]


def score_columns(
    sharp: Floats,
    bits: Ints,
    given: Ints,
    others: Floats,
    own: Floats,
    sums: Floats,
    leading: Ints,
    numbers: Floats,
    classes: Ints,
) -> None:
    score_rows(sharp.T, given, others, own[None], numbers, classes)
