"""The top-two kernels equal their twins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from labelaudit.kernels import votes_pairs as fast
from tests.crowd_votes import vote_blocks
from tests.naive import votes_pairs as naive

if TYPE_CHECKING:
    from labelaudit.blocks import VoteBlock

SEEDS = st.integers(0, 2**32 - 1)


def parameters(votes: VoteBlock, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    p, q = rng.uniform(0.001, 0.999, votes.n_workers), rng.uniform(0.501, 0.999, votes.n_tasks)
    return votes.n_classes * p / (1 - p), q


@given(vote_blocks(classes=5), SEEDS)
def test_choose_pairs(votes: VoteBlock, seed: int) -> None:
    assume(votes.n_classes >= 2)
    odds, q = parameters(votes, seed)
    arguments = (votes.task_start, votes.worker, votes.label, votes.gold, odds, q)
    found = fast.choose_pairs(*arguments, votes.n_classes, 1e-9)
    expected = naive.choose_pairs(*arguments, votes.n_classes, 1e-9)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_allclose(found[2], expected[2], rtol=1e-7)
    np.testing.assert_allclose(found[3], expected[3], atol=1e-9)


@given(vote_blocks(classes=5), SEEDS)
def test_share_pairs(votes: VoteBlock, seed: int) -> None:
    assume(votes.n_classes >= 2)
    odds, q = parameters(votes, seed)
    first = np.random.default_rng(seed).integers(0, votes.n_classes, votes.n_tasks)
    pair = np.stack([first, (first + 1) % votes.n_classes], axis=1).astype(np.int32)
    arguments = (votes.task_start, votes.worker, votes.label, pair, odds, q)
    found, expected = fast.share_pairs(*arguments), naive.share_pairs(*arguments)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-9)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-8)
    np.testing.assert_allclose(found[2], expected[2], atol=1e-9)


def test_confidence_survives_a_vast_crowd() -> None:
    """Sums of thousands of votes overflow without logarithms."""
    n = 20_000
    label = np.where(np.arange(n) % 4 == 0, 1, 0).astype(np.int32)
    pair, tied, confidence, score = fast.choose_pairs(
        np.array([0, n]), np.zeros(n, np.int32), label, np.array([-1], np.int32),
        np.array([3 * 0.9 / 0.1]), np.array([0.75]), 3, 1e-9,
    )  # fmt: skip
    assert pair.tolist() == [[0, 1]]
    assert not tied[0]
    assert confidence[0] == 1.0
    assert np.isfinite(score).all()
