from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from labelaudit.kernels import tag_bins
from tests.naive import tag_bins as naive

probs = st.one_of(st.just(np.nan), st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1))


@given(probs, st.sampled_from([1, 2, 7, 256]))
def test_bin_of_as_the_twin_says(prob, bins):
    found, twin = tag_bins.bin_of(prob, -12.0, bins), naive.bin_of(prob, -12.0, bins)
    edge = -12.0 + 24.0 / bins * max(found, twin)
    # On an edge, the last bits of the logarithm decide.
    on_edge = 0.0 < prob < 1.0 and abs(np.log(prob) - np.log1p(-prob) - edge) < 1e-9
    assert found == twin or (on_edge and abs(found - twin) == 1)


@pytest.mark.parametrize(
    ("prob", "place"), [(0.0, 0), (1e-30, 0), (0.49, 127), (0.51, 128), (1.0, 255), (np.nan, 256)]
)
def test_bins_of_some_probabilities(prob, place):
    assert tag_bins.bin_of(prob, -12.0, 256) == place


@given(st.data(), st.integers(0, 8), st.integers(1, 4), st.integers(1, 3))
def test_count_bins_as_the_twin_says(data, n, k, groups):
    tags = data.draw(hnp.arrays(np.int8, (n, k), elements=st.integers(-2, 1)))
    p = data.draw(hnp.arrays(np.float32, (n, k), elements=st.sampled_from([0, 0.3, 0.8, np.nan])))
    group = data.draw(hnp.arrays(np.int32, n, elements=st.integers(-1, groups - 1)))
    first = data.draw(st.integers(0, k - 1))
    found = np.zeros((k - first, groups, 8, 2), np.int64)
    twin = found.copy()
    tag_bins.count_bins(tags, p, group, first, -12.0, found)
    naive.count_bins(tags, p, group, first, -12.0, twin)
    np.testing.assert_array_equal(found, twin)
