from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.tables.held_keys import HeldKeys


def held(batches, kind):
    arrays = [pa.array(batch, kind) for batch in batches]
    kept = HeldKeys(sum(map(len, arrays)))
    assert list(kept.tapped(iter(arrays))) == arrays
    return kept


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4), max_size=5), st.data())
def test_keys_come_back(batches, data):
    keys = [key for batch in batches for key in batch]
    kept = held(batches, pa.int64())
    if keys:
        assert kept.complete
        rows = data.draw(st.lists(st.integers(0, len(keys) - 1), max_size=6))
        taken = kept.take(np.array(rows, np.int64))
        assert taken.type == pa.int64()
        assert taken.to_pylist() == [keys[row] for row in rows]


@pytest.mark.parametrize("kind", [pa.uint64(), pa.int32(), pa.uint8(), pa.int8()])
def test_the_type_is_the_columns(kind):
    taken = held([[1, 2], [100]], kind).take(np.array([2, 0]))
    assert taken.equals(pa.array([100, 1], kind))


def test_keys_from_2_31_on_take_eight_bytes():
    kept = held([[2**31 - 1], [2**31], [2**64 - 1]], pa.uint64())
    assert kept.take(np.arange(3)).to_pylist() == [2**31 - 1, 2**31, 2**64 - 1]


@pytest.mark.parametrize(("batches", "kind"), [([["a"]], pa.string()), ([[1, None]], pa.int64())])
def test_other_keys_are_not_kept(batches, kind):
    assert not held(batches, kind).complete


def test_half_read_keys_are_not_complete_until_they_are_read_again():
    arrays = [pa.array([1, 2]), pa.array([3])]
    kept = HeldKeys(3)
    next(kept.tapped(iter(arrays)))
    assert not kept.complete
    list(kept.tapped(iter(arrays)))
    assert kept.take(np.array([2, 0])).to_pylist() == [3, 1]
