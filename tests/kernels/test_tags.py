from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.kernels import tags
from labelaudit.summaries.tags import BINS, bin_logits, bins_of, unit
from tests.naive import tags as naive


@st.composite
def tag_cells(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Given tags with gaps, and probabilities of few or of many different values."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    labels = rng.integers(-1, 2, shape).astype(np.int8)
    probs = rng.random(shape)
    if draw(st.booleans()):
        probs = np.round(probs * 4) / 4
    probs[rng.random(shape) < 0.1] = np.nan
    return labels, probs.astype(draw(st.sampled_from([np.float32, np.float64])))


@given(tag_cells())
def test_tally_as_the_twin_says(cells):
    labels, probs = cells
    found = []
    for room in (tags, naive):
        counts = np.zeros((labels.shape[1], 2, BINS + 1), np.int64)
        sums = np.zeros((labels.shape[1], 2, 2), np.int64)
        room.tally_tags(labels, probs, bins_of(probs), unit(probs), counts, sums)
        found.append((counts, sums))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


@given(tag_cells(), st.booleans())
def test_fit_as_the_twin_says(cells, moves):
    labels, probs = cells
    counts = np.zeros((labels.shape[1], 2, BINS + 1), np.int64)
    sums = np.zeros((labels.shape[1], 2, 2), np.int64)
    tags.tally_tags(labels, probs, bins_of(probs), unit(probs), counts, sums)
    believed = np.array([0.05, 20.0, 0.01, 200.0, 100.0, float(moves)])
    whole = np.ascontiguousarray(counts[:, :, :-1])
    found = tags.fit_tags(whole, bin_logits(), believed, 5)
    np.testing.assert_allclose(
        found, naive.fit_tags(whole, bin_logits(), believed, 5), rtol=1e-8, atol=1e-12
    )


def test_fit_finds_planted_rates():
    """Exact expected counts of a curve as it is, a tenth missing and a fiftieth extra."""
    logits = bin_logits()
    truly = 1.0 / (1.0 + np.exp(-logits))
    cells = 1e7 * np.exp(-(logits**2) / 18)
    counts = np.stack([cells * (truly * 0.1 + (1 - truly) * 0.98), cells * 1.0], axis=0)
    counts[1] -= counts[0]
    believed = np.array([0.05, 20.0, 0.01, 200.0, 1e9, 1.0])
    fitted = tags.fit_tags(np.rint(counts)[None].astype(np.int64), logits, believed, 200)
    np.testing.assert_allclose(fitted[0], [1.0, 0.0, 0.1, 0.02], atol=1e-3)


@given(tag_cells(), st.integers(0, 2**32 - 1))
def test_picks_as_the_twin_says(cells, seed):
    labels, probs = cells
    n_classes = labels.shape[1]
    rng = np.random.default_rng(seed)
    reach = rng.choice([0.25, 0.5, 0.7, np.inf], (n_classes, 2))
    cuts = rng.integers(-1, BINS + 1, (n_classes, 2))
    found = []
    for room in (tags, naive):
        joint = np.zeros((n_classes, 2, 2), np.int64)
        places = np.zeros(labels.size, np.int64)
        picked = room.pick_tags(
            labels, probs, bins_of(probs), unit(probs), reach, cuts, joint, places
        )
        found.append((joint, places[:picked]))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


@given(
    tag_cells(),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 1.0, 2.0]),
    st.sampled_from([(0.0, 0.1), (0.0, 0.3), (1.0, 0.8)]),
)
def test_scores_as_the_twin_says(cells, seed, kind, row):
    labels, probs = cells
    n_classes = labels.shape[1]
    rng = np.random.default_rng(seed)
    lines = rng.uniform(0.1, 1.0, (n_classes, 6))
    lines[rng.random(n_classes) < 0.2] = np.nan
    shape = np.array([kind, *row])
    sums = np.zeros((2, n_classes, 3), np.int64)
    found = tags.score_tags(labels, probs, unit(probs), lines, shape, sums[0])
    twin = naive.score_tags(labels, probs, unit(probs), lines, shape, sums[1])
    np.testing.assert_allclose(found, twin, rtol=1e-9)
    np.testing.assert_array_equal(sums[0, :, 0], sums[1, :, 0])
    totals = (sums[:, :, 1] * 2.0**26 + sums[:, :, 2]) / 2.0**52
    np.testing.assert_allclose(totals[0], totals[1], atol=1e-9)


@pytest.mark.parametrize(("kind", "setting", "expected"), [(0.0, 0.1, 0.10027), (1.0, 0.8, 0.26)])
def test_row_scores_by_hand(kind, setting, expected):
    """Softmin of .9 and .1 is .1 + .8 / (1 + e^8); the average is .8 * .1 + .2 * .9."""
    labels = np.ones((1, 2), np.int8)
    probs = np.array([[0.9, 0.1]])
    lines = np.zeros((2, 6))
    sums = np.zeros((2, 3), np.int64)
    shape = np.array([1.0, kind, setting])
    found = tags.score_tags(labels, probs, unit(probs), lines, shape, sums)
    np.testing.assert_allclose(found, [expected], atol=1e-4)
