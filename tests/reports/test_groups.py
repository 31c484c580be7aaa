"""Rows and issues by the values of a column."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.reports.groups import GroupCounts, groups_table

COLUMN = ["a", None, "b", "a", "b", "a"]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(COLUMN),
        pa.array(COLUMN).dictionary_encode(),
        pa.chunked_array([pa.array(COLUMN[:1]), pa.array(COLUMN[1:])]),
        pa.chunked_array(
            [pa.array(COLUMN[:4]).dictionary_encode(), pa.array(COLUMN[4:]).dictionary_encode()]
        ),
    ],
    ids=["plain", "dictionary", "chunked", "chunked dictionary"],
)
def test_highest_rate_first(values: pa.Array) -> None:
    found = groups_table(values, np.array([1, 4, 0]))
    assert found.to_pylist() == [
        {"group": None, "rows": 1, "issues": 1, "issue_rate": 1.0},
        {"group": "b", "rows": 2, "issues": 1, "issue_rate": 0.5},
        {"group": "a", "rows": 3, "issues": 1, "issue_rate": 1 / 3},
    ]


def test_rows_left_out_do_not_count() -> None:
    found = groups_table(pa.array([1, 1, 2]), np.array([], np.int64), np.array([1, 2]))
    assert found.to_pylist() == [
        {"group": 1, "rows": 1, "issues": 0, "issue_rate": 0.0},
        {"group": 2, "rows": 0, "issues": 0, "issue_rate": 0.0},
    ]


def test_type_of_the_column_stays() -> None:
    big = 2**53 + 1
    found = groups_table(pa.array([big, None, big - 1]), np.array([0]))
    assert found["group"].to_pylist() == [big, big - 1, None]
    assert found.schema.field("group").type == pa.int64()


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.booleans()), min_size=1, max_size=30))
def test_sums_are_those_of_the_rows(rows: list[tuple[str, bool]]) -> None:
    values = [value for value, _ in rows]
    flagged = np.array([i for i, (_, issue) in enumerate(rows) if issue], np.int64)
    for found in groups_table(pa.array(values), flagged).to_pylist():
        assert found["rows"] == values.count(found["group"])
        assert found["issues"] == rows.count((found["group"], True))


VALUES = st.none() | st.sampled_from([0.0, -0.0, 1.5, float("nan"), float("inf")])


@given(
    st.lists(st.tuples(VALUES, st.booleans(), st.booleans()), max_size=20),
    st.lists(st.integers(0, 20), max_size=4),
)
def test_parts_of_a_column_count_as_the_whole(
    rows: list[tuple[float | None, bool, bool]], cuts: list[int]
) -> None:
    values = pa.array([value for value, _, _ in rows], pa.float64())
    used = np.array([row[1] for row in rows], np.bool_)
    flagged = used & np.array([row[2] for row in rows], np.bool_)
    whole, counts = GroupCounts(), GroupCounts()
    whole.add(values, used, flagged)
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for start, end in itertools.pairwise(bounds):
        part = values.slice(start, end - start).dictionary_encode()
        counts.add(part, used[start:end], flagged[start:end])
    assert repr(counts.table().to_pylist()) == repr(whole.table().to_pylist())


def test_a_group_column_without_rows() -> None:
    assert GroupCounts().table().num_rows == 0
