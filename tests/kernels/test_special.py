"""Digamma and log-gamma agree with scipy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.kernels.special import gamma_logs
from tests.naive import special as naive


@given(st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=9))
def test_gamma_logs(values: list[float]) -> None:
    x = np.array(values)
    found, twin = np.empty((2, len(x))), np.empty((2, len(x)))
    gamma_logs(x, *found)
    naive.gamma_logs(x, *twin)
    np.testing.assert_allclose(found, twin, rtol=1e-12, atol=1e-12)


def test_gamma_logs_of_whole_numbers() -> None:
    digamma, log_gamma = np.empty((2, 3))
    gamma_logs(np.array([1.0, 2.0, 5.0]), digamma, log_gamma)
    euler = 0.5772156649015329
    np.testing.assert_allclose(digamma, [-euler, 1 - euler, 25 / 12 - euler], atol=1e-13)
    np.testing.assert_allclose(log_gamma, [0.0, 0.0, np.log(24.0)], atol=1e-13)
