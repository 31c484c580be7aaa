"""Groups of rows as codes, whatever batches they come in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from labelaudit.tables.group_codes import CodedGroups

NAN = float("nan")


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("steps", [(7,), (3, 4), (1, 0, 6)])
def test_codes_are_given_in_the_order_of_first_appearance(size, steps):
    column = pa.array([1.0, None, NAN, NAN, 2.0, None, 1.0])
    coded = CodedGroups(column.slice(at, size) for at in range(0, 7, size))
    found = np.concatenate([coded.next_rows(step) for step in steps])
    assert found.tolist() == [0, 1, 2, 2, 3, 1, 0]
    assert str(coded.values.to_pylist()) == "[1.0, None, nan, 2.0]"


def test_dictionaries_that_differ_are_of_one_column():
    parts = [pa.array(["b", "a"]).dictionary_encode(), pa.array(["a", "c"]).dictionary_encode()]
    coded = CodedGroups(iter(parts))
    assert coded.next_rows(4).tolist() == [0, 1, 1, 2]
    assert coded.values.to_pylist() == ["b", "a", "c"]
