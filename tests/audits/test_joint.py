from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits import compat, joint
from labelaudit.findings import JointCells
from labelaudit.summaries.pair_counts import PairCounts


def dense(cells: JointCells) -> np.ndarray:
    table = np.zeros((cells.n_classes, cells.n_classes), np.int64)
    table[cells.given, cells.true] = cells.count
    return table


def sparse(table) -> JointCells:
    table = np.asarray(table)
    given_class, true_class = np.nonzero(table)
    return JointCells(
        len(table),
        given_class.astype(np.int32),
        true_class.astype(np.int32),
        table[given_class, true_class].astype(np.int64),
    )


@st.composite
def joints(draw):
    """A confident joint and the rows of each given class; some classes may have none."""
    k = draw(st.integers(1, 5))
    rows = st.lists(st.integers(0, 9), min_size=k, max_size=k)
    table = np.array(draw(st.lists(rows, min_size=k, max_size=k)), np.int64)
    counts = np.array(draw(st.lists(st.integers(0, 60), min_size=k, max_size=k)), np.int64)
    table[counts == 0] = 0
    table[counts > 0, np.flatnonzero(counts > 0)] += 1
    return table, counts


@given(st.integers(1, 5), st.data())
def test_cells_count_pairs(k, data):
    pair = st.tuples(st.integers(-1, k - 1), st.integers(-2, k - 1))
    pairs = data.draw(st.lists(pair, max_size=20))
    labels, found = (
        (np.array(c, np.int32) for c in zip(*pairs, strict=True))
        if pairs
        else (
            np.zeros(0, np.int32),
            np.zeros(0, np.int32),
        )
    )
    table = np.zeros((k, k), np.int64)
    for i, j in pairs:
        if i >= 0 and j >= 0:
            table[i, j] += 1
    cells = PairCounts.of(labels, found, k).cells()
    np.testing.assert_array_equal(dense(cells), table)
    present = np.ones(k, bool)
    raised = dense(joint.confident_joint(cells, present))
    np.fill_diagonal(table, np.maximum(np.diag(table), 1))
    np.testing.assert_array_equal(raised, table)
    assert joint.off_diagonal_total(cells) == dense(cells).sum() - np.trace(dense(cells))
    np.testing.assert_array_equal(joint.true_totals(cells), dense(cells).sum(axis=0))


@given(joints())
def test_calibration_keeps_class_totals_and_is_nearest(case):
    table, counts = case
    found = dense(joint.calibrated(sparse(table), counts))
    np.testing.assert_array_equal(found.sum(axis=1), counts)
    for k in np.flatnonzero(counts):
        for j in range(len(counts)):
            exact = Fraction(int(table[k, j] * counts[k]), int(table[k].sum()))
            if j != k:
                assert abs(found[k, j] - exact) < 1


@given(joints(), st.randoms())
def test_calibration_does_not_depend_on_class_order(case, random):
    table, counts = case
    order = list(range(len(counts)))
    random.shuffle(order)
    moved = dense(joint.calibrated(sparse(table[np.ix_(order, order)]), counts[order]))
    np.testing.assert_array_equal(
        moved, dense(joint.calibrated(sparse(table), counts))[np.ix_(order, order)]
    )


def test_equal_remainders_leave_the_rest_on_the_diagonal():
    table = np.array([[1, 1, 1], [0, 1, 0], [0, 0, 1]])
    found = dense(joint.calibrated(sparse(table), np.array([4, 1, 1])))
    assert found[0].tolist() == [2, 1, 1]


@given(joints(), st.integers(0, 8), st.sampled_from([0.1, 0.6, 0.7, 1.0]))
def test_no_row_too_few_stays(case, least, fraction):
    table, counts = case
    cells = joint.calibrated(sparse(table), counts)
    cal, exact = dense(cells), Fraction(str(fraction))
    found = dense(joint.prune_counts(cells, counts, least, fraction))
    for k, total in enumerate(counts.tolist()):
        if total <= least:
            continue
        on, row = int(cal[k, k]), np.delete(cal[k], k)
        lacking = Fraction(max(least - on, 0), max(np.count_nonzero(row), 1))
        left = sum(max(int(count) - lacking, 0) * (1 - exact) for count in row if count)
        assert found[k, k] == math.floor(max(on, least) + left)


@given(joints(), st.integers(0, 8), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_prune_counts_by_hand(case, least, fraction):
    table, counts = case
    cal = dense(joint.calibrated(sparse(table), counts)).astype(float)
    found = dense(joint.prune_counts(sparse(cal.astype(int)), counts, least, fraction))
    for k in range(len(counts)):
        if counts[k] <= least:
            assert found[k, k] == counts[k]
            assert found[k].sum() == counts[k]
            continue
        row = cal[k].copy()
        others = [j for j in range(len(row)) if j != k and row[j] > 0]
        lacking = max(least - row[k], 0)
        row[k] += lacking
        for j in others:
            row[j] = max(row[j] - lacking / len(others), 0)
        off = sum(row[j] for j in others)
        wanted = [int(row[j] * fraction) if j in others else 0 for j in range(len(row))]
        wanted[k] = int(row[k] + off - sum(row[j] * fraction for j in others))
        assert abs(found[k, k] - wanted[k]) <= 0
        np.testing.assert_array_equal(np.delete(found[k], k), np.delete(wanted, k))


@pytest.mark.parametrize(
    ("row", "total", "wanted"),
    [
        ([1.0, 1.0, 1.0], 4, [1, 1, 2]),  # 1.33 each: one up, the highest class
        ([1.0, 1.0, 1.0], 5, [1, 2, 2]),  # 1.67 each: one down, the lowest class
        ([1.0, 1.0], 1, [0, 1]),  # 0.5 each: both round to the even 0
        ([1.0, 3.0], 4, [1, 3]),
    ],
)
def test_compat_rounding(row, total, wanted):
    k = len(row)
    table = np.zeros((k, k), np.int64)
    table[0] = row
    counts = np.zeros(k, np.int64)
    counts[0] = total
    assert dense(compat.calibrated(sparse(table), counts))[0].tolist() == wanted
