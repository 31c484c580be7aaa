from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.channel import (
    ChannelSums,
    count,
    drawn_interval,
    error_interval,
    fit,
    score_block,
)
from labelaudit.audits.face import fit_face_value
from labelaudit.audits.facts import Sample
from labelaudit.blocks import LabelBlock
from tests.audits.labelled import kept, mixture


@pytest.mark.parametrize(
    ("e2", "c1", "n", "expected"),
    [(10.0, 20, 100, 15), (0.0, 0, 5, 0), (9.0, 9, 3, 3), (4.4, 5, 50, 5), (2.0, 1, 9, 2)],
)
def test_count(e2, c1, n, expected):
    assert count(e2, c1, n) == expected


def test_interval_of_certain_posteriors_is_wilsons():
    # Ten wrong labels in a hundred, all of them seen to be wrong.
    low, high = error_interval(10.0, 10.0, 10.0, 100)
    assert (low, high) == (pytest.approx(0.05522914), pytest.approx(0.17436566))


def test_interval_without_errors_has_a_lower_end_of_zero():
    low, high = error_interval(0.0, 0.0, 0.0, 1000)
    assert low == 0.0
    assert high == pytest.approx(0.0038268, rel=1e-3)


def test_posteriors_that_tell_nothing_leave_everything_open():
    assert error_interval(30.0, 30.0, 9.0, 100) == (0.0, 1.0)
    assert error_interval(0.0, 0.0, 0.0, 0) == (0.0, 1.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 40))
def test_interval_holds_the_estimate(doubts, errors):
    x = np.array(doubts)
    rate = min(errors / len(x), 1.0)
    low, high = error_interval(errors, x.sum(), (x * x).sum(), len(x))
    assert 0.0 <= low <= rate <= high <= 1.0


def test_drawn_interval_is_that_of_a_bootstrap_over_rows():
    rng = np.random.default_rng(3)
    x = rng.beta(0.1, 0.9, 2000)
    means = [x[rng.integers(0, 2000, 2000)].mean() for _ in range(2000)]
    found = drawn_interval(x.sum(), (x * x).sum(), 2000)
    assert found == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.001)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_drawn_interval_holds_the_mean(doubts):
    x = np.array(doubts)
    low, high = drawn_interval(x.sum(), (x * x).sum(), len(x))
    assert 0.0 <= low <= min(x.sum() / len(x), 1.0) <= high <= 1.0


def test_drawn_interval_without_rows_or_doubt():
    assert drawn_interval(0.0, 0.0, 0) == (0.0, 1.0)
    assert drawn_interval(0.0, 0.0, 1000) == error_interval(0.0, 0.0, 0.0, 1000)
    assert drawn_interval(5e-324, 0.0, 1) == drawn_interval(0.0, 0.0, 1)


def test_a_sample_tells_less_than_all_rows():
    for interval in (
        lambda n: error_interval(80.0, 80.0, 60.0, 1000, n),
        lambda n: drawn_interval(80.0, 60.0, 1000, n),
    ):
        widths = [np.ptp(interval(n)) for n in (None, 2000, 1000, 500, 100, 0)]
        assert widths[0] == widths[1] == widths[2] < widths[3] < widths[4] < widths[5]


def test_sampled_rates_of_known_labels_differ_as_the_interval_says():
    """Where posteriors are 0 and 1, the rate of n rows out of N is a binomial one."""
    low, high = drawn_interval(80_000.0, 80_000.0, 1_000_000, 10_000)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.08 * 0.92 / 10_000), rel=1e-3)


def test_interval_covers_the_rate():
    """Forty tables of 2,000 rows with exact posteriors and 15 % symmetric noise."""
    covered = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        true = rng.integers(0, 3, 2000)
        points = rng.normal(0, 1, 2000) + 2.0 * true
        probs = np.exp(-((points[:, None] - 2.0 * np.arange(3)) ** 2) / 2)
        probs /= probs.sum(axis=1, keepdims=True)
        labels = true.astype(np.int32)
        moved = rng.random(2000) < 0.15
        labels[moved] = (labels[moved] + rng.integers(1, 3, moved.sum())) % 3
        sample = Sample(np.arange(2000), labels, (probs,))
        doubt = -fit_face_value(sample, np.bincount(labels)).scores(kept(labels, probs))
        e1, squares = float(doubt.sum()), float((doubt * doubt).sum())
        low, high = error_interval(e1, e1, squares, 2000)
        covered += low <= 0.15 <= high
    assert covered >= 34


@given(st.integers(0, 60))
def test_sums_add_up_exactly(cut):
    labels, (probs,), _ = mixture(60, 3)
    labels[5] = -1
    model = fit(labels, [probs], np.arange(60), 0, np.bincount(labels[labels >= 0]), 59)

    def sums(low, high):
        block = LabelBlock(low, labels[low:high], (probs[low:high],))
        return ChannelSums.of(score_block(model, block))

    whole, parts = sums(0, 60), sums(0, cut) + sums(cut, 60)
    assert whole.rows == parts.rows == 59
    assert whole.values.tolist() == parts.values.tolist()
