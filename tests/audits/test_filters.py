from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits import filters
from labelaudit.audits.filters import RowEvidence, lowest, lowest_of_each_class


def evidence(labels, scores):
    nothing = np.zeros(len(labels), np.int32)
    return RowEvidence(labels, scores, scores, nothing, nothing > 0, nothing)


def lowest_by_sorting(rows, scores, n):
    return set(sorted(rows, key=lambda i: (scores[i], i))[:n])


@given(st.lists(st.tuples(st.integers(-5, 3), st.integers(0, 6)), max_size=40), st.data())
def test_lowest_of_each_class_by_sorting(rows, data):
    labels = np.array([label for label, _ in rows], np.int32)
    scores = np.array([score / 8 for _, score in rows], np.float32)
    wanted = np.array(data.draw(st.lists(st.integers(0, 5), min_size=4, max_size=4)))
    found = np.flatnonzero(lowest_of_each_class(evidence(labels, scores), wanted)).tolist()
    expected = set()
    for k in range(4):
        expected |= lowest_by_sorting(np.flatnonzero(labels == k), scores, wanted[k])
    assert set(found) == expected


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ties", [False, True])
def test_bounds_from_a_part_of_the_rows_do_not_show(seed, ties):
    """Enough rows that the bounds guessed from every 64th row are used, with all sorts of n."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([-1, 0, 0, 0, 1, 2], 20_000).astype(np.int32)
    scores = rng.random(20_000).astype(np.float32)
    if ties:
        scores = np.round(scores, 2)
    wanted = np.array([rng.integers(0, 8000), rng.integers(0, 300), 3])
    found = set(np.flatnonzero(lowest_of_each_class(evidence(labels, scores), wanted)).tolist())
    expected = set()
    for k in range(3):
        expected |= lowest_by_sorting(np.flatnonzero(labels == k).tolist(), scores, wanted[k])
    assert found == expected
    n = int(rng.integers(1, 9000))
    among = labels >= 0
    picked = set(np.flatnonzero(lowest(scores, among, n)).tolist())
    assert picked == lowest_by_sorting(np.flatnonzero(among).tolist(), scores, n)


def test_a_part_that_misleads_costs_time_only(monkeypatch):
    """The rows that are looked at first are all high: the bound is then too high, or useless."""
    labels = np.zeros(6400, np.int32)
    scores = np.linspace(0.5, 0.6, 6400).astype(np.float32)
    scores[::64] = 0.0
    for n in (1, 50, 200, 6400):
        found = np.flatnonzero(lowest_of_each_class(evidence(labels, scores), np.array([n])))
        assert set(found.tolist()) == lowest_by_sorting(range(6400), scores, n)
    monkeypatch.setattr(filters, "MANY_CLASSES", 0)
    found = np.flatnonzero(lowest_of_each_class(evidence(labels, scores), np.array([7])))
    assert set(found.tolist()) == lowest_by_sorting(range(6400), scores, 7)
