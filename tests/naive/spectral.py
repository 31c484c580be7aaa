"""Message passing edge by edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from tests.naive.top_two import Votes

    Floats = npt.NDArray[np.float64]


def kos_binary(votes: Votes, rounds: int) -> Floats:
    """Karger, Oh and Shah's algorithm as written: x and y by edge, answers +1 (class 1) and -1.

    Returns the decision values of the tasks; messages are scaled to largest 1 in each round.
    """
    edges = list(zip(votes.task.tolist(), votes.worker.tolist(), votes.label.tolist(), strict=True))
    sign = [2 * label - 1 for _, _, label in edges]
    y = np.ones(len(edges))
    for _ in range(rounds):
        x = np.array(
            [
                sum(sign[f] * y[f] for f in range(len(edges)) if edges[f][0] == i and f != e)
                for e, (i, _, _) in enumerate(edges)
            ]
        )
        y = np.array(
            [
                sum(sign[f] * x[f] for f in range(len(edges)) if edges[f][1] == j and f != e)
                for e, (_, j, _) in enumerate(edges)
            ]
        )
        y /= np.abs(y).max()
    out = np.zeros(votes.n)
    for e, (i, _, _) in enumerate(edges):
        out[i] += sign[e] * y[e]
    return out
