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
    for found, expected in zip(gamma_logs(x), naive.gamma_logs(x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_gamma_logs_of_whole_numbers() -> None:
    digamma, log_gamma = gamma_logs(np.array([1.0, 2.0, 5.0]))
    euler = 0.5772156649015329
    np.testing.assert_allclose(digamma, [-euler, 1 - euler, 25 / 12 - euler], atol=1e-13)
    np.testing.assert_allclose(log_gamma, [0.0, 0.0, np.log(24.0)], atol=1e-13)
