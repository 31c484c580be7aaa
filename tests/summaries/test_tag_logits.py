from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from labelaudit.summaries import tag_logits
from labelaudit.summaries.tag_logits import BINS, LogitCounts, bin_logits

if TYPE_CHECKING:
    import pytest


def test_cells_of_a_small_table():
    given_tags = np.array([[1, 0], [0, -1], [1, 1], [0, 0]], np.int8)
    probs = np.array([[0.51, 0.0], [0.51, 0.9], [np.nan, 1.0], [0.2, 0.3]], np.float32)
    group = np.array([0, 0, 1, -1], np.int32)
    counts = LogitCounts.of(given_tags, probs, group, 2)
    first, second = counts.of_class(0), counts.of_class(1)
    assert [column.tolist() for column in first] == [[0, 1], [128, BINS], [1, 1], [1, 0]]
    assert [column.tolist() for column in second] == [[0, 1], [0, 255], [0, 1], [1, 0]]


def test_bins_are_of_equal_width_about_zero():
    middle = bin_logits()
    assert middle[[0, 127, 128, 255]].tolist() == [-11.953125, -0.046875, 0.046875, 11.953125]


@given(st.data(), st.integers(0, 10), st.integers(1, 5))
def test_parts_add_up_to_the_whole_in_any_order(data, n, k):
    tags = data.draw(hnp.arrays(np.int8, (n, k), elements=st.integers(-1, 1)))
    probs = data.draw(hnp.arrays(np.float32, (n, k), elements=st.sampled_from([0.1, 0.9, np.nan])))
    group = data.draw(hnp.arrays(np.int32, n, elements=st.integers(0, 2)))
    cut = data.draw(st.integers(0, n))
    whole = LogitCounts.of(tags, probs, group, 3)
    parts = [
        LogitCounts.of(tags[part], probs[part], group[part], 3)
        for part in (slice(cut), slice(cut, None))
    ]
    for total in (parts[0] + parts[1], parts[1] + parts[0]):
        assert total.cells.keys.tolist() == whole.cells.keys.tolist()
        assert total.cells.counts.tolist() == whole.cells.counts.tolist()


def test_classes_are_counted_some_at_a_time(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    tags, probs = rng.integers(0, 2, (30, 7)).astype(np.int8), rng.random((30, 7))
    at_once = LogitCounts.of(tags, probs)
    monkeypatch.setattr(tag_logits, "_ROOM", 3 * 2 * (BINS + 1))
    in_parts = LogitCounts.of(tags, probs)
    assert in_parts.cells.keys.tolist() == at_once.cells.keys.tolist()
    assert in_parts.cells.counts.tolist() == at_once.cells.counts.tolist()
