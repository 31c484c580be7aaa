"""Checks of who voted on what."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.crowd.votes_graph import ALL_TIED, ALONE, CONSTANT, NO_OVERLAP, ONE_VOTE_EACH
from labelaudit.audits.crowd.votes_graph import votes_shape as shape_of
from tests.crowd_votes import block, permuted, rows_of, simulated, vote_blocks


def distinct(votes):
    """Keep one vote of each annotator on each task."""
    rows = rows_of(votes)
    _, kept = np.unique(rows[:, :2], axis=0, return_index=True)
    return block(rows[kept], (votes.n_tasks, votes.n_workers, votes.n_classes))


def test_nothing_to_warn_of():
    votes = distinct(simulated((50, 8, 3), 5, seed=1)[0])
    shape = shape_of(votes)
    assert shape.warnings == ()
    assert (shape.tasks, shape.workers, shape.votes, shape.components) == (50, 8, votes.n_votes, 1)


def test_no_votes():
    assert shape_of(block([], (2, 1, 2))).warnings == (
        "There are no votes.",
        "2 tasks have no votes.",
    )


def test_a_single_annotator():
    shape = shape_of(block([(0, 1, 0), (1, 1, 1)], (2, 3, 2)))
    assert shape.warnings == (ALONE,)
    assert shape.silent_workers == 2


def test_one_vote_per_task():
    assert shape_of(block([(0, 0, 0), (1, 1, 1), (2, 0, 0)], (3, 2, 2))).warnings == (NO_OVERLAP,)


def test_one_vote_per_annotator():
    rows = [(0, 0, 0), (0, 1, 0), (0, 2, 1)]
    assert shape_of(block(rows, (1, 3, 2))).warnings == (ONE_VOTE_EACH,)


def test_groups_without_a_vote_between_them():
    rows = [(0, 0, 0), (0, 1, 0), (1, 0, 1), (2, 2, 1), (2, 3, 1), (3, 2, 0)]
    shape = shape_of(block([*rows, (1, 1, 1)], (4, 4, 2)))
    assert shape.components == 2
    warning = (
        "Tasks and annotators fall into 2 groups without a vote between them, the largest with 4 "
        "of 7 votes: annotators of different groups are hard to compare."
    )
    assert shape.warnings == (warning,)


def test_a_flood_of_repeated_votes():
    rows = [(0, 0, 0)] * 5 + [(0, 1, 0), (1, 0, 1), (1, 1, 1)]
    shape = shape_of(block(rows, (2, 2, 2)))
    assert shape.repeated_votes == 4
    assert shape.warnings == (
        "4 of 8 votes (50.0 %) repeat an annotator's vote on a task, as if independent.",
    )


def test_an_annotator_who_always_says_the_same():
    votes = distinct(simulated((60, 6, 3), 4, seed=2)[0])
    rows = np.concatenate([rows_of(votes), [(task, 6, 2) for task in range(30)]])
    shape = shape_of(block(rows, (60, 7, 3)))
    assert shape.constant_workers.tolist() == [6]
    assert shape.warnings == (f"{CONSTANT} 1.",)


def test_a_label_that_everybody_gives_is_no_reason_to_suspect():
    rows = [(task, worker, 0) for task in range(40) for worker in range(3)]
    assert shape_of(block([*rows, (0, 3, 1)], (40, 4, 2))).constant_workers.tolist() == []


def test_all_ties():
    rows = [(task, worker, worker) for task in range(3) for worker in range(2)]
    shape = shape_of(block(rows, (3, 2, 2)))
    assert shape.all_tied
    assert shape.warnings == (ALL_TIED,)


@given(vote_blocks(), st.integers(0, 2**32 - 1))
def test_names_leave_no_trace(votes, seed):
    moved, to = permuted(votes, seed)
    plain, again = shape_of(votes), shape_of(moved)
    assert again.warnings == plain.warnings
    assert sorted(again.constant_workers.tolist()) == sorted(
        to.worker[plain.constant_workers].tolist()
    )
    assert plain.tasks + plain.silent_tasks == votes.n_tasks
