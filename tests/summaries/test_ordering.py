from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.summaries import ordering
from labelaudit.summaries.ordering import (
    grouped_order,
    order_around,
    stable_order,
    values_at,
)

FLOATS = st.floats(allow_nan=False, width=32) | st.sampled_from([0.0, -0.0, 0.5, -0.5])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@given(st.lists(FLOATS, max_size=30))
def test_order_as_of_a_stable_sort(kind, values):
    found = stable_order(np.array(values, kind))
    assert found.tolist() == sorted(range(len(values)), key=values.__getitem__)


@pytest.mark.parametrize("few", [0, 2, 2**15])
@given(st.lists(st.tuples(st.integers(0, 3), FLOATS | st.floats(-1, 1)), max_size=30))
def test_order_by_group_and_value(few, pairs):
    groups = np.array([group for group, _ in pairs], np.int32)
    values = np.array([value for _, value in pairs], np.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "FEW_GROUPS", few)
        found = grouped_order(groups, values)
    assert found.tolist() == sorted(range(len(pairs)), key=pairs.__getitem__)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@given(st.integers(0, 3), st.data())
def test_values_at_places_as_of_a_sort(kind, most, data):
    others = st.floats(-1, 1, width=32 if kind is np.float32 else 64)
    pair = st.tuples(st.integers(0, most), FLOATS | others)
    pairs = data.draw(st.lists(pair, min_size=1, max_size=30))
    places = np.array(data.draw(st.lists(st.integers(0, len(pairs) - 1), max_size=5)), np.int64)
    groups = np.array([group for group, _ in pairs], np.int32)
    values = np.array([value for _, value in pairs], kind)
    found = values_at(groups, values, places)
    assert found.tolist() == [sorted(pairs)[place][1] for place in places]


@given(st.lists(FLOATS, min_size=1, max_size=30), st.data())
def test_one_value_stands_where_sorting_would_put_it(values, data):
    place = data.draw(st.integers(0, len(values) - 1))
    order = order_around(np.array(values), place).tolist()
    assert sorted(order) == list(range(len(values)))
    ordered, value = [values[i] for i in order], sorted(values)[place]
    assert ordered[place] == value
    first, n = ordered.index(value), values.count(value)
    assert order[first : first + n] == [i for i, each in enumerate(values) if each == value]
    assert all(each < value for each in ordered[:first])
    assert all(each > value for each in ordered[first + n :])
