from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.summaries.ordering import stable_order

FLOATS = st.floats(allow_nan=False, width=32) | st.sampled_from([0.0, -0.0, 0.5, -0.5])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@given(st.lists(FLOATS, max_size=30))
def test_order_as_of_a_stable_sort(kind, values):
    found = stable_order(np.array(values, kind))
    assert found.tolist() == sorted(range(len(values)), key=values.__getitem__)
