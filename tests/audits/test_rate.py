"""One error rate for all classes: two numbers of a row stand for all of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.channel.model import Channel
from labelaudit.audits.channel.rate import (
    Sides,
    even_channel,
    fitted_rate,
    has_one_rate,
    rate_of,
)


def table(n, n_classes, seed):
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.full(n_classes, 0.3), n) + 1e-9
    frequencies = rng.dirichlet(np.ones(n_classes))
    return probs, rng.integers(0, n_classes, n).astype(np.int32), frequencies


def slow_rate(probs, labels, start, frequencies):
    """Bayes' rule with the whole channel, row by row, until the rate stands still."""
    rate = start
    for _ in range(60):
        wrong = 0.0
        for p, y in zip(probs, labels, strict=True):
            given = [
                (1 - rate if k == y else rate * frequencies[y] / (1 - frequencies[k])) * p[k]
                for k in range(len(p))
            ]
            wrong += 1 - given[y] / sum(given)
        before, rate = rate, wrong / len(labels)
        if abs(rate - before) < 1e-4:
            break
    return rate


@given(st.integers(1, 9), st.integers(2, 6), st.integers(0, 99))
def test_the_fit_equals_its_slow_twin(n, n_classes, seed):
    probs, labels, frequencies = table(n, n_classes, seed)
    sides = Sides.of(even_channel(frequencies), probs, labels)
    found = rate_of(fitted_rate(sides, 0.2, frequencies), frequencies)
    assert found == pytest.approx(slow_rate(probs, labels, 0.2, frequencies), abs=1e-9)


@given(st.floats(0, 1), st.integers(0, 99))
def test_the_errors_of_a_channel_are_those_of_its_rate(rate, seed):
    probs, labels, frequencies = table(5, 4, seed)
    channel = Channel.of_rate(rate, frequencies)
    assert has_one_rate(channel)
    assert rate_of(channel, frequencies) == pytest.approx(rate)
    even = Sides.of(even_channel(frequencies), probs, labels)
    assert Sides.of(channel, probs, labels).errors() == pytest.approx(even.errors(rate))


def test_a_label_that_every_row_has():
    frequencies = np.array([1.0, 0.0])
    assert rate_of(Channel.of_rate(0.3, frequencies), frequencies) == pytest.approx(0.3)
    sides = Sides.of(even_channel(frequencies), np.array([[0.5, 0.5]]), np.zeros(1, np.int32))
    assert 0.0 <= rate_of(fitted_rate(sides, 0.2, frequencies), frequencies) <= 1.0
