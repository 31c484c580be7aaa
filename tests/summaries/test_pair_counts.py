from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.summaries import pair_counts
from labelaudit.summaries.pair_counts import PairCounts


def counted(counts):
    cells = counts.cells()
    assert cells.count.min(initial=1) > 0
    pairs = list(zip(cells.given.tolist(), cells.true.tolist(), strict=True))
    assert pairs == sorted(pairs)
    return dict(zip(pairs, cells.count.tolist(), strict=True))


@pytest.mark.parametrize("dense", [0, 1 << 16])
@given(st.lists(st.tuples(st.integers(-2, 4), st.integers(-2, 4)), max_size=30), st.integers(0, 30))
def test_pairs_add_up_however_they_are_counted(dense, pairs, cut):
    first = np.array([a for a, _ in pairs], np.int32)
    second = np.array([b for _, b in pairs], np.int16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_counts, "MOST_DENSE", dense)
        parts = PairCounts.of(first[:cut], second[:cut], 5) + PairCounts.of(
            first[cut:], second[cut:], 5
        )
    expected = Counter((a, b) for a, b in pairs if a >= 0 and b >= 0)
    assert counted(parts) == expected
    assert counted(parts + PairCounts.none(5)) == expected
    assert counted(pickle.loads(pickle.dumps(parts))) == expected
