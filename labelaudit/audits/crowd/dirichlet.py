"""Expected logarithms under Dirichlet distributions, and what these cost the variational bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.special import gamma_logs

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.pairs import PairIndex

    Floats = npt.NDArray[np.float64]

__all__ = ["expected_log", "expected_log_of_pairs"]


def _gammas(values: Floats) -> tuple[Floats, Floats]:
    digamma, log_gamma = np.empty((2, *values.shape))
    gamma_logs(np.ascontiguousarray(values).ravel(), digamma.ravel(), log_gamma.ravel())
    return digamma, log_gamma


def expected_log(counts: Floats, prior: float) -> tuple[Floats, float]:
    """Return E[log p] of Dirichlets with a flat prior, one per row, and their divergence.

    `counts` (R, C) are added to the pseudo-count `prior`; the divergence is the summed
    Kullback-Leibler divergence of the posteriors from their priors.
    """
    rows, columns = counts.shape
    digamma, log_gamma = _gammas(prior + counts)
    digamma_total, log_gamma_total = _gammas(prior * columns + counts.sum(axis=1))
    fresh_total, fresh = _gammas(np.array([prior * columns, prior]))[1]
    expected = digamma - digamma_total[:, None]
    gap = (counts * expected).sum() - log_gamma.sum() + log_gamma_total.sum()
    return expected, float(gap + rows * (columns * fresh - fresh_total))


def expected_log_of_pairs(
    pairs: PairIndex, counts: Floats, right: tuple[float, npt.NDArray[np.bool_]], total: float
) -> tuple[Floats, float]:
    """Return E[log P(label of pair)] (U, C) and the divergence of each annotator's Dirichlets.

    An annotator has one Dirichlet over labels for each of the C columns. Its pseudo-counts are
    `right[0]` where the mask `right[1]` (U, C) holds and 1 elsewhere, `total` over all labels.
    Labels that an annotator never gave keep their prior and add nothing to the divergence.
    """
    value, mask = right
    digamma, log_gamma = _gammas(np.where(mask, value, 1.0) + counts)
    digamma_total, log_gamma_total = _gammas(total + pairs.per_worker(counts))
    fresh_total, fresh = _gammas(np.array([total, value]))[1]
    expected = digamma - digamma_total[pairs.worker]
    gap = (counts * expected).sum() - log_gamma.sum() + mask.sum() * fresh
    return expected, float(gap + log_gamma_total.sum() - log_gamma_total.size * fresh_total)
