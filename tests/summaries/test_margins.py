from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.facts import find_leading
from labelaudit.blocks import LabelBlock
from labelaudit.findings import JointCells
from labelaudit.summaries import margins as summaries
from labelaudit.summaries.margins import LowestMargins, unsettled
from tests.strategies import blocks_of, cuts, label_tables


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


def flagged(margins):
    return set(margins.rows().tolist())


def none_taken(n):
    return np.full((n, 3), -1, np.int16)


@given(label_tables(), st.integers(1, 3), st.data())
def test_margins_add_up_whatever_the_parts(table, count, data):
    labels, probs = table
    pattern = LowestMargins.wanted(cells(probs.shape[1], count))
    parts = pattern.emptied()
    for rows in blocks_of(labels, (probs,), data.draw(cuts(len(labels)))):
        block = rows.parts[0]
        part = pattern.emptied()
        part.take(block, block.probs, np.ones(len(block), bool), none_taken(len(block)))
        parts = part + parts
    assert flagged(parts) == lowest(labels, probs, count)


@given(label_tables(most_classes=6), st.integers(1, 4), st.data())
def test_leading_classes_settle_all_rows_but_the_unsettled(table, count, data):
    labels, probs = table
    facts = facts_of(labels, probs)
    margins = LowestMargins.wanted(cells(probs.shape[1], count))
    cut = data.draw(st.integers(0, len(labels)))
    for negative in (True, False):
        first, second = margins.emptied(), margins.emptied()
        first.take_leading(Facts(*(array[:cut] for array in facts)), 0, negative)
        second.take_leading(Facts(*(array[cut:] for array in facts)), cut, negative)
        margins = margins + (first + second)
    is_open = unsettled(facts, margins.bounds())
    assert not is_open[labels < 0].any()
    rest = margins.emptied()
    rest.take(LabelBlock(0, labels, (probs,)), probs, is_open, facts.classes)
    assert flagged(margins + rest) == lowest(labels, probs, count)


@pytest.mark.parametrize(("every", "seed"), [(2, 0), (5, 1), (10, 2)])
def test_guessed_cuts_hold_the_lowest_margins(every, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 4000).astype(np.int32)
    facts = facts_of(labels, rng.dirichlet(np.full(4, 0.3), 4000))
    wanted = LowestMargins.wanted(cells(4, 100))
    sample, plain = wanted.emptied(), wanted.emptied()
    sample.take_leading(Facts(*(array[::every].copy() for array in facts)), 0, True)
    plain.take_leading(facts, 0, True)
    guess = sample.guessed(every)
    taken = guess.emptied()
    taken.take_leading(facts, 0, True)
    assert np.isfinite(guess.cuts).all()
    assert 1200 < taken.size < plain.size
    assert taken.held(guess)
    assert flagged(taken) == flagged(plain)
    np.testing.assert_array_equal(taken.cuts, plain.cuts)


def test_a_guess_that_does_not_hold_is_noticed():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 400).astype(np.int32)
    facts = facts_of(labels, rng.dirichlet(np.full(4, 0.3), 400))
    wanted = LowestMargins.wanted(cells(4, 10))
    guess = LowestMargins(wanted.cells, np.full(12, -0.99))
    taken = guess.emptied()
    taken.take_leading(facts, 0, True)
    assert not taken.held(guess)
    assert wanted.held(wanted)


def test_margins_let_go_of_what_cannot_be_among_the_lowest(monkeypatch):
    monkeypatch.setattr(summaries, "SPARE", 0)
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(4), 400)
    labels = rng.integers(0, 4, 400).astype(np.int32)
    margins = LowestMargins.wanted(cells(4, 5))
    for start in range(0, 400, 20):
        part = slice(start, start + 20)
        block = LabelBlock(start, labels[part], (probs[part],))
        margins.take(block, probs[part], labels[part] >= 0, none_taken(20))
        assert margins.size <= 2 * 12 * 5
    assert flagged(margins) == lowest(labels, probs, 5)
    assert len(margins.parts) == 1
    assert np.isfinite(margins.cuts).all()


@pytest.mark.parametrize("negative", [True, False])
def test_nothing_wanted_nothing_kept(negative):
    margins = LowestMargins.wanted(JointCells(3, *(np.zeros(0, np.int32),) * 2, np.zeros(0, int)))
    labels, probs = np.zeros(1, np.int32), np.eye(3)[1:2]
    margins.take(LabelBlock(0, labels, (probs,)), probs, np.ones(1, bool), none_taken(1))
    facts = facts_of(labels, probs)
    margins.take_leading(facts, 0, negative)
    assert not unsettled(facts, margins.bounds()).any()
    assert not len(margins.rows())
