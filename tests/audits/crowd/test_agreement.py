"""Agreement equals its definitions and published examples, and its interval covers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.crowd.agreement import LEVELS, agreement
from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.overlap import overlaps
from labelaudit.errors import UsageError
from tests.crowd_votes import block, permuted, rows_of, simulated, vote_blocks
from tests.naive import agreement as naive

if TYPE_CHECKING:
    from labelaudit.blocks import VoteBlock

NUMBERS = [1.0, 2.0, 4.0, 8.5, 9.0]

KRIPPENDORFF = """
* * * * * 3 4 1 2 1 1 3 3 * 3
1 * 2 1 3 3 4 3 * * * * * * *
* * 2 1 3 4 4 * 2 1 1 3 3 * 4
"""
"""The example of Krippendorff's "Computing Krippendorff's Alpha-Reliability"."""


def units(votes: VoteBlock) -> list[list[int]]:
    found = [votes.label[a:b].tolist() for a, b in itertools.pairwise(votes.task_start.tolist())]
    return [unit for unit in found if len(unit) > 1]


def published() -> VoteBlock:
    rows = [
        (task, worker, int(value) - 1)
        for worker, line in enumerate(KRIPPENDORFF.split("\n")[1:-1])
        for task, value in enumerate(line.split())
        if value != "*"
    ]
    return block(rows, (15, 3, 4))


def test_the_published_example() -> None:
    found = agreement(published(), levels=LEVELS, numbers=[1, 2, 3, 4])
    values = [alpha.value for alpha in found.alphas]
    assert values == pytest.approx([0.691, 0.807, 0.811], abs=5e-4)
    assert [alpha.level for alpha in found.alphas] == ["nominal", "ordinal", "interval"]
    assert found.pairable_tasks == 12
    assert found.fleiss_kappa is None


@given(vote_blocks(classes=5))
def test_alpha_is_its_definition(votes: VoteBlock) -> None:
    numbers = NUMBERS[: votes.n_classes]
    found = agreement(votes, levels=LEVELS, numbers=numbers)
    for alpha in found.alphas:
        expected = naive.alpha(units(votes), votes.n_classes, alpha.level, numbers)
        np.testing.assert_allclose(alpha.value, expected, atol=1e-9)
        assert np.isnan(alpha.value) or alpha.low <= alpha.high
    if units(votes):
        pairs = [pair for unit in units(votes) for pair in itertools.combinations(unit, 2)]
        assert found.pairwise == pytest.approx(np.mean([a == b for a, b in pairs]))


@given(st.integers(2, 4), st.integers(1, 6), st.integers(1, 4), st.integers(0, 999))
def test_fleiss_kappa_is_its_definition(m: int, tasks: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [(task, worker, rng.integers(0, k)) for task in range(tasks) for worker in range(m)]
    votes = block(rows, (tasks, m, k))
    np.testing.assert_allclose(
        agreement(votes).fleiss_kappa, naive.fleiss(units(votes), k), atol=1e-9
    )


@given(vote_blocks(classes=5, gold=False), st.integers(0, 2**32 - 1))
def test_nothing_depends_on_names_of_tasks_and_annotators(votes: VoteBlock, seed: int) -> None:
    moved, to = permuted(votes, seed)
    plain, again = agreement(votes, seed=1), agreement(moved, seed=1)
    np.testing.assert_allclose(again.alphas[0].value, plain.alphas[0].value, atol=1e-12)
    by_class = np.bincount(votes.label, minlength=votes.n_classes)
    if len(np.unique(by_class)) == votes.n_classes or (to.label == np.arange(len(to.label))).all():
        np.testing.assert_allclose(again.alphas[0].low, plain.alphas[0].low, atol=1e-12)


def test_nothing_depends_on_names_of_classes() -> None:
    rows = [(0, 3, 0), (1, 3, 0), *rows_of(simulated((60, 8, 3), 4, seed=2)[0]).tolist()]
    votes = block(rows, (60, 8, 3))
    assert len(np.unique(np.bincount(votes.label))) == 3
    plain = agreement(votes, seed=1).alphas[0]
    for seed in range(4):
        again = agreement(permuted(votes, seed)[0], seed=1).alphas[0]
        np.testing.assert_allclose(
            [again.value, again.low, again.high], [plain.value, plain.low, plain.high], atol=1e-12
        )


def test_the_interval_covers_the_truth() -> None:
    """Over repeated draws the 95 % interval holds the alpha of a large sample about as often."""
    large = agreement(simulated((20000, 10, 3), 4, seed=0)[0]).alphas[0].value
    rng = np.random.default_rng(7)
    votes, _ = simulated((20000, 10, 3), 4, seed=0)
    rows = rows_of(votes).reshape(20000, 4, 3)
    hits = 0
    for _ in range(60):
        chosen = rows[rng.choice(20000, 150, replace=False)].copy()
        chosen[:, :, 0] = np.arange(150)[:, None]
        alpha = agreement(block(chosen.reshape(-1, 3), (150, 10, 3))).alphas[0]
        hits += alpha.low <= large <= alpha.high
    assert 50 <= hits <= 60


def test_fewer_replicates_when_there_is_much_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelaudit.audits.crowd.agreement.MOST_WORK", 100)
    assert agreement(published()).alphas[0].replicates == 200


def test_no_variation_is_not_estimable() -> None:
    found = agreement(block([(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1)], (2, 2, 2)))
    assert np.isnan(found.alphas[0].value)
    assert found.fleiss_kappa is not None
    assert np.isnan(found.fleiss_kappa)
    assert found.pairwise == 1.0


def test_single_votes_say_nothing() -> None:
    found = agreement(block([(0, 0, 1), (1, 1, 0)], (2, 2, 2)))
    assert np.isnan([found.alphas[0].value, found.pairwise]).all()
    assert found.fleiss_kappa is None
    assert found.pairable_tasks == 0


@pytest.mark.parametrize(
    ("levels", "numbers", "message"),
    [
        (("ratio",), None, "no level of measurement 'ratio'"),
        (("interval",), None, "needs a number for each class"),
        (("interval",), [1.0], "needs a number for each class"),
        (("interval",), [1.0, np.inf], "not finite"),
    ],
)
def test_refusals(levels: tuple[str, ...], numbers: list[float] | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        agreement(block([(0, 0, 1)], (1, 1, 2)), levels=levels, numbers=numbers)


@given(vote_blocks(classes=4))
def test_pairs_of_annotators_are_their_definition(votes: VoteBlock) -> None:
    found = overlaps(VoteGraph.of(votes))
    met = {}
    rows = rows_of(votes).tolist()
    for (task, a, x), (other, b, y) in itertools.product(rows, rows):
        if task == other and a < b:
            met.setdefault((a, b), []).append((x, y))
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == sorted(met)
    for at, pair in enumerate(sorted(met)):
        first, second = zip(*met[pair], strict=True)
        assert found.shared[at] == len(first)
        assert found.agreed[at] == sum(x == y for x, y in met[pair])
        expected = naive.cohen(first, second, votes.n_classes)
        np.testing.assert_allclose(found.cohen_kappa[at], expected, atol=1e-9)


def test_caps_leave_out_whole_groups_and_say_so() -> None:
    rows = [(task, worker, 0) for task in range(3) for worker in range(4)]
    rows += [(3, 0, 0), (3, 1, 0), (4, 0, 0), (4, 4, 0)]
    graph = VoteGraph.of(block(rows, (5, 5, 2)))
    found = overlaps(graph, most_pairs=3)
    assert (found.first.tolist(), found.second.tolist()) == ([0], [1])
    assert found.notes == ("Pairs with the 3 annotators with the fewest votes are left out.",)
    short = overlaps(graph, most_meetings=8)
    assert short.shared.tolist() == [1, 1]
    assert short.notes == ("The 3 tasks with the most votes are left out of pairs.",)
