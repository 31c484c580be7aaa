"""The peer's aggregation methods, called on our blocks of votes."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tests.crowd_votes import rows_of

if TYPE_CHECKING:
    from labelaudit.blocks import VoteBlock

__all__ = ["PEERS", "frame", "peer", "peer_posterior"]

PEERS = {
    "majority": ("majority_vote", "MajorityVote"),
    "dawid-skene": ("dawid_skene", "DawidSkene"),
    "one-coin": ("dawid_skene", "OneCoinDawidSkene"),
    "glad": ("glad", "GLAD"),
    "mace": ("mace", "MACE"),
    "wawa": ("wawa", "Wawa"),
    "zbs": ("zero_based_skill", "ZeroBasedSkill"),
    "kos": ("kos", "KOS"),
    "mmsr": ("m_msr", "MMSR"),
}


def frame(votes: VoteBlock) -> Any:
    """Return the votes as the peer wants them."""
    import pandas as pd

    return pd.DataFrame(rows_of(votes), columns=["task", "worker", "label"])


def peer(name: str, **settings: Any) -> Any:
    """Make one of the peer's aggregators."""
    module, cls = PEERS[name]
    return getattr(import_module(f"crowdkit.aggregation.classification.{module}"), cls)(**settings)


def peer_posterior(name: str, votes: VoteBlock) -> npt.NDArray[np.float64]:
    """Return the peer's posterior (N, K), one-hot where it gives labels only."""
    aggregator = peer(name)
    q = np.zeros((votes.n_tasks, votes.n_classes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if hasattr(aggregator, "fit_predict_proba"):
            found = aggregator.fit_predict_proba(frame(votes)).fillna(0.0)
            q[np.ix_(found.index.to_numpy(), found.columns.to_numpy())] = found.to_numpy()
        else:
            labels = aggregator.fit_predict(frame(votes))
            q[labels.index.to_numpy(), labels.to_numpy()] = 1.0
    return q
