"""Label distributions for training: eight ways, after Wright and Augenstein.

"Aggregating Soft Labels from Crowd Annotations Improves Uncertainty Estimation Under Distribution
Shift" compares seven and finds none best everywhere; their average is the safe choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.methods import method
from labelaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from labelaudit.audits.crowd.posterior import CrowdPosterior
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["AVERAGED", "KINDS", "soft_labels"]

AVERAGED = ("share", "softmax", "dawid-skene", "glad", "mace", "wawa", "zbs")
KINDS = ("average", *AVERAGED)


def soft_labels(
    votes: VoteBlock,
    *,
    kind: str = "average",
    known: Mapping[str, CrowdPosterior] | None = None,
    seed: int = 0,
    on: Executor | None = None,
) -> Floats:
    """Return the label distribution of each task, (N, K); rows sum to 1.

    Parameters
    ----------
    votes : VoteBlock
    kind : str
        ``share``, n / sum n; ``softmax`` of the vote counts, which is surer the more votes
        there are; the posterior of ``dawid-skene``, ``glad``, ``mace``, ``wawa`` or ``zbs``; or
        their plain ``average`` (default). Tasks without votes get the method's prior.
    known : mapping of str to CrowdPosterior, or None
        Results that are there already, by method name; others are computed.
    seed : int
    on : Executor or None

    Raises
    ------
    UsageError
        If there is no such kind.
    """
    if kind not in KINDS:
        raise UsageError(
            f"There are no soft labels '{kind}'.", f"Choose one of: {', '.join(KINDS)}."
        )
    if kind in ("share", "softmax"):
        return _from_counts(VoteGraph.of(votes, on), kind)
    if kind != "average":
        ready = (known or {}).get(kind)
        return (ready or method(kind)(votes, seed=seed, on=on)).posterior
    total = np.zeros((votes.n_tasks, votes.n_classes))
    for member in AVERAGED:
        total += soft_labels(votes, kind=member, known=known, seed=seed, on=on)
    return total / len(AVERAGED)


def _from_counts(graph: VoteGraph, kind: str) -> Floats:
    if kind == "share":
        return graph.divided(graph.vote_counts())
    return graph.beliefs(graph.vote_counts()).q
