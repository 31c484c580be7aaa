"""Coded votes to votes grouped by task, each annotator once unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Codes = npt.NDArray[np.int32]
    Rows = npt.NDArray[np.int64]

__all__ = ["CodedVotes", "Repeats", "grouped", "repeated_places"]


@dataclass(frozen=True, slots=True)
class CodedVotes:
    """One entry per vote, in the order of the input: codes of task, annotator and label."""

    task: Codes
    worker: Codes
    label: Codes

    def take(self, rows: Rows | npt.NDArray[np.bool_]) -> CodedVotes:
        """Return some of the votes."""
        return CodedVotes(self.task[rows], self.worker[rows], self.label[rows])


@dataclass(frozen=True, slots=True)
class Repeats:
    """Votes of one annotator on one task beyond the first.

    Attributes
    ----------
    votes : int
        How many.
    conflicting : int
        Pairs of task and annotator whose repeated votes are not all for one label.
    first : int
        Place among the votes of the first that repeats an earlier one; -1 without any.
    """

    votes: int
    conflicting: int
    first: int


def grouped(votes: CodedVotes, n_workers: int, keep: str) -> tuple[CodedVotes, Repeats]:
    """Sort votes by task and annotator (then label), and keep of repeated votes what is asked for.

    Parameters
    ----------
    votes : CodedVotes
    n_workers : int
    keep : {"last", "first", "all"}
        Which vote of several by one annotator on one task stays.
    """
    key = votes.task.astype(np.int64) * n_workers + votes.worker
    if len(key) and not bool((key[1:] > key[:-1]).all()):
        order = np.argsort(key, kind="stable")
        votes, key = votes.take(order), key[order]
    else:
        return votes, Repeats(0, 0, -1)
    again = np.zeros(len(key), np.bool_)
    again[1:] = key[1:] == key[:-1]
    if not again.any():
        return votes, Repeats(0, 0, -1)
    repeats = Repeats(int(again.sum()), _conflicting(key, votes.label, again), _first(order, again))
    if keep == "all":
        return votes.take(np.lexsort((votes.label, key))), repeats
    last = np.append(~again[1:], True)
    return votes.take(~again if keep == "first" else last), repeats


def _conflicting(key: Rows, label: Codes, again: npt.NDArray[np.bool_]) -> int:
    other = np.zeros(len(key), np.bool_)
    other[1:] = again[1:] & (label[1:] != label[:-1])
    return len(np.unique(key[other]))


def _first(order: Rows, again: npt.NDArray[np.bool_]) -> int:
    return int(order[again].min())


def repeated_places(votes: CodedVotes, n_workers: int) -> Rows:
    """Return the places of the votes that repeat an earlier one, which come in their order."""
    key = votes.task.astype(np.int64) * n_workers + votes.worker
    order = np.argsort(key, kind="stable")
    again = np.flatnonzero(key[order][1:] == key[order][:-1]) + 1
    found: Rows = order[again]
    return found
