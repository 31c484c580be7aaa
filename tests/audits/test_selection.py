from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits import ground as grounds
from labelaudit.audits import selection
from labelaudit.audits.brackets import Column, Question
from labelaudit.audits.ground import LocalGround, Stretch
from labelaudit.audits.selection import lowest_cuts
from labelaudit.running import Here
from labelaudit.shelves import MemoryShelf


@dataclass(frozen=True, slots=True)
class Values:
    values: np.ndarray
    among: np.ndarray
    group: np.ndarray | None


@dataclass(frozen=True)
class Cutting:
    """A partition of which only the row numbers matter."""

    first_row: int
    rows: int


def values_of(piece):
    kept = piece.get("values")
    return Column(kept.values, kept.among, kept.group)


def ground_of(values, among, group, places):
    """Put the values on a shelf, piece by piece."""

    def lay(stretch: Stretch):
        part = slice(
            stretch.partition.first_row, stretch.partition.first_row + stretch.partition.rows
        )
        if part.start < part.stop:
            piece = stretch.lay(part.start, part.stop - part.start)
            piece.put(
                "values", Values(values[part], among[part], None if group is None else group[part])
            )

    partitions = [Cutting(a, b - a) for a, b in itertools.pairwise(places)]
    ground = LocalGround(partitions, MemoryShelf(), Here(), lambda *_: Here())
    list(ground.read(lay, "laying"))
    return ground


def chosen(ground, cut, n):
    flags = np.zeros(n, bool)
    for found in ground.each(lambda stretch: stretch.pieces):
        for piece in found:
            part = slice(piece.first_row, piece.first_row + piece.rows)
            flags[part] = cut.flags(values_of(piece), piece.first_row)
    return set(np.flatnonzero(flags).tolist())


def by_sorting(rows, values, n):
    return set(sorted(rows, key=lambda i: (values[i], i))[: max(n, 0)])


@given(
    st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 6)), min_size=1, max_size=60), st.data()
)
def test_the_lowest_of_each_group_by_sorting(rows, data):
    group = np.array([g for g, _ in rows], np.int32)
    values = np.array([v / 8 for _, v in rows], np.float32)
    wanted = np.array(data.draw(st.lists(st.integers(-1, 9), min_size=4, max_size=4)))
    size = np.bincount(group[group >= 0], minlength=4)
    inner = data.draw(st.lists(st.integers(0, len(rows)), max_size=3))
    places = [0, *sorted(inner), len(rows)]
    ground = ground_of(values, group >= 0, group, places)
    question = Question(values_of, wanted, size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "SKETCHED", data.draw(st.sampled_from([1, 8, 1000])))
        patch.setattr(selection, "MOST", data.draw(st.sampled_from([1, 5, 1000])))
        (cut,) = lowest_cuts(ground, [question], len(rows))
    expected = set()
    for k in range(4):
        expected |= by_sorting(np.flatnonzero(group == k).tolist(), values, wanted[k])
    assert chosen(ground, cut, len(rows)) == expected


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("digits", [1, 2, 9])
def test_guesses_from_some_rows_do_not_show(seed, digits, monkeypatch):
    monkeypatch.setattr(selection, "SKETCHED", 300)
    rng = np.random.default_rng(seed)
    n = 20_000
    group = rng.choice([-1, 0, 0, 0, 1, 2], n).astype(np.int32)
    values = np.round(rng.random(n), digits).astype(np.float32)
    wanted = np.array([rng.integers(0, 8000), rng.integers(0, 300), 3])
    size = np.bincount(group[group >= 0], minlength=3)
    ground = ground_of(values, group >= 0, group, [0, 7000, 7000, 12_345, n])
    alone = ground_of(values, group >= 0, None, [0, n])
    m = int(rng.integers(1, 9000))
    (classes,) = lowest_cuts(ground, [Question(values_of, wanted, size)], n)
    (whole,) = lowest_cuts(alone, [Question.of(values_of, m, int(size.sum()))], n)
    expected = set()
    for k in range(3):
        expected |= by_sorting(np.flatnonzero(group == k).tolist(), values, wanted[k])
    assert chosen(ground, classes, n) == expected
    assert chosen(alone, whole, n) == by_sorting(np.flatnonzero(group >= 0).tolist(), values, m)


@pytest.mark.parametrize("wanted", [1, 50, 200, 6400])
def test_rows_that_mislead_cost_a_pass_only(wanted, monkeypatch):
    monkeypatch.setattr(selection, "SKETCHED", 100)
    values = np.linspace(0.5, 0.6, 6400).astype(np.float32)
    values[::64] = 0.0
    ground = ground_of(values, np.ones(6400, bool), None, [0, 6400])
    (cut,) = lowest_cuts(ground, [Question.of(values_of, wanted, 6400)], 6400)
    assert chosen(ground, cut, 6400) == by_sorting(range(6400), values, wanted)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(0, 40))
def test_ties_go_where_numpys_sort_puts_them_if_asked(levels, wanted):
    values = np.array(levels, np.float32)
    n = len(values)
    ground = ground_of(values, np.ones(n, bool), None, [0, n // 2, n])
    (cut,) = lowest_cuts(ground, [Question.of(values_of, wanted, n)], n, compat=True)
    assert chosen(ground, cut, n) == set(np.argsort(values)[:wanted].tolist())


@pytest.mark.parametrize("shape", ["even", "tied", "sorted", "few values"])
@pytest.mark.parametrize("wanted", [1, 5000, 150_000, 299_999, 300_000])
def test_what_comes_does_not_grow_with_rows(shape, wanted, monkeypatch):
    monkeypatch.setattr(selection, "SKETCHED", 500)
    monkeypatch.setattr(selection, "MOST", 1000)
    n, brought = 300_000, []
    rng = np.random.default_rng(wanted)
    values = {
        "even": rng.random(n),
        "tied": np.zeros(n),
        "sorted": np.linspace(0, 1, n),
        "few values": np.round(rng.random(n), 1),
    }[shape]
    ground = ground_of(values, np.ones(n, bool), None, list(range(0, n + 1, 30_000)))
    over = LocalGround.over

    def weighed(self, step):
        for found in over(self, step):
            brought.append(sum(len(part.row) for part in found.parts[0]))
            yield found

    monkeypatch.setattr(LocalGround, "over", weighed)
    (cut,) = lowest_cuts(ground, [Question.of(values_of, wanted, n)], n)
    order = np.argsort(values, kind="stable")[:wanted]
    assert chosen(ground, cut, n) == set(order.tolist())
    assert sum(brought) < 12_000


def test_only_what_lies_inside_the_bracket_is_brought(monkeypatch):
    monkeypatch.setattr(selection, "SKETCHED", 1000)
    monkeypatch.setattr(grounds, "PIECE_ROWS", 2000)
    rng = np.random.default_rng(0)
    values = rng.random(100_000)
    ground = ground_of(values, np.ones(100_000, bool), None, list(range(0, 100_001, 1000)))
    brought = []
    gather = selection.Gather

    class Weighing(gather):
        def __call__(self, stretch):
            found = gather.__call__(self, stretch)
            brought.append(sum(len(part.row) for part in found.parts[0]))
            return found

    monkeypatch.setattr(selection, "Gather", Weighing)
    (cut,) = lowest_cuts(ground, [Question.of(values_of, 20_000, 100_000)], 100_000)
    assert len(chosen(ground, cut, 100_000)) == 20_000
    assert sum(brought) < 15_000
