"""The two most plausible answers of each task, and how easily the two are confused.

Jeong and Chung, "Recovering Top-Two Answers and Confusion Probability in Multi-Choice
Crowdsourcing". An annotator of reliability p knows the task with probability p and then gives the
first answer with probability q, the second with 1 - q; otherwise any of the K classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd.accuracy import one_coin_accuracy
from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.one_coin import one_coin
from labelaudit.audits.crowd.posterior import TIE, CrowdPosterior, consensus
from labelaudit.audits.crowd.spectral import Direction, reliability_direction, split_scores
from labelaudit.kernels.votes_pairs import choose_pairs, share_pairs

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]
    Pairs = npt.NDArray[np.int32]

__all__ = ["TopTwo", "recover_pairs", "top_two"]

ROUNDS = 20
PRIOR_VOTES = 2.0
TOO_FEW = (
    "Top-two needs at least three classes and some votes: the answers are those of one-coin, "
    "and no confusion probability is given."
)


@dataclass(frozen=True, slots=True)
class TopTwo:
    """Two answers per task under the top-two model.

    Attributes
    ----------
    first, second : (N,) int32
        Most plausible and most confusing answer; second is -1 where there is one class only.
    tied_second : (N,) bool
        Other classes are exactly as plausible a second answer (the lowest code is given).
    pair_confidence : (N,) float64
        Probability of this ordered pair among all K (K - 1), at the p and q that chose it.
    confusion_probability : (N,) float64
        q, between 0.5 (as easily taken for the second) and 1; NaN with fewer than three classes,
        where guessing and confusing cannot be told apart.
    reliability : (W,) float64
        p; NaN for annotators without votes.
    accuracy : (W,) float64
        Expected share of each annotator's votes that are the first answer, drawn to the mean by
        four votes.
    posterior, log_posterior : (N, K) float64
        Of the first answer, each class taken with its best partner.
    bound : (rounds,) float64
        Log-posterior density of p and q given the pairs; never falls.
    notes : tuple of str
    """

    first: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    tied_second: npt.NDArray[np.bool_]
    pair_confidence: Floats
    confusion_probability: Floats
    reliability: Floats
    accuracy: Floats
    posterior: Floats
    log_posterior: Floats
    bound: Floats
    notes: tuple[str, ...] = ()

    def soft_labels(self) -> Floats:
        """Return (N, K) label distributions: q on the first answer, 1 - q on the second.

        Where there is no q, the posterior.
        """
        if np.isnan(self.confusion_probability).any():
            return self.posterior.copy()
        soft = np.zeros_like(self.posterior)
        row = np.arange(len(soft))
        soft[row, self.first] = self.confusion_probability
        soft[row, self.second] = 1.0 - self.confusion_probability
        return soft


def _among_two(scores: Floats) -> Floats:
    """Return (N, K): 1 for each row's two largest scores, shared evenly where several are equal."""
    second = np.sort(scores, axis=1)[:, -2:-1]
    above = scores > second + TIE
    tied = (scores >= second - TIE) & ~above
    room = 2.0 - above.sum(axis=1, keepdims=True)
    share: Floats = above + tied * (room / tied.sum(axis=1, keepdims=True))
    return share


def _spectral_guess(graph: VoteGraph, direction: Direction) -> tuple[Floats, Floats]:
    """Stage 1: reliabilities (W,) and confusion probabilities (N,) from the singular vector."""
    classes = graph.votes.n_classes
    scores = split_scores(graph, direction.worker, direction.density) / (2.0 * direction.density)
    inside = np.rint(_among_two(-scores) * graph.units) / graph.units
    hits = graph.pairs.per_worker(graph.credit(inside))
    share = hits / np.maximum(graph.pairs.votes_of_worker, 1)
    reliability = np.clip((share - 2.0 / classes) / (1.0 - 2.0 / classes), 0.001, 0.999)
    heard = graph.pairs.votes_of_worker > 0
    length = math.sqrt(math.fsum(reliability[heard] ** 2))
    return reliability, np.clip(1.0 / classes - scores.min(axis=1) / length, 0.501, 0.999)


def _log_density(value: Floats, mean: float) -> float:
    """Return the log of the Beta prior worth two votes at ``mean``, up to a constant."""
    terms = mean * np.log(value) + (1.0 - mean) * np.log1p(-value)
    return PRIOR_VOTES * math.fsum(terms)


def _refine(
    graph: VoteGraph, pair: Pairs, p: Floats, q: Floats
) -> tuple[Floats, Floats, list[float]]:
    """Fit p and q to the chosen pairs by expectation-maximisation."""
    votes = graph.votes
    given = graph.pairs.votes_of_worker
    heard, asked = given > 0, np.diff(votes.task_start) > 0
    mean_p = math.fsum(p[heard]) / max(int(heard.sum()), 1)
    mean_q = math.fsum(q[asked]) / max(int(asked.sum()), 1)
    bound = []
    for _ in range(ROUNDS):
        odds = votes.n_classes * p / (1.0 - p)
        knew, known, level = share_pairs(votes.task_start, votes.worker, votes.label, pair, odds, q)
        guessed = math.fsum(given * np.log((1.0 - p) / votes.n_classes))
        prior = _log_density(p, mean_p) + _log_density(q, mean_q)
        bound.append(math.fsum(level) + guessed + prior)
        by_worker = np.bincount(votes.worker, weights=knew, minlength=votes.n_workers)
        p = np.clip((by_worker + PRIOR_VOTES * mean_p) / (given + PRIOR_VOTES), 0.001, 0.999)
        q = (known[:, 0] + PRIOR_VOTES * mean_q) / (known.sum(axis=1) + PRIOR_VOTES)
        q = np.clip(q, 0.501, 0.999)
    return p, q, bound


def _recover_many(graph: VoteGraph) -> TopTwo:
    votes = graph.votes
    direction = reliability_direction(graph)
    p, q = _spectral_guess(graph, direction)
    odds = votes.n_classes * p / (1.0 - p)
    pair, tied, confidence, score = choose_pairs(
        votes.task_start, votes.worker, votes.label, votes.gold, odds, q, votes.n_classes, TIE
    )
    p, q, bound = _refine(graph, pair, p, q)
    beliefs = graph.beliefs(score)
    heard = graph.pairs.votes_of_worker > 0
    return TopTwo(
        first=pair[:, 0],
        second=pair[:, 1],
        tied_second=tied,
        pair_confidence=confidence,
        confusion_probability=q,
        reliability=np.where(heard, p, np.nan),
        accuracy=one_coin_accuracy(graph, beliefs.q)[0],
        posterior=beliefs.q,
        log_posterior=beliefs.log_q,
        bound=np.array(bound),
        notes=_notes(direction),
    )


def _notes(direction: Direction) -> tuple[str, ...]:
    if direction.converged:
        return ()
    moving = f"The singular vector of top-two still moves after {direction.iterations} rounds"
    return (f"{moving}; two groups of annotators may disagree with each other.",)


def _recover_few(votes: VoteBlock, on: Executor | None) -> TopTwo:
    """With fewer than three classes, or no votes: one-coin, the second answer being the other."""
    plain = one_coin(votes, on=on)
    first = np.where(votes.gold >= 0, votes.gold, consensus(plain.posterior)).astype(np.int32)
    classes = votes.n_classes
    second = (first == 0).astype(np.int32) if classes > 1 else np.full_like(first, -1)
    p = np.clip((plain.worker_quality - 1.0 / classes) / (1.0 - 1.0 / max(classes, 2)), 0.0, 1.0)
    p[np.bincount(votes.worker, minlength=votes.n_workers) == 0] = np.nan
    log_posterior = plain.posterior if plain.log_posterior is None else plain.log_posterior
    return TopTwo(
        first=first,
        second=second,
        tied_second=np.full(len(first), classes > 2),
        pair_confidence=plain.posterior[np.arange(len(first)), first],
        confusion_probability=np.full(len(first), np.nan),
        reliability=p,
        accuracy=plain.worker_quality,
        posterior=plain.posterior,
        log_posterior=log_posterior,
        bound=plain.bound,
        notes=(TOO_FEW,),
    )


def recover_pairs(votes: VoteBlock, *, on: Executor | None = None) -> TopTwo:
    """Recover the two most plausible answers of each task.

    Stage 1 finds p and q from one singular vector, stage 2 the best pair of each task given
    these, and 20 rounds of expectation-maximisation refit p and q to the pairs. Gold labels are
    first answers.
    """
    if votes.n_classes < 3 or votes.n_votes == 0:
        return _recover_few(votes, on)
    return _recover_many(VoteGraph.of(votes, on))


def top_two(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Aggregate by top-two recovery."""
    del seed  # the singular vector has a fixed start
    found = recover_pairs(votes, on=on)
    return CrowdPosterior(
        "top-two",
        found.posterior,
        found.log_posterior,
        found.accuracy,
        iterations=len(found.bound),
        bound=found.bound,
        notes=found.notes,
    )
