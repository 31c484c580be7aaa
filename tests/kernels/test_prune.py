from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.facts import RowFacts
from labelaudit.blocks import LabelBlock
from labelaudit.findings import JointCells
from labelaudit.kernels import prune
from labelaudit.kernels.rows import leading_classes
from labelaudit.summaries.margins import LowestMargins
from tests.naive import prune as naive
from tests.strategies import label_tables

NO_ROW = np.iinfo(np.int64).max
pairs = st.tuples(st.sampled_from([-0.5, 0.0, 0.25, 1.0]), st.integers(0, 30))


def _pairs_in(keys, rows, start):
    return [sorted(zip(keys[a:b], rows[a:b], strict=True)) for a, b in itertools.pairwise(start)]


@given(st.lists(pairs, max_size=20, unique=True), st.integers(1, 6))
def test_push_keeps_the_lowest_pairs(offered, size):
    heaps = [np.full(size, np.inf), np.full(size, NO_ROW)]
    twin = [array.copy() for array in heaps]
    for key, row in offered:
        prune.push(*heaps, 0, size, key, row)
        naive.push(*twin, 0, size, key, row)
        assert _pairs_in(*heaps, [0, size]) == _pairs_in(*twin, [0, size])
    assert sorted(zip(*heaps, strict=True))[: len(offered)] == sorted(offered)[:size]


@given(st.lists(pairs, min_size=1, max_size=12, unique=True))
def test_sift_down_restores_the_heap(items):
    keys, rows = (np.array(column) for column in zip(*sorted(items)[::-1], strict=True))
    keys, rows = keys.astype(float), rows.astype(np.int64)
    keys[0], rows[0] = 0.1, 5
    twin_keys, twin_rows = keys.copy(), rows.copy()
    prune.sift_down(keys, rows, 0, len(keys))
    naive.sift_down(twin_keys, twin_rows, 0, len(keys))
    assert (keys[0], rows[0]) == (twin_keys[0], twin_rows[0])
    assert _pairs_in(keys, rows, [0, len(keys)]) == _pairs_in(twin_keys, twin_rows, [0, len(keys)])


@given(label_tables(most_classes=4), st.data())
def test_lowest_margins_and_merging_as_the_twins_say(table, data):
    labels, probs = table
    n_classes = probs.shape[1]
    cells = [(k, j) for k in range(n_classes) for j in range(n_classes) if k != j]
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=len(cells), max_size=len(cells)))
    given_start = np.arange(n_classes + 1) * (n_classes - 1)
    other = np.array([j for _, j in cells], np.int32)
    start = np.concatenate([[0], np.cumsum(sizes)])
    where = (given_start, other, start)
    cut = data.draw(st.integers(0, len(labels)))

    def empty():
        return np.full(start[-1], np.inf), np.full(start[-1], NO_ROW)

    wanted = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(labels), max_size=len(labels)))
    )
    whole, twin, first, second = empty(), empty(), empty(), empty()
    prune.lowest_margins(labels, probs, 0, wanted, *where, *whole)
    naive.lowest_margins(labels, probs, 0, wanted, *where, *twin)
    prune.lowest_margins(labels[:cut], probs[:cut], 0, wanted[:cut], *where, *first)
    prune.lowest_margins(labels[cut:], probs[cut:], cut, wanted[cut:], *where, *second)
    twin_first = tuple(array.copy() for array in first)
    prune.merge_heaps(start, *first, *second)
    naive.merge_heaps(start, *twin_first, *second)
    kept = _pairs_in(*twin, start)
    assert _pairs_in(*whole, start) == kept
    assert _pairs_in(*first, start) == kept
    assert _pairs_in(*twin_first, start) == kept


@given(label_tables(most_classes=6), st.integers(1, 4))
def test_leading_margins_settle_all_rows_but_the_unsettled(table, size):
    labels, probs = table
    k = probs.shape[1]
    classes, leading, given_prob = leading_classes(labels, probs)
    cells = JointCells(
        k,
        np.repeat(np.arange(k), k).astype(np.int32),
        np.tile(np.arange(k), k).astype(np.int32),
        np.full(k * k, size),
    )
    facts = RowFacts(labels, labels, given_prob, classes, leading, given_prob)
    every = np.ones(len(labels), bool)
    margins, twin = LowestMargins.wanted(cells), LowestMargins.wanted(cells)
    margins.take_leading(facts, every)
    where = (twin.given_start, twin.other, twin.heap_start)
    naive.leading_margins(
        labels, given_prob, classes, leading, 0, every, *where, twin.keys, twin.rows
    )
    assert _pairs_in(margins.keys, margins.rows, where[2]) == _pairs_in(
        twin.keys, twin.rows, where[2]
    )
    np.testing.assert_array_equal(
        prune.bounds(*where[::2], margins.keys), naive.bounds(*where[::2], margins.keys)
    )
    unsettled = margins.unsettled(facts)
    if k > 3:
        bound = prune.bounds(*where[::2], margins.keys)
        twin_unsettled = naive.unsettled_rows(labels, given_prob, leading, bound)
        np.testing.assert_array_equal(unsettled, twin_unsettled)
    settled = margins.emptied()
    settled.take_leading(facts, ~unsettled)
    rest = margins.emptied()
    rest.take(LabelBlock(0, labels, (probs,)), probs, unsettled)
    whole = twin.emptied()
    naive.lowest_margins(labels, probs, 0, every, *where, whole.keys, whole.rows)
    both = settled + rest
    assert _pairs_in(both.keys, both.rows, where[2]) == _pairs_in(whole.keys, whole.rows, where[2])


@given(st.sets(st.integers(0, 12), max_size=8).map(sorted), st.integers(0, 12), st.data())
def test_place_of_as_the_twin_says(values, value, data):
    low = data.draw(st.integers(0, len(values)))
    high = data.draw(st.integers(low, len(values)))
    where = (np.array(values, np.int32), value, low, high)
    assert prune.place_of(*where) == naive.place_of(*where)
