"""Components equal their twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given

from labelaudit.kernels import votes_graph as fast
from tests.crowd_votes import block, vote_blocks
from tests.naive import votes_graph as naive

if TYPE_CHECKING:
    from labelaudit.blocks import VoteBlock


@given(vote_blocks())
def test_component_roots(votes: VoteBlock) -> None:
    arguments = (votes.task_start, votes.worker, votes.n_workers)
    np.testing.assert_array_equal(
        fast.component_roots(*arguments), naive.component_roots(*arguments)
    )


def test_a_chain_is_one_component() -> None:
    rows = [(task, task + side, 0) for task in range(999) for side in (0, 1)]
    chain = block(rows[::-1], (999, 1001, 1))
    roots = fast.component_roots(chain.task_start, chain.worker, 1001)
    assert roots.tolist() == [0] * 1000 + [1000]
