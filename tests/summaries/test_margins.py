from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.facts import find_leading
from labelaudit.findings import JointCells
from labelaudit.summaries.margins import BEYOND, Further, LowMargins, Margins, unsettled
from tests.strategies import label_tables


class Facts(NamedTuple):
    labels: np.ndarray
    given_prob: np.ndarray
    classes: np.ndarray
    leading: np.ndarray


def cells(k, count):
    given_class, true_class = np.divmod(np.arange(k * k, dtype=np.int32), k)
    return JointCells(k, given_class, true_class, np.full(k * k, count))


def facts_of(labels, probs):
    found = np.empty((len(labels), 3), np.int16), np.empty((len(labels), 3), probs.dtype)
    given_prob = np.empty(len(labels), probs.dtype)
    find_leading(labels, probs, *found, given_prob)
    return Facts(labels, given_prob, *found)


def lowest(labels, probs, count):
    """The rows with the lowest (margin, row) of every cell, by sorting."""
    k = probs.shape[1]
    found = set()
    for y in range(k):
        rows = np.flatnonzero(labels == y).tolist()
        for j in set(range(k)) - {y}:
            found |= set(
                sorted(rows, key=lambda i, y=y, j=j: (probs[i, y] - probs[i, j], i))[:count]
            )
    return found


def up_to(asked, margins):
    """Put the cut of each cell where its lowest margins end; infinite where there are fewer."""
    cuts = np.full(len(asked.cuts), np.inf)
    for cell, wanted in enumerate(asked.cells.wanted.tolist()):
        found = np.sort(margins.margin[margins.cell == cell])
        if len(found) >= wanted:
            cuts[cell] = found[wanted - 1]
    return LowMargins(asked.cells, cuts)


def flagged(asked, margins):
    """The rows with the lowest (margin, row) of every cell that was asked."""
    found = set()
    for cell, wanted in enumerate(asked.cells.wanted.tolist()):
        rows = np.flatnonzero(margins.cell == cell)
        rows = rows[np.lexsort((margins.row[rows], margins.margin[rows]))][:wanted]
        found |= set(margins.row[rows].tolist())
    return found


def none_taken(n):
    return np.full((n, 3), -1, np.int16)


@given(label_tables(), st.integers(1, 3))
def test_all_classes_of_rows(table, count):
    labels, probs = table
    asked = LowMargins.wanted(cells(probs.shape[1], count))
    everyone = np.ones(len(labels), bool)
    found = asked.of_rows(labels, probs, everyone, none_taken(len(labels)), 0)
    assert flagged(asked, found) == lowest(labels, probs, count)
    cut = up_to(asked, found)
    fewer = cut.of_rows(labels, probs, everyone, none_taken(len(labels)), 0)
    assert flagged(asked, fewer) == flagged(asked, found)
    assert (fewer.margin <= cut.cuts[fewer.cell]).all()


@pytest.mark.parametrize("has_further", [False, True])
@given(table=label_tables(most_classes=6), count=st.integers(1, 4))
def test_known_classes_settle_all_rows_but_the_unsettled(has_further, table, count):
    labels, probs = table
    facts = facts_of(labels, probs)
    asked = LowMargins.wanted(cells(probs.shape[1], count))
    taken = asked.of_leading(facts, negative=True)
    taken = Margins.joined((taken, up_to(asked, taken).of_leading(facts, negative=False)))
    asked = up_to(asked, taken)
    if has_further and probs.shape[1] > 3:
        further = asked.of_further(facts, Further.of(facts, probs, 0))
        taken = Margins.joined((taken, further))
        asked = up_to(asked, taken)
    has_further &= probs.shape[1] > 3
    is_open = unsettled(facts, asked.bounds(), has_further)
    assert not is_open[labels < 0].any()
    rest = asked.of_rows(labels, probs, is_open, facts.classes, 0, has_further)
    found = Margins.joined((taken, rest))
    assert flagged(asked, found) == lowest(labels, probs, count)
    pairs = list(zip(found.row.tolist(), found.cell.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)


@given(label_tables(least_classes=4, most_classes=6), st.data())
def test_further_classes_are_far_above_the_given_one(table, data):
    labels, probs = table
    facts, n = facts_of(labels, probs), len(labels)
    cut = data.draw(st.integers(0, n))
    halves = (slice(0, cut), slice(cut, n))
    found = Further.joined(
        [Further.of(Facts(*(f[s] for f in facts)), probs[s], s.start) for s in halves]
    )
    wanted = [
        (i, k, probs[i, y] - probs[i, k])
        for i, y in enumerate(labels.tolist())
        for k in range(probs.shape[1])
        if y >= 0 and probs[i, y] - probs[i, k] < -BEYOND and k not in facts.classes[i]
    ]
    lists = found.row.tolist(), found.other.tolist(), found.margin.tolist()
    assert list(zip(*lists, strict=True)) == wanted
    assert found.margin.dtype == probs.dtype
    some = found.of_rows(2)
    rows, others = some.row.tolist(), some.other.tolist()
    assert list(zip(rows, others, strict=True)) == [(i, k) for i, k, _ in wanted if i % 2 == 0]


@given(st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=3))
def test_joined_margins_are_in_row_order(parts):
    made = [
        Margins(np.array(rows, np.int32), np.array(sorted(rows), np.int32), np.array(rows, float))
        for rows in parts
    ]
    found = Margins.joined(made)
    assert found.row.tolist() == sorted(row for rows in parts for row in rows)
    together = sorted(zip(found.row.tolist(), found.cell.tolist(), strict=True))
    assert together == sorted(
        pair for part in made for pair in zip(part.row.tolist(), part.cell.tolist(), strict=True)
    )
    assert (found.margin == found.cell).all()
    assert found.row.dtype == found.cell.dtype == np.int32


@pytest.mark.parametrize("negative", [True, False])
def test_nothing_wanted_nothing_taken(negative):
    asked = LowMargins.wanted(JointCells(3, *(np.zeros(0, np.int32),) * 2, np.zeros(0, int)))
    labels, probs = np.zeros(1, np.int32), np.eye(3)[1:2]
    assert not len(asked.of_rows(labels, probs, np.ones(1, bool), none_taken(1), 0).row)
    facts = facts_of(labels, probs)
    assert not len(asked.of_leading(facts, negative).row)
    assert not unsettled(facts, asked.bounds()).any()
