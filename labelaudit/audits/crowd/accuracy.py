"""How often each annotator is right, given what the tasks seem to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelaudit.audits.crowd.graph import exact_total

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from labelaudit.audits.crowd.graph import VoteGraph

__all__ = ["PRIOR_VOTES", "mean_credit", "one_coin_accuracy"]

PRIOR_VOTES = 4.0
"""Each annotator starts as if this many votes of the average annotator were his own."""


def mean_credit(graph: VoteGraph, right: npt.NDArray[np.float64]) -> float:
    """Return the mean posterior of the given label over all votes (1 without votes)."""
    if graph.votes.n_votes == 0:
        return 1.0
    return float(exact_total(right) / graph.votes.n_votes)


def one_coin_accuracy(
    graph: VoteGraph, q: npt.NDArray[np.float64], pbar: float | None = None
) -> tuple[npt.NDArray[np.float64], float]:
    """Return each annotator's accuracy (W,), drawn to the mean accuracy, and that mean.

    ``p_w = (sum of q_i(l) over w's votes + 4 pbar) / (n_w + 4)``.
    """
    right = graph.pairs.per_worker(graph.credit(q))
    mean = mean_credit(graph, right) if pbar is None else pbar
    given = graph.pairs.votes_of_worker
    return (right + PRIOR_VOTES * mean) / (given + PRIOR_VOTES), mean
