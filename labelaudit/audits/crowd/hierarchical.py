"""Dawid-Skene in which each annotator starts from the crowd's confusion at his own accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import PRIOR_VOTES, accuracy_of
from labelaudit.audits.crowd.dawid_skene import class_prior, confusion_prior
from labelaudit.audits.crowd.fitting import (
    CrowdFit,
    Tables,
    described,
    log_posterior,
    on_block,
    revised,
    vote_share,
)
from labelaudit.audits.crowd.graph import exact_total
from labelaudit.audits.crowd.posterior import Confusion
from labelaudit.audits.crowd.shards import Shard

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Crowd, Field
    from labelaudit.audits.crowd.pairs import PairIndex, VotePairs
    from labelaudit.audits.crowd.posterior import CrowdPosterior
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["Hierarchy", "channel_of", "fit", "hierarchical_dawid_skene", "hierarchy"]

STEPS = 3
CERTAIN = 1e-9


def _logit(p: Floats) -> Floats:
    p = np.clip(p, CERTAIN, 1.0 - CERTAIN)
    odds: Floats = np.log(p) - np.log1p(-p)
    return odds


def _crowd_confusion(label: npt.NDArray[np.int32], counts: Floats) -> Floats:
    """Add all annotators' counts up, with pseudo-votes, into one (K, K) confusion matrix."""
    total = confusion_prior(counts.shape[1])
    for given in range(len(total)):
        total[:, given] += exact_total(counts[label == given])
    shares: Floats = total / total.sum(axis=1, keepdims=True)
    return shares


def channel_of(pairs: PairIndex | VotePairs, counts: Floats) -> Confusion:
    """M-step: counts plus four votes of M_w, the crowd's confusion moved to w's accuracy."""
    crowd = _crowd_confusion(pairs.label, counts)
    accuracy, mean = accuracy_of(pairs, counts[np.arange(len(counts)), pairs.label])
    right = np.diagonal(crowd)
    own = _logit(accuracy)[:, None] - _logit(np.array([mean]))
    diagonal = 1.0 / (1.0 + np.exp(-(_logit(right)[None, :] + own)))
    spread = (1.0 - diagonal) / np.maximum(1.0 - right, CERTAIN)
    return Confusion(pairs, counts, PRIOR_VOTES * diagonal, PRIOR_VOTES * spread, crowd)


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Beliefs after three steps from the vote share.

    Attributes
    ----------
    q : Field
        (N, K) posteriors.
    model : Tables
        What gave them.
    channel : Confusion
        What the model was made of.
    prior : (K,) float64
        Class frequencies of ``q``.
    quality : (W,) float64
        Accuracies under ``q``.
    """

    q: Field
    model: Tables
    channel: Confusion
    prior: Floats
    quality: Floats


def hierarchy(crowd: Crowd) -> Hierarchy:
    """Take the three steps, unless they have been taken."""
    known: Hierarchy | None = crowd.shared.get("hierarchy")
    if known is None:
        known = crowd.shared["hierarchy"] = _three_steps(crowd)
    return known


def _three_steps(crowd: Crowd) -> Hierarchy:
    q = crowd.computed(vote_share)
    _, (mass, counts) = crowd.over(partial(described, Shard.pair_counts), q)
    channel, model = _learnt(crowd, mass, counts)
    for step in range(STEPS):
        channel, model = _learnt(crowd, mass, counts) if step else (channel, model)
        (q,), (mass, counts, _) = crowd.over(partial(revised, model, Shard.pair_counts))
    quality, _ = accuracy_of(crowd.pairs, counts[np.arange(len(counts)), crowd.pairs.label])
    return Hierarchy(q, model, channel, class_prior(mass, crowd.n_tasks), quality)


def _learnt(crowd: Crowd, mass: Floats, counts: Floats) -> tuple[Confusion, Tables]:
    channel = channel_of(crowd.pairs, counts)
    prior = class_prior(mass, crowd.n_tasks)
    return channel, Tables(np.log(prior), crowd.on_grid(channel.log_of_pairs()))


def fit(crowd: Crowd, seed: int = 0) -> CrowdFit:
    """Take three steps: more make the posterior surer, not better."""
    del seed  # starts from the vote share
    found = hierarchy(crowd)
    log_q = crowd.computed(partial(log_posterior, found.model, 1))
    return CrowdFit("hierarchical-dawid-skene", found.q, log_q, found.quality, found.channel, STEPS)


def hierarchical_dawid_skene(
    votes: VoteBlock, *, seed: int = 0, on: Executor | None = None
) -> CrowdPosterior:
    """Take three steps: more make the posterior surer, not better."""
    return on_block(fit, votes, seed, on)
