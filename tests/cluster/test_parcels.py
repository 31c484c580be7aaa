"""What travels is what arrives, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from labelaudit.cluster.parcels import packed, unpacked

KINDS = st.sampled_from([np.int8, np.uint16, np.int32, np.int64, np.float32, np.float64, np.bool_])


@given(KINDS.flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(max_side=40))), st.booleans())
def test_arrays_arrive_as_they_were(array, frozen):
    array.flags.writeable = not frozen
    found = unpacked(packed({"a": array, "b": (array, array.T, "text")}))
    for each, expected in ((found["a"], array), (found["b"][0], array), (found["b"][1], array.T)):
        assert each.dtype == expected.dtype
        assert each.shape == expected.shape
        assert each.tobytes() == expected.tobytes()
    assert found["a"].flags.writeable is not frozen


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int16])
def test_large_arrays(kind):
    array = np.random.default_rng(0).integers(-5000, 5000, (3000, 3)).astype(kind)
    parcel = packed([array])
    assert len(parcel) < array.nbytes
    assert unpacked(parcel)[0].tobytes() == array.tobytes()


def test_ascending_numbers_take_little_room():
    rows = np.sort(np.random.default_rng(0).choice(10**7, 10**5, replace=False))
    assert len(packed(rows)) < 2.0 * len(rows)
