"""Every closed form agrees with trying all patterns of votes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from labelaudit.audits.crowd.certificate import (
    best_with_binary_annotators,
    best_with_equal_binary_annotators,
    best_with_one_coin_annotators,
    best_with_symmetric_annotators,
)
from tests.naive import certificate as naive

CHANCE = st.floats(0.02, 0.98)
GOOD = st.floats(0.5, 0.97)
"""Mostly good annotators, or hardly any certificate would hold."""


def two_classes(p0: float, p1: float) -> np.ndarray:
    return np.array([[p0, 1 - p0], [1 - p1, p1]])


def check(found: bool, least: float) -> None:
    assume(abs(least) > 1e-9)
    assert bool(found) == (least > 0)


@given(st.one_of(CHANCE, GOOD), st.floats(0.1, 0.9), st.sampled_from([1, 3, 5, 7]))
def test_symmetric(right: float, prior: float, annotators: int) -> None:
    pi = np.stack([two_classes(right, right)] * annotators)
    least = naive.least_margin(pi, np.array([1 - prior, prior]))
    check(best_with_symmetric_annotators(1 - right, prior), least)


@given(GOOD, st.one_of(CHANCE, GOOD), st.floats(0.1, 0.9), st.sampled_from([1, 3, 5, 7]))
def test_equal_binary(p0: float, p1: float, prior: float, annotators: int) -> None:
    pi = np.stack([two_classes(p0, p1)] * annotators)
    least = naive.least_margin(pi, np.array([1 - prior, prior]))
    found = best_with_equal_binary_annotators((p0, p1), (1 - prior, prior), annotators)
    check(found, least)


@given(
    st.lists(st.tuples(st.one_of(CHANCE, GOOD), GOOD), min_size=1, max_size=7),
    st.floats(0.3, 0.7),
)
@settings(max_examples=200)
def test_binary(right: list[tuple[float, float]], prior: float) -> None:
    pi = np.stack([two_classes(*pair) for pair in right])
    least = naive.least_margin(pi, np.array([prior, 1 - prior]))
    found = best_with_binary_annotators(np.array([right]), np.array([prior, 1 - prior]))
    check(found[0], least)


@given(
    st.lists(st.one_of(CHANCE, GOOD, GOOD), min_size=1, max_size=6),
    st.lists(st.floats(0.8, 1.2), min_size=2, max_size=4),
)
@settings(max_examples=200)
def test_one_coin(right: list[float], weights: list[float]) -> None:
    assume(len(weights) ** len(right) <= 1024)
    prior = np.array(weights) / sum(weights)
    accuracy = np.array(right)
    least = naive.least_margin(naive.one_coin(accuracy, len(prior)), prior)
    check(best_with_one_coin_annotators(accuracy[None], prior)[0], least)


@pytest.mark.parametrize("spread", [0.0, 0.02, 0.05])
def test_one_coin_holds_for_like_annotators_and_fails_for_unlike(spread: float) -> None:
    """Both outcomes occur at realistic sizes, on many random groups at once."""
    rng = np.random.default_rng(3)
    right = np.clip(0.75 + spread * rng.normal(size=(30, 5)), 0.05, 0.95)
    prior = np.full(3, 1 / 3)
    found = best_with_one_coin_annotators(right, prior)
    least = [naive.least_margin(naive.one_coin(row, 3), prior) for row in right]
    np.testing.assert_array_equal(found, np.array(least) > 0)
    assert found.any()


def test_one_strong_annotator_breaks_majority() -> None:
    right = np.array([[0.6, 0.6, 0.99], [0.7, 0.7, 0.7]])
    prior = np.array([0.5, 0.5])
    assert best_with_one_coin_annotators(right, prior).tolist() == [False, True]
    both = np.repeat(right[:, :, None], 2, axis=2)
    assert best_with_binary_annotators(both, prior).tolist() == [False, True]
