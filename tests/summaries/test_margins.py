from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.blocks import LabelBlock
from labelaudit.findings import JointCells
from labelaudit.summaries.margins import LowestMargins
from tests.strategies import blocks_of, cuts, label_tables


def cells(k, count):
    given_class, true_class = np.divmod(np.arange(k * k, dtype=np.int32), k)
    return JointCells(k, given_class, true_class, np.full(k * k, count))


@given(label_tables(), st.integers(1, 3), st.data())
def test_margins_add_up_whatever_the_parts(table, count, data):
    labels, probs = table
    pattern = LowestMargins.wanted(cells(probs.shape[1], count))
    whole = pattern.emptied()
    whole.take(LabelBlock(0, labels, (probs,)), probs, np.ones(len(labels), bool))
    parts = pattern.emptied()
    for rows in blocks_of(labels, (probs,), data.draw(cuts(len(labels)))):
        block = rows.parts[0]
        part = pattern.emptied()
        part.take(block, block.probs, np.ones(len(block), bool))
        parts = part + parts
    np.testing.assert_array_equal(whole.flags(len(labels)), parts.flags(len(labels)))
    np.testing.assert_array_equal(whole.cuts(), parts.cuts())


def test_nothing_wanted_nothing_kept():
    margins = LowestMargins.wanted(JointCells(3, *(np.zeros(0, np.int32),) * 2, np.zeros(0, int)))
    margins.take(
        LabelBlock(0, np.zeros(1, np.int32), (np.eye(3)[:1],)), np.eye(3)[:1], np.ones(1, bool)
    )
    assert not margins.flags(1).any()
