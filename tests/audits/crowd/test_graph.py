"""Sums over votes: chunks cover everything, and sums of on-grid values are exact."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.crowd.crowd import Crowd
from labelaudit.audits.crowd.graph import VoteGraph, exact_total, on_grid, spans
from labelaudit.audits.crowd.signatures import Signatures
from tests.crowd_votes import block, permuted, simulated

SEEDS = st.integers(0, 2**32 - 1)


@given(st.lists(st.integers(0, 2_000_000), max_size=9), st.integers(1, 50))
def test_spans_cover_every_group_once(sizes: list[int], columns: int) -> None:
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    runs = spans(start, columns)
    covered = [group for first, last in runs for group in range(first, last)]
    assert covered == list(range(len(sizes)))
    assert len(runs) >= 1


def test_spans_cut_by_size() -> None:
    start = np.arange(0, 5 * (1 << 20), 1 << 20)
    assert spans(start, 1) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert spans(start, 1, least=1 << 30) == [(0, 4)]


@given(st.integers(1, 3000), SEEDS)
def test_sums_on_the_grid_are_exact_in_every_order(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = on_grid(rng.normal(scale=30.0, size=size), size)
    exact = float(sum(map(Fraction, values.tolist())))
    assert float(np.sum(values)) == exact
    assert float(np.cumsum(rng.permutation(values))[-1]) == exact


@given(st.integers(1, 300), SEEDS)
def test_exact_total(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = np.rint(rng.random(size) * 1e5 * 2.0**35) / 2.0**35
    exact = float(sum(map(Fraction, counts.tolist())))
    assert float(exact_total(counts)) == exact
    assert float(exact_total(rng.permutation(counts))) == exact


def test_gold_leaves_only_its_class() -> None:
    graph = VoteGraph.of(block([(0, 0, 1), (1, 0, 1)], (2, 1, 3), [0, -1]))
    beliefs = graph.beliefs(np.log(np.array([[0.1, 0.7, 0.2], [0.1, 0.7, 0.2]])))
    np.testing.assert_allclose(beliefs.q, [[1, 0, 0], [0.1, 0.7, 0.2]], atol=1e-9)
    np.testing.assert_allclose(beliefs.level, np.log(0.1), atol=1e-9)
    np.testing.assert_allclose(np.exp(beliefs.log_q), [[0.1, 0.7, 0.2]] * 2, atol=1e-12)


@given(SEEDS)
def test_signatures_follow_what_they_mark(seed: int) -> None:
    votes, _ = simulated((12, 5, 3), 3, seed=2)
    moved, to = permuted(votes, seed)
    whole, other = Crowd.of(votes), Crowd.of(moved)
    plain, again = Signatures.of(whole, 4), Signatures.of(other, 4)
    np.testing.assert_array_equal(other.gathered(again.task)[to.task], whole.gathered(plain.task))
    np.testing.assert_array_equal(again.worker[to.worker], plain.worker)
    np.testing.assert_array_equal(again.label[to.label], plain.label)
    assert len(set(plain.label.tolist())) == 3
    reseeded = Signatures.of(whole, 5)
    assert not np.array_equal(whole.gathered(reseeded.task), whole.gathered(plain.task))
