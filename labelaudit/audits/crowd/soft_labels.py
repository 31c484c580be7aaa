"""Label distributions for training: eight ways, after Wright and Augenstein.

"Aggregating Soft Labels from Crowd Annotations Improves Uncertainty Estimation Under Distribution
Shift" compares seven and finds none best everywhere; their average is the safe choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.crowd import Crowd
from labelaudit.audits.crowd.fitting import CrowdFit
from labelaudit.audits.crowd.majority import voted
from labelaudit.audits.crowd.methods import fitted
from labelaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Field
    from labelaudit.audits.crowd.posterior import CrowdPosterior
    from labelaudit.audits.crowd.shards import Shard
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["AVERAGED", "KINDS", "soft_field", "soft_labels"]

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
    crowd = Crowd.of(votes, on)
    ready = {name: CrowdFit.spread(crowd, found) for name, found in (known or {}).items()}
    return crowd.gathered(soft_field(crowd, kind, ready, seed))


def soft_field(crowd: Crowd, kind: str, known: Mapping[str, CrowdFit], seed: int) -> Field:
    """Return the label distribution of each task, as ``soft_labels``."""
    if kind not in KINDS:
        raise UsageError(
            f"There are no soft labels '{kind}'.", f"Choose one of: {', '.join(KINDS)}."
        )
    if kind == "average":
        members = [soft_field(crowd, member, known, seed) for member in AVERAGED]
        return crowd.computed(_mean, *members)
    if kind in ("share", "softmax"):
        return crowd.computed(voted if kind == "share" else _softmax)
    return (known.get(kind) or fitted(kind, crowd, seed)).posterior


def _softmax(shard: Shard) -> Floats:
    return shard.graph.beliefs(shard.graph.vote_counts()).q


def _mean(shard: Shard, *members: Floats) -> Floats:
    del shard
    mean: Floats = sum(members, np.zeros_like(members[0])) / len(members)
    return mean
