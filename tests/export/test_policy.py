"""Which rows each policy changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.changes import DECISIONS, DROP, KEEP, POLICIES, RELABEL
from labelaudit.errors import UsageError
from labelaudit.export.policy import Flagged, Policy, Reviewed, decide, left_notes

NOTHING = np.zeros(0, np.int64)


def flagged(rows, suggested, probs, severity) -> Flagged:
    n = len(rows)
    return Flagged(
        np.array(rows, np.int64),
        np.zeros(n, np.int32),
        np.array(suggested, np.int32),
        np.array(probs, np.float32),
        np.array(severity, np.int8),
        tuple(f"id{row}" for row in rows),
    )


def reviewed(*lines: tuple[int, str, int]) -> Reviewed:
    rows, decisions, new = zip(*lines, strict=True)
    return Reviewed(
        np.array(rows, np.int64),
        np.zeros(len(rows), np.int32),
        np.array(new, np.int32),
        np.array([DECISIONS.index(each) for each in decisions], np.int8),
        tuple(f"id{row}" for row in rows),
    )


WORST_FIRST = flagged([7, 2, 5, 3], [1, 1, -1, 2], [0.5, 0.4999, 0.9, 0.9], [2, 2, 2, 1])


@pytest.mark.parametrize(
    ("policy", "actions"),
    [
        (Policy("drop"), [DROP] * 4),
        (Policy("flag"), [KEEP] * 4),
        (Policy("relabel"), [KEEP] * 4),
        (Policy("relabel", 0.5), [KEEP, KEEP, KEEP, RELABEL]),
        (Policy("relabel", 0.25), [RELABEL, KEEP, KEEP, RELABEL]),
        (Policy("relabel", 0.51), [KEEP] * 4),
    ],
)
def test_what_a_policy_does(policy: Policy, actions: list[int]) -> None:
    changes = decide(policy, WORST_FIRST, None, NOTHING)
    assert changes.row.tolist() == [2, 3, 5, 7]
    assert changes.action.tolist() == actions
    assert changes.issue_id == ("id2", "id3", "id5", "id7")
    assert (changes.new >= 0).tolist() == [action == RELABEL for action in actions]


def test_why_flagged_rows_stay() -> None:
    policy = Policy("relabel", 0.5)

    def notes(said: Reviewed | None, settled: list[int]) -> tuple[str, ...]:
        changes = decide(policy, WORST_FIRST, said, np.array(settled, np.int64))
        return left_notes(policy, WORST_FIRST, said, changes)

    (told,) = notes(None, [])
    assert told == (
        "3 flagged rows stay as they are: 1 not of high severity, 1 without a suggestion, "
        "1 with a suggestion less probable than 0.5 (--min-confidence)."
    )
    stays = "1 flagged row stays as it is: 1 not of high severity."
    assert notes(reviewed((2, "fix", 1), (5, "drop", 0)), []) == (stays,)
    (told,) = notes(reviewed((2, "unsure", 0), (5, "keep", 0)), [])
    assert told == (
        "2 flagged rows stay as they are: 1 that a reviewer was unsure of, 1 not of high severity."
    )
    assert notes(None, [2, 3, 5]) == notes(None, [7]) == ()


def test_reviewers_go_before_the_policy() -> None:
    said = reviewed((2, "keep", -1), (3, "fix", 2), (4, "drop", -1), (5, "unsure", -1))
    changes = decide(Policy("drop"), WORST_FIRST, said, NOTHING)
    assert changes.row.tolist() == [2, 3, 4, 5, 7]
    assert changes.action.tolist() == [KEEP, RELABEL, DROP, KEEP, DROP]
    assert changes.new.tolist() == [-1, 2, -1, -1, -1]
    assert changes.source.tolist() == [2, 2, 2, 0, 0]
    assert (changes.relabelled, changes.dropped) == (1, 2)


def test_a_fix_to_the_given_label_confirms_it() -> None:
    changes = decide(Policy("reviewed"), None, reviewed((1, "fix", 0)), NOTHING)
    assert (changes.action.tolist(), changes.new.tolist()) == ([KEEP], [-1])
    assert changes.source.tolist() == [2]


def test_settled_rows_are_changed_by_reviewers_only() -> None:
    settled = np.array([2, 7], np.int64)
    changes = decide(Policy("drop"), WORST_FIRST, reviewed((7, "drop", -1)), settled)
    assert changes.row.tolist() == [3, 5, 7]


@pytest.mark.parametrize("wrong", [("drops", 0.5), ("relabel", 1.5), ("relabel", -0.1)])
def test_what_cannot_be(wrong: tuple[str, float]) -> None:
    with pytest.raises(UsageError):
        Policy(*wrong)


@given(
    st.lists(st.integers(0, 30), unique=True),
    st.lists(st.integers(0, 30), unique=True),
    st.sampled_from(POLICIES),
    st.data(),
)
def test_every_row_once_in_order(rows, more, policy, data) -> None:
    n = len(rows)
    found = flagged(
        rows,
        data.draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n)),
        data.draw(st.lists(st.floats(0, 1, width=32), min_size=n, max_size=n)),
        data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)),
    )
    lines = [(row, data.draw(st.sampled_from(DECISIONS)), 1) for row in sorted(more)]
    said = reviewed(*lines) if lines else None
    changes = decide(Policy(policy), found, said, NOTHING)
    assert changes.row.tolist() == sorted({*rows, *more})
    assert len(changes.edits) == changes.relabelled + changes.dropped
