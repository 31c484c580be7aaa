from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.summaries import ordering
from labelaudit.summaries.ordering import (
    grouped_order,
    order_around,
    sorted_in_groups,
    stable_order,
)

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


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@given(st.lists(st.tuples(st.integers(0, 3), FLOATS), max_size=30))
def test_values_of_groups_ascend(kind, pairs):
    groups = np.array([group for group, _ in pairs], np.int32)
    values = np.array([value for _, value in pairs], kind)
    found = sorted_in_groups(groups, values)
    assert found.dtype == kind
    assert found.tolist() == [value for _, value in sorted(pairs)]


@given(st.lists(FLOATS, min_size=1, max_size=30), st.data())
def test_one_value_stands_where_sorting_would_put_it(values, data):
    place = data.draw(st.integers(0, len(values) - 1))
    order = order_around(np.array(values), place).tolist()
    assert sorted(order) == list(range(len(values)))
    ordered, value = [values[i] for i in order], sorted(values)[place]
    assert ordered[place] == value
    first, n = ordered.index(value), values.count(value)
    assert order[first : first + n] == [i for i, each in enumerate(values) if each == value]
    assert max(ordered[:first], default=-np.inf) < value
    assert min(ordered[first + n :], default=np.inf) > value
