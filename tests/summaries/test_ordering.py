from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.summaries import ordering
from labelaudit.summaries.ordering import grouped_order, stable_order

FLOATS = st.floats(allow_nan=False, width=32) | st.sampled_from([0.0, -0.0, 0.5, -0.5])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@given(st.lists(FLOATS, max_size=30))
def test_order_as_of_a_stable_sort(kind, values):
    found = stable_order(np.array(values, kind))
    assert found.tolist() == sorted(range(len(values)), key=values.__getitem__)


@pytest.mark.parametrize("few", [0, 2, 2**15])
@given(st.lists(st.tuples(st.integers(0, 3), FLOATS), max_size=30))
def test_order_by_group_and_value(few, pairs):
    groups = np.array([group for group, _ in pairs], np.int32)
    values = np.array([value for _, value in pairs], np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "FEW_GROUPS", few)
        found = grouped_order(groups, values)
    assert found.tolist() == sorted(range(len(pairs)), key=pairs.__getitem__)
