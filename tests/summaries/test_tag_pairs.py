from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from labelaudit.summaries import tag_pairs
from labelaudit.summaries.tag_pairs import TagPairs


def all_pairs(k):
    pairs = [(a, b) for a in range(k) for b in range(k) if a != b]
    return np.array(pairs, np.int64).reshape(-1, 2).T


def counted(tags, a, b):
    """Counts of one pair, over the rows annotated for both."""
    there = (tags[:, a] >= 0) & (tags[:, b] >= 0)
    one, other = tags[there, a] == 1, tags[there, b] == 1
    return [int(each.sum()) for each in (there, one, other, one & other)]


tables = st.tuples(st.integers(0, 12), st.integers(1, 5)).flatmap(
    lambda shape: hnp.arrays(np.int8, shape, elements=st.sampled_from([-1, 0, 0, 1, 1]))
)


@given(tables, st.integers(0, 12))
def test_counts_are_of_rows_annotated_for_both(tags, cut):
    total = TagPairs.of(tags[:cut]) + TagPairs.of(tags[cut:])
    a, b = all_pairs(tags.shape[1])
    found = np.stack(total.counts(a, b), axis=1).tolist()
    assert found == [counted(tags, *pair) for pair in zip(a, b, strict=True)]
    assert total.left_out == 0


@given(tables)
def test_with_many_classes_only_complete_rows_count(tags):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tag_pairs, "MOST_DENSE", 0)
        patch.setattr(tag_pairs, "_MOST_PAIRS", 3)
        total = TagPairs.of(tags)
    missing = (tags < 0).sum(axis=1)
    complete = tags[missing == 0]
    a, b = all_pairs(tags.shape[1])
    found = np.stack(total.counts(a, b), axis=1).tolist()
    assert found == [counted(complete, *pair) for pair in zip(a, b, strict=True)]
    assert total.left_out == int(((missing > 0) & (missing < tags.shape[1])).sum())


def test_totals_count_every_annotated_row():
    tags = np.array([[1, 0], [1, -1], [-1, 1], [-1, -1]], np.int8)
    assert TagPairs.of(tags).totals().tolist() == [2, 1]
    assert TagPairs.of(tags[:1]).totals().tolist() == [1, 0]
