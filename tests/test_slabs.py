from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.slabs import Slab

KINDS = st.sampled_from([np.bool_, np.int16, np.int32, np.float32, np.float64])
SHAPES = st.lists(st.integers(0, 40), min_size=1, max_size=3).map(tuple)


@given(st.lists(st.tuples(SHAPES, KINDS), max_size=12), st.sampled_from([0, 100, 1 << 20]))
def test_arrays_are_as_asked_for_and_none_touches_another(asked, size):
    slab = Slab(size)
    arrays = [slab.empty(shape, kind) for shape, kind in asked]
    for number, array in enumerate(arrays):
        array.fill(number)
    for number, (array, (shape, kind)) in enumerate(zip(arrays, asked, strict=True)):
        assert (array.shape, array.dtype) == (shape, kind)
        assert array.flags.c_contiguous
        assert array.flags.aligned
        assert (array == np.full(shape, number, kind)).all()


def test_what_does_not_fit_begins_another_run():
    slab = Slab(256)
    first, second, third = (slab.empty((n,), np.uint8) for n in (200, 100, 1000))
    assert [len(array) for array in (first, second, third)] == [200, 100, 1000]
    assert not np.shares_memory(first, second)
    assert len(third.base) == 1024
