from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.findings import FILTERS
from labelaudit.tables import issues


@pytest.mark.parametrize("at_once", [1, 3, 100])
@given(st.lists(st.integers(0, 255), max_size=12))
def test_bits_are_spelled_out_in_the_order_of_the_filters(at_once, numbers):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(issues, "AT_ONCE", at_once)
        names = issues.filter_names(np.array(numbers, np.uint8))
    names.validate(full=True)
    assert names.to_pylist() == [
        [name for i, name in enumerate(FILTERS) if number & 2**i] for number in numbers
    ]
