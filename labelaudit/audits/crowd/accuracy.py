"""How often each annotator is right, given what the tasks seem to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelaudit.audits.crowd.graph import exact_total

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from labelaudit.audits.crowd.graph import VoteGraph
    from labelaudit.audits.crowd.pairs import PairIndex, VotePairs

__all__ = ["PRIOR_VOTES", "accuracy_of", "one_coin_accuracy"]

PRIOR_VOTES = 4.0
"""Each annotator starts as if this many votes of the average annotator were his own."""


def accuracy_of(
    pairs: PairIndex | VotePairs, credit: npt.NDArray[np.float64], pbar: float | None = None
) -> tuple[npt.NDArray[np.float64], float]:
    """Return each annotator's accuracy (W,), drawn to the mean accuracy, and that mean.

    ``p_w = (sum of q_i(l) over w's votes + 4 pbar) / (n_w + 4)``, where ``credit`` (U,) is the sum
    of q_i(l) over the votes of each pair, and pbar is the mean of q_i(l) over all votes, 1 without
    votes.
    """
    right, given = pairs.per_worker(credit), pairs.votes_of_worker
    votes = int(given.sum())
    mean = pbar if pbar is not None else float(exact_total(right) / votes) if votes else 1.0
    return (right + PRIOR_VOTES * mean) / (given + PRIOR_VOTES), mean


def one_coin_accuracy(
    graph: VoteGraph, q: npt.NDArray[np.float64], pbar: float | None = None
) -> tuple[npt.NDArray[np.float64], float]:
    """Return accuracies and their mean where the tasks' posteriors are ``q`` (N, K)."""
    return accuracy_of(graph.pairs, graph.credit(q), pbar)
