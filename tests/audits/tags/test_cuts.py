"""The n lowest of each group, found by counting, are those that sorting finds."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.tags import cuts
from labelaudit.audits.tags.cuts import Keyed, cuts_of, sortable


def cells_of(part, cells, size):
    """Yield the cells of a part, a few at a time."""
    start, stop = part
    for at in range(start, stop, size):
        yield cells.chosen(slice(at, min(at + size, stop)))


def lowest(cells, wanted):
    """Sort each group, and take as many as are wanted."""
    flags = np.zeros(len(cells.group), bool)
    for group, n in enumerate(wanted):
        mine = np.flatnonzero(cells.group == group)
        order = np.lexsort((cells.place[mine], cells.key[mine]))
        flags[mine[order[: max(n, 0)]]] = True
    return flags


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, groups = draw(st.integers(0, 300)), draw(st.integers(1, 5))
    values = rng.normal(size=n) * 10.0 ** rng.integers(-30, 30, n)
    kind = draw(st.sampled_from(["spread", "rounded", "equal", "infinite"]))
    if kind == "rounded":
        values = np.round(rng.random(n), 1)
    elif kind == "equal":
        values[:] = -0.25
    elif kind == "infinite":
        values[rng.random(n) < 0.5] = -np.inf
        values[rng.random(n) < 0.5] = np.inf
    cells = Keyed(rng.integers(0, groups, n), sortable(values), np.arange(n, dtype=np.uint64))
    wanted = rng.integers(-1, 2 + n // groups * 2, groups)
    return cells, wanted


@given(problems(), st.sampled_from([1, 4, 14]), st.sampled_from([0, 5, 100]))
def test_cuts_are_where_sorting_says(problem, bits, most):
    cells, wanted = problem
    n = len(cells.group)
    parts = [(0, n // 3), (n // 3, n // 2), (n // 2, n)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuts, "MOST", most)
        patch.setattr(cuts, "MOST_BITS", bits)
        patch.setattr(cuts, "LEAST_BITS", min(4, bits))
        found = cuts_of(parts, partial(cells_of, cells=cells, size=37), wanted, n)
    np.testing.assert_array_equal(found.below(cells), lowest(cells, wanted))


def test_what_is_gathered_is_bounded():
    """With a million equal keys the cut is found among the places, a few at a time."""
    gathered = []
    n = 200_000
    cells = Keyed(np.zeros(n, np.int64), sortable(np.full(n, 0.5)), np.arange(n, dtype=np.uint64))

    def told(part):
        yield cells
        gathered.append(part)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuts, "MOST", 100)
        found = cuts_of([0], told, np.array([123_457]), n)
    assert found.below(cells).sum() == 123_457
    assert found.place.tolist() == [123_457]
    assert found.key.tolist() == sortable(np.array([0.5])).tolist()


@given(st.lists(st.floats(allow_nan=False, width=64), min_size=2, max_size=20))
def test_integers_are_in_the_order_of_floats(values):
    keys = sortable(np.array(values))
    for i, one in enumerate(values):
        for j, other in enumerate(values):
            assert (one < other) == (keys[i] < keys[j])
