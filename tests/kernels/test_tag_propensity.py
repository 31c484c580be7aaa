from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from labelaudit.kernels import tag_propensity
from tests.naive import tag_propensity as naive

LOGITS = np.linspace(-4.0, 4.0, 9)


@st.composite
def classes(draw):
    """Counts that a class with some propensities might have, and what is believed of it."""
    groups = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    logit, group = np.tile(LOGITS, groups), np.repeat(np.arange(groups), len(LOGITS))
    mu = naive.expit(rng.normal() + logit) * rng.uniform(0.1, 0.9, groups)[group]
    rows = rng.integers(0, 200, len(logit))
    hits = rng.binomial(rows, mu)
    center = np.concatenate([[0.0, 0.0], rng.uniform(0.2, 0.8, groups)])
    strength = np.concatenate([[0.1, 0.5], rng.uniform(0.5, 20.0, groups)])
    cells = (logit, group, hits.astype(float), (rows - hits).astype(float))
    return cells, center, strength, rng.normal(0.0, 0.5, 2 + groups)


@given(classes())
def test_add_cells_and_prior_terms_as_the_twins_say(drawn):
    cells, center, strength, theta = drawn
    for name, where in (("add_cells", (*cells, theta)), ("prior_terms", (theta, center, strength))):
        sums = [(np.ones(len(theta)), np.ones((3, len(theta)))) for _ in range(2)]
        value = getattr(tag_propensity, name)(*where, *sums[0])
        twin = getattr(naive, name)(*where, *sums[1])
        np.testing.assert_allclose(value, twin, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(sums[0][0], sums[1][0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(sums[0][1], sums[1][1], rtol=1e-4, atol=1e-4)


@settings(max_examples=5, deadline=None)
@given(classes())
def test_fit_propensity_ends_where_expectation_maximisation_does(drawn):
    cells, center, strength, _ = drawn
    theta, twin = np.zeros(len(center)), np.zeros(len(center))
    value = tag_propensity.fit_propensity(*cells, center, strength, theta, 200)
    slow = naive.fit_propensity(*cells, center, strength, twin, 4)
    # It climbs slowly; where it has not arrived it is lower.
    assert value >= slow - 1e-4
    again = theta.copy()
    longer = naive.fit_propensity(*cells, center, strength, again, 1)
    assert abs(longer - value) < 1e-4
    # The top is flat in places: what is fitted must agree, not each parameter.
    logit, group = cells[:2]
    np.testing.assert_allclose(
        naive.log_given(logit, group, theta), naive.log_given(logit, group, again), atol=0.01
    )


def test_a_step_that_does_not_climb_is_halved():
    """From far away a whole step of Fisher scoring overshoots; the value never falls."""
    cells = (
        np.array([-8.0, 8.0]),
        np.zeros(2, np.int64),
        np.array([1.0, 90.0]),
        np.array([99, 10.0]),
    )
    center, strength = np.array([0.0, 0.0, 0.5]), np.array([0.01, 0.25, 1.0])
    values = []
    for steps in range(1, 12):
        theta = np.array([6.0, -1.0, -6.0])
        values.append(tag_propensity.fit_propensity(*cells, center, strength, theta, steps))
    assert np.all(np.diff(values) >= 0.0)
    np.testing.assert_allclose(naive.expit(theta[2]), 0.9, atol=0.01)


@settings(max_examples=10, deadline=None)
@given(classes(), st.integers(0, 3))
def test_fit_draws_fits_each_draw_by_itself(drawn, draws):
    (logit, group, hits, rest), center, strength, start = drawn
    rng = np.random.default_rng(draws)
    given_draws, rest_draws = (rng.poisson(x, (draws, len(x))).astype(float) for x in (hits, rest))
    centers, theta = np.tile(center, (draws, 1)), np.tile(start, (draws, 1))
    tag_propensity.fit_draws(logit, group, given_draws, rest_draws, centers, strength, theta, 5)
    for r in range(draws):
        alone = start.copy()
        cells = (logit, group, given_draws[r], rest_draws[r])
        tag_propensity.fit_propensity(*cells, center, strength, alone, 5)
        np.testing.assert_array_equal(theta[r], alone)
    # The twin does the same with the slow fit, from where the fast one ended.
    slow = theta.copy()
    naive.fit_draws(logit, group, given_draws, rest_draws, centers, strength, slow[:, :], 0)
    np.testing.assert_array_equal(slow, theta)
