from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given as example
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import labelaudit
from labelaudit.audits.tags import class_order
from labelaudit.audits.tags.class_order import TopTags, demand_tag_order
from labelaudit.blocks import TagBlock
from labelaudit.errors import ClassOrderError
from labelaudit.tables.options import ReadOptions
from tests.audits.tags.tagged import made, named

blocks = st.tuples(st.integers(1, 9), st.integers(2, 4)).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(np.int8, shape, elements=st.sampled_from([-1, 0, 1])),
        hnp.arrays(np.float64, shape, elements=st.sampled_from([0.1, 0.5, 0.9, np.nan])),
    )
)


@example(blocks, st.integers(0, 9))
def test_rows_are_counted_by_most_probable_column_and_by_class_given(arrays, cut):
    given, probs = arrays
    k = given.shape[1]
    counted = TopTags.empty(k).with_block(TagBlock(0, given[:cut], probs[:cut])) + TopTags.empty(
        k
    ).with_block(TagBlock(cut, given[cut:], probs[cut:]))
    table, rows = np.zeros((k, k), np.int64), 0
    for tags, p in zip(given, probs, strict=True):
        known = [j for j in range(k) if not np.isnan(p[j])]
        if known and (tags == 1).any():
            rows += 1
            table[max(known, key=lambda j: p[j])] += tags == 1
    np.testing.assert_array_equal(counted.table, table)
    assert counted.rows == rows


def swapped():
    given, probs, _ = made(n=1500)
    names = np.array(named(6))
    order = [2, 0, 1, 5, 3, 4]
    labels = [names[row == 1].tolist() for row in given]
    table = pa.table({"labels": labels, "probs": probs[:, order].tolist()})
    return table, [named(6)[k] for k in order]


def test_another_order_is_named_and_then_fits():
    table, order = swapped()
    with pytest.raises(ClassOrderError, match=f"with the order {','.join(order)}") as caught:
        labelaudit.find_issues(table, classes=named(6))
    assert "is among the given labels in" in caught.value.found
    assert "put the columns of probabilities in their order" in caught.value.remedy
    found = labelaudit.find_issues(table, classes=order)
    assert found.audit.error_rate.low < 0.06


def test_inspect_says_so_too():
    from labelaudit import api
    from labelaudit.tables.memory import memory_labels

    table, order = swapped()
    wrong = memory_labels(table, None, ReadOptions(classes=tuple(named(6))))
    assert [each.kind for each in api.inspect(wrong).problems] == ["class_order"]
    right = memory_labels(table, None, ReadOptions(classes=tuple(order)))
    assert api.inspect(right).problems == ()


def test_few_rows_and_very_many_classes_are_let_pass(monkeypatch):
    given = np.eye(4, dtype=np.int8)
    few = TopTags.empty(4).with_block(TagBlock(0, given, np.roll(given, 1, axis=1) * 0.9))
    demand_tag_order(few, named(4))
    monkeypatch.setattr(class_order, "ORDER_CLASSES", 3)
    many = TopTags.empty(4).with_block(TagBlock(0, given, given * 0.9))
    assert many.table.size == 0
    demand_tag_order(many, named(4))
