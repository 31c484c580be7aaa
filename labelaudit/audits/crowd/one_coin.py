"""One number per annotator: the probability of a right vote, mistakes spread evenly."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import PRIOR_VOTES, accuracy_of
from labelaudit.audits.crowd.fitting import (
    CrowdFit,
    Weights,
    described,
    log_posterior,
    on_block,
    revised,
    vote_share,
)
from labelaudit.audits.crowd.graph import EVIDENCE
from labelaudit.audits.crowd.posterior import unfinished
from labelaudit.audits.crowd.shards import Shard

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Crowd
    from labelaudit.audits.crowd.posterior import CrowdPosterior
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["coin_weights", "fit", "one_coin", "one_step"]

STEPS, ENOUGH = 100, 1e-5
CERTAIN = 1e-9


def coin_weights(crowd: Crowd, accuracy: Floats) -> tuple[Weights, float]:
    """Return what each vote weighs, log(p / ((1 - p) / (K - 1))), and the log-evidence beside it.

    Classes are equally likely.
    """
    p = np.clip(accuracy, CERTAIN, 1.0 - CERTAIN)
    wrong = np.log1p(-p) - np.log(max(crowd.n_classes - 1, 1))
    weight = (np.log(p) - wrong)[crowd.pairs.worker]
    return Weights(crowd.on_grid(weight)), float(wrong @ crowd.pairs.votes_of_worker)


def one_step(crowd: Crowd) -> Weights:
    """Weigh the votes once by accuracies taken from the vote shares."""
    share = crowd.computed(vote_share)
    _, (_, credit) = crowd.over(partial(described, Shard.credit), share)
    return coin_weights(crowd, accuracy_of(crowd.pairs, credit)[0])[0]


def fit(crowd: Crowd, seed: int = 0) -> CrowdFit:
    """Fit annotators' accuracies and the tasks' classes in turn, a pass for each step."""
    del seed  # starts from the vote share
    q = crowd.computed(vote_share)
    _, (_, credit) = crowd.over(partial(described, Shard.credit), q)
    accuracy, mean = accuracy_of(crowd.pairs, credit)
    bound: list[float] = []
    moved = np.inf
    model = Weights(np.zeros_like(credit))
    while moved >= ENOUGH and len(bound) < STEPS:
        model, silent = coin_weights(crowd, accuracy)
        (q,), sums = crowd.over(partial(revised, model, Shard.credit), against=q)
        _, credit, evidence, most = sums
        bound.append(evidence / EVIDENCE + silent + _log_prior_density(accuracy, mean))
        moved = most.value
        accuracy, _ = accuracy_of(crowd.pairs, credit, mean)
    return CrowdFit(
        "one-coin",
        q,
        crowd.computed(partial(log_posterior, model, 1)),
        accuracy,
        None,
        len(bound),
        moved < ENOUGH,
        np.array(bound),
        unfinished(moved, ENOUGH, STEPS),
    )


def one_coin(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Fit annotators' accuracies and the tasks' classes in turn.

    The Beta prior of the accuracies is worth four votes at the mean vote share of the given
    labels, and stays where it starts, so that `bound` never falls.
    """
    return on_block(fit, votes, seed, on)


def _log_prior_density(accuracy: Floats, mean: float) -> float:
    p = np.clip(accuracy, CERTAIN, 1.0 - CERTAIN)
    right, wrong = PRIOR_VOTES * mean, PRIOR_VOTES * (1.0 - mean)
    return float((right * np.log(p) + wrong * np.log1p(-p)).sum())
