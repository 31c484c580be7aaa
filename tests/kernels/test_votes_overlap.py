"""Meetings of annotators equal their twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.kernels import votes_overlap as fast
from tests.crowd_votes import rows_of, vote_blocks
from tests.naive import votes_overlap as naive

if TYPE_CHECKING:
    from labelaudit.blocks import VoteBlock


@given(vote_blocks(), st.integers(0, 4), st.integers(0, 6))
def test_meet_others(votes: VoteBlock, position: int, longest: int) -> None:
    place = np.arange(votes.n_workers, dtype=np.int32)
    place[-1] = -1
    mine = rows_of(votes)[votes.worker == position]
    sizes = (votes.n_workers, votes.n_classes)
    results = []
    for module in (fast, naive):
        counters = [np.zeros(shape, np.int64) for shape in (sizes[:1], sizes[:1], sizes, sizes)]
        module.meet_others(
            votes.task_start, votes.worker, votes.label,
            mine[:, 0].astype(np.int32), mine[:, 2].astype(np.int32),
            place, position, longest, *counters,
        )  # fmt: skip
        results.append(counters)
    for found, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(found, expected)


@given(
    st.lists(st.lists(st.integers(-4, 4), max_size=9), min_size=1, max_size=4),
    st.sampled_from([0.0, 0.1, 0.25, 0.4]),
    st.floats(-5, 5),
)
def test_keep_middle(groups: list[list[int]], share: float, estimate: float) -> None:
    start = np.cumsum([0, *map(len, groups)])
    value = np.array([x for group in groups for x in group], dtype=np.float64)
    arguments = (start, value, np.full(len(groups), estimate), share)
    np.testing.assert_array_equal(fast.keep_middle(*arguments), naive.keep_middle(*arguments))
