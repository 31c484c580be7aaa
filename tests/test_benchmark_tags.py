"""The errors that the benchmark of tags plants are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.tag_quality import KINDS, moving_average, planted, softmin


def true_tags() -> np.ndarray:
    return (np.random.default_rng(0).random((4000, 10)) < 0.3).astype(np.int8)


@pytest.mark.parametrize("kind", KINDS)
def test_about_a_sixth_of_the_rows_have_an_error(kind: str) -> None:
    true = true_tags()
    given = planted(true, kind, np.random.default_rng(1))
    assert 0.08 < (given != true).any(axis=1).mean() < 0.25
    assert np.array_equal(given, planted(true, kind, np.random.default_rng(1)))
    lost, gained = ((true == 1) & (given == 0)).any(), ((true == 0) & (given == 1)).any()
    assert (lost, gained) == (kind != "extra", kind != "missing")


def test_scores_of_rows() -> None:
    quality = np.array([[0.9, 0.9], [0.2, 1.0]])
    np.testing.assert_allclose(softmin(quality)[0], 0.9)
    assert 0.2 < softmin(quality)[1] < 0.21
    np.testing.assert_allclose(moving_average(quality), [0.9, 0.8 * 0.2 + 0.2 * 1.0])
