"""Would majority vote have done?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelaudit.audits.crowd import would_majority_do as module
from labelaudit.audits.crowd.crowd import Crowd
from labelaudit.audits.crowd.hierarchical import hierarchy
from labelaudit.audits.crowd.would_majority_do import MajorityCertificate, majority_certificate
from tests.crowd_votes import block, permuted, simulated, vote_blocks

EQUAL = [(task, w, int(w == task % 5)) for task in range(40) for w in range(5)]
"""Five annotators who each err once in five tasks."""


def test_like_annotators_need_nothing_but_majority() -> None:
    found = majority_certificate(block(EQUAL, (40, 5, 2)))
    assert (found.tasks, found.tied, found.draws) == (40, 0, 100)
    assert found.same_share == 1.0
    assert found.expected_gain == 0.0
    assert found.sentence.startswith(
        "By a hierarchical Dawid-Skene model of the workers, majority vote would have done: it "
    )
    assert found.sentence.endswith("That model expects no more accuracy from weighing votes.")


def test_one_expert_among_guessers() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    rows = [(i, 0, truth[i]) for i in range(400)]
    rows += [(i, w, rng.integers(0, 2)) for i in range(400) for w in range(1, 4)]
    rows += [(i, 4, truth[i] ^ (rng.random() < 0.1)) for i in range(400)]
    found = majority_certificate(block(rows, (400, 5, 2)))
    assert found.pattern_share == 0.0
    assert found.same_share < 0.97
    assert found.same_low <= found.same_high <= 1.0
    assert found.expected_gain > 0.05
    assert "majority vote is not enough here: it gives the model's best label" in found.sentence


def test_pattern_share_counts_tasks_by_their_own_annotators() -> None:
    votes, _ = simulated((120, 12, 3), 4, seed=3)
    found = hierarchy(Crowd.of(votes))
    channel, prior = found.channel, found.prior
    right = [(np.diagonal(channel.of(w)) * prior).sum() for w in range(12)]
    expected = [
        module.best_with_one_coin_annotators(np.array([[right[w] for w in own]]), prior)[0]
        for own in np.split(votes.worker, votes.task_start[1:-1])
    ]
    assert majority_certificate(votes).pattern_share == pytest.approx(np.mean(expected))


def test_draws_have_the_posterior_mean() -> None:
    votes, _ = simulated((9, 6, 4), 2, seed=4)
    crowd = Crowd.of(votes)
    channel = hierarchy(crowd).channel
    drawn = np.mean([np.exp(log) for log in module._drawn_logs(crowd, channel, 1, 3000)], axis=0)
    np.testing.assert_allclose(drawn, np.exp(channel.log_of_pairs()), atol=0.02)


@given(vote_blocks(classes=3), st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_any_votes(votes, seed):
    found = majority_certificate(votes, seed=1)
    assert found.sentence.endswith(".")
    assert 0 <= found.tied <= found.tasks <= votes.n_tasks
    assert np.isnan(found.pattern_share) or 0 <= found.pattern_share <= 1
    assert found.expected_gain >= -1e-12
    moved, _ = permuted(votes, seed)
    again = majority_certificate(moved, seed=1)
    assert again.expected_gain == pytest.approx(found.expected_gain, abs=1e-9)
    assert again.pattern_share == pytest.approx(found.pattern_share, nan_ok=True)
    assert (again.tasks, again.tied) == (found.tasks, found.tied)


def test_names_have_no_part_in_the_draws() -> None:
    votes, _ = simulated((200, 12, 3), 4, seed=5)
    plain = majority_certificate(votes, seed=1)
    for seed in range(3):
        again = majority_certificate(permuted(votes, seed)[0], seed=1)
        assert (again.same_low, again.same_high) == (plain.same_low, plain.same_high)
        assert again.same_share == plain.same_share


def test_much_work_means_fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WORK", 1)
    assert majority_certificate(block(EQUAL, (40, 5, 2))).draws == 10


def test_nothing_to_compare() -> None:
    for votes in (block([], (2, 1, 2)), block([(0, 0, 0), (0, 1, 1)], (1, 2, 2))):
        found = majority_certificate(votes)
        assert np.isnan(found.same_share)
        assert found.expected_gain == pytest.approx(0.0, abs=1e-9)
        assert found.sentence == (
            "Whether majority vote would have done cannot be said: no task has a majority."
        )


def test_sentence() -> None:
    found = MajorityCertificate(10, 1, 0.25, 0.9, 0.85, 0.95, 100, 0.0123)
    assert found.sentence == (
        "By a hierarchical Dawid-Skene model of the workers, majority vote would nearly have "
        "done: it gives the model's best label on 85.0 % to 95.0 % of the tasks without a tie "
        "(whatever the votes, it is provably the model's best rule for the workers of 25.0 % of "
        "all tasks). That model expects weighing votes to gain 1.2 points of accuracy; real gains "
        "are mostly smaller."
    )
    unproved = replace(found, pattern_share=0.0).sentence
    assert "of the tasks without a tie. That model expects" in unproved
