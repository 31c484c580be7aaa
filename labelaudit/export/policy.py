"""Which label is replaced and which row goes: pure decisions over arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.changes import DECISIONS, DROP, KEEP, POLICIES, RELABEL, SOURCES, Changes
from labelaudit.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Flagged", "Policy", "Reviewed", "decide", "idle_warnings", "left_notes"]

GIVEN, SUGGESTED, REVIEWED = range(len(SOURCES))
FIX, STAY, GO, UNSURE = range(len(DECISIONS))
HIGH = 2


@dataclass(frozen=True, slots=True)
class Policy:
    """What happens to flagged rows.

    Attributes
    ----------
    name : str
        ``drop``, ``relabel``, ``flag`` or ``reviewed``.
    min_confidence : float
        ``relabel`` takes a suggestion only if the model gives it at least this probability.
    """

    name: str
    min_confidence: float = 0.8

    def __post_init__(self) -> None:
        if self.name not in POLICIES:
            raise UsageError(
                f"There is no policy {self.name!r}.", f"Choose one of {', '.join(POLICIES)}."
            )
        if not 0.0 <= self.min_confidence <= 1.0:
            raise UsageError(
                f"The least confidence is {self.min_confidence}.", "Give a share between 0 and 1."
            )


@dataclass(frozen=True, slots=True)
class Flagged:
    """The flagged rows of an audit, as arrays of one length.

    Attributes
    ----------
    row : int64
    given, suggested : int32
        Class codes; ``suggested`` is -1 where there is none.
    suggested_prob : float32
    severity : int8
        2: high.
    issue_id : tuple of str
    """

    row: npt.NDArray[np.int64]
    given: npt.NDArray[np.int32]
    suggested: npt.NDArray[np.int32]
    suggested_prob: npt.NDArray[np.float32]
    severity: npt.NDArray[np.int8]
    issue_id: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What reviewers decided, one line for each row.

    Attributes
    ----------
    row : (m,) int64
    given, new : (m,) int32
        Class codes; ``new`` is -1 unless the decision is to fix.
    decision : (m,) int8
        Index into ``DECISIONS``.
    issue_id : tuple of str
    """

    row: npt.NDArray[np.int64]
    given: npt.NDArray[np.int32]
    new: npt.NDArray[np.int32]
    decision: npt.NDArray[np.int8]
    issue_id: tuple[str, ...]


def decide(
    policy: Policy,
    flagged: Flagged | None,
    reviewed: Reviewed | None,
    settled: npt.NDArray[np.int64],
) -> Changes:
    """Decide about every row that is flagged or was reviewed.

    A reviewer's decision goes before the policy, also where it is ``unsure``: the row is then left
    as it is. A row that an earlier export settled is changed by reviewers only.

    Parameters
    ----------
    policy : Policy
    flagged : Flagged or None
    reviewed : Reviewed or None
    settled : (s,) int64
        Rows, ascending, whose label an earlier export replaced or a reviewer confirmed.
    """
    parts = []
    if reviewed is not None:
        parts.append(_by_review(reviewed))
        settled = np.union1d(settled, reviewed.row)
    if flagged is not None:
        parts.append(_by_policy(policy, flagged, settled))
    return _together(parts)


def idle_warnings(policy: Policy, flagged: Flagged | None, changes: Changes) -> tuple[str, ...]:
    """Say why ``relabel`` replaces none of the labels that are flagged."""
    if policy.name != "relabel" or flagged is None or not len(flagged.row):
        return ()
    if np.any(changes.source == SUGGESTED):
        return ()
    high = flagged.suggested_prob[(flagged.severity == HIGH) & (flagged.suggested >= 0)]
    if not len(high):
        why = "none of them has high severity and a suggestion"
    elif high.max() < np.float32(policy.min_confidence):
        why = (
            f"no suggestion for a row of high severity reaches the least probability of "
            f"{policy.min_confidence:g} (--min-confidence); the surest has {high.max():.4g}"
        )
    else:
        why = "those that are sure enough were settled or reviewed"
    return (f"Of the flagged rows none is relabelled: {why}.",)


def left_notes(
    policy: Policy, flagged: Flagged | None, reviewed: Reviewed | None, changes: Changes
) -> tuple[str, ...]:
    """Say why ``relabel`` leaves some flagged labels as they are, where it replaces others."""
    if policy.name != "relabel" or flagged is None or not np.any(changes.source == SUGGESTED):
        return ()
    kept = changes.row[(changes.action == KEEP) & (changes.source == GIVEN)]
    left = np.isin(flagged.row, kept)
    unsure = left & np.isin(flagged.row, [] if reviewed is None else reviewed.row)
    low = left & ~unsure & (flagged.severity != HIGH)
    unknown = left & ~unsure & ~low & (flagged.suggested < 0)
    reasons = {
        "that a reviewer was unsure of": unsure,
        "not of high severity": low,
        "without a suggestion": unknown,
        f"with a suggestion less probable than {policy.min_confidence:g} (--min-confidence)": (
            left & ~unsure & ~low & ~unknown
        ),
    }
    counts = {reason: int(np.count_nonzero(rows)) for reason, rows in reasons.items()}
    told = ", ".join(f"{n:,} {reason}" for reason, n in counts.items() if n)
    n = int(np.count_nonzero(left))
    stay = "1 flagged row stays as it is" if n == 1 else f"{n:,} flagged rows stay as they are"
    return (f"{stay}: {told}.",) if n else ()


def _by_review(reviewed: Reviewed) -> Changes:
    actions = np.array([RELABEL, KEEP, DROP, KEEP], np.int8)
    sources = np.array([REVIEWED, REVIEWED, REVIEWED, GIVEN], np.int8)
    action = actions[reviewed.decision]
    action[(action == RELABEL) & (reviewed.new == reviewed.given)] = KEEP
    new = np.where(action == RELABEL, reviewed.new, -1).astype(np.int32)
    return Changes(
        reviewed.row,
        action,
        reviewed.given,
        new,
        sources[reviewed.decision],
        reviewed.issue_id,
    )


def _by_policy(policy: Policy, flagged: Flagged, settled: npt.NDArray[np.int64]) -> Changes:
    taken = ~np.isin(flagged.row, settled)
    action = np.full(len(flagged.row), KEEP, np.int8)
    if policy.name == "drop":
        action[:] = DROP
    elif policy.name == "relabel":
        sure = flagged.suggested_prob >= np.float32(policy.min_confidence)
        action[(flagged.severity == HIGH) & (flagged.suggested >= 0) & sure] = RELABEL
    replaced = action == RELABEL
    whole = Changes(
        flagged.row,
        action,
        flagged.given,
        np.where(replaced, flagged.suggested, -1).astype(np.int32),
        np.where(replaced, SUGGESTED, GIVEN).astype(np.int8),
        flagged.issue_id,
    )
    return whole.chosen(np.flatnonzero(taken))


def _together(parts: list[Changes]) -> Changes:
    if not parts:
        return Changes.none()
    row = np.concatenate([part.row for part in parts])
    whole = Changes(
        row,
        np.concatenate([part.action for part in parts]),
        np.concatenate([part.given for part in parts]),
        np.concatenate([part.new for part in parts]),
        np.concatenate([part.source for part in parts]),
        tuple(name for part in parts for name in part.issue_id),
    )
    return whole.chosen(np.argsort(row, kind="stable"))
