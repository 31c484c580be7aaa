"""Keys and kept columns of the input, put to what an audit found."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from labelaudit.errors import InvalidDataError
from labelaudit.reports.groups import GroupCounts
from labelaudit.running import each
from labelaudit.tables.along import Along
from labelaudit.tables.arrays import bits
from labelaudit.tables.held_keys import HeldKeys
from labelaudit.tables.issue_spill import (
    BYTES_PER_ISSUE,
    IssueSpill,
    issues_fit,
    room_for_issues,
    room_for_keys,
)
from labelaudit.tables.pieces import payload
from labelaudit.tables.ranked_kinds import RankedLines
from labelaudit.tables.tag_spill import TagSpill

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.settings import AuditSettings
    from labelaudit.findings import Problem
    from labelaudit.running import Executor
    from labelaudit.tables.ranked_kinds import RankedKind
    from labelaudit.tables.ranked_spill import RankedSpill
    from labelaudit.tables.source import LabelSource

__all__ = [
    "counted_groups",
    "fits",
    "keys_and_kept",
    "lines_beside",
    "lines_in_memory",
    "spill_for",
    "tag_spill_for",
    "with_inspected_keys",
    "with_sound_keys",
]

PARTS = 4
_HELD_BYTES = 8
_SOME_ROWS = 256
_COPIES = 3


def with_sound_keys(
    source: LabelSource, skip_invalid: bool, memory: int | None = None
) -> tuple[LabelSource, tuple[str, ...]]:
    """Use row numbers in place of a key that was only guessed and does not name rows.

    Parameters
    ----------
    source : LabelSource
    skip_invalid : bool
        Number the issues of equal keys.
    memory : int or None
        Bytes that the user allows for everything.
    """
    room = room_for_keys(memory)
    held = HeldKeys(source.rows) if source.rows * _HELD_BYTES <= room else None
    problem = source.check_keys(held, room)
    if problem is None:
        # What is held is counted among the rows that are read.
        complete = held is not None and held.complete and source.understanding.where is None
        return (replace(source, keys=held) if complete else source), ()
    if source.key_is_inferred:
        return _without_key(source, problem)
    if skip_invalid:
        return source, (f"{problem.sentence} Issues of equal keys are numbered.",)
    raise InvalidDataError([problem.sentence], problem.remedy)


def with_inspected_keys(
    source: LabelSource, memory: int | None = None
) -> tuple[LabelSource, tuple[str, ...], tuple[Problem, ...]]:
    """Do the same where nothing is audited; a key that was named and does not name rows is wrong.

    Returns
    -------
    LabelSource, tuple of str, tuple of Problem
        Also what to warn of, and what is wrong.
    """
    problem = source.check_keys(memory=room_for_keys(memory))
    if problem is None:
        return source, (), ()
    if source.key_is_inferred:
        return *_without_key(source, problem), ()
    return source, (), (problem,)


def _without_key(source: LabelSource, problem: Problem) -> tuple[LabelSource, tuple[str, ...]]:
    return source.without_key(), (f"{problem.sentence} Row numbers are the keys.",)


def keys_and_kept(
    source: LabelSource, rows: npt.NDArray[np.int64], on: Executor, *, keep: bool = True
) -> tuple[pa.Array, pa.Table | None]:
    """Read the keys and the kept columns of the ranked rows, as numbered in the whole input."""
    key, columns = source.roles.key, list(source.roles.keep) if keep else []
    wanted = [*columns, *([key] if key else [])]
    if not wanted:
        return pa.array(rows), None
    if not columns and source.keys is not None:
        return source.keys.take(rows), None
    order = np.argsort(rows, kind="stable")
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    parts = [part for part in np.array_split(rows[order], PARTS) if len(part)] or [rows]
    taken = pa.concat_tables(each(partial(source.take, columns=wanted), parts, on))
    taken = taken.unify_dictionaries().take(pa.array(back))
    keys = _one_chunk(taken[key]) if key else pa.array(rows)
    return keys, taken.select(columns) if columns else None


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def spill_for(source: LabelSource, settings: AuditSettings, memory: int | None) -> IssueSpill:
    """Return what takes the issues of an audit: in memory as far as it is allowed to go."""
    marks = None if source.roles.group is None else source.rows
    room = room_for_issues(memory) if _can_wait(source) else sys.maxsize
    return IssueSpill(room // BYTES_PER_ISSUE, settings.top, marks)


def tag_spill_for(source: LabelSource, settings: AuditSettings, memory: int | None) -> TagSpill:
    """Return what takes the findings of a multi-label audit."""
    marks = None if source.roles.group is None else source.rows
    room = room_for_issues(memory) if _can_wait(source) else sys.maxsize
    most = room // BYTES_PER_ISSUE
    return TagSpill(most, top=settings.top, every_row=settings.every_row, marks=marks)


def lines_beside(memory: int | None) -> int:
    """Return how many lines of a table besides the issues and the rows are held in memory."""
    return room_for_issues(memory) // BYTES_PER_ISSUE // 4


def lines_in_memory(
    source: LabelSource, spill: RankedSpill, kind: RankedKind, on: Executor
) -> pa.Table:
    """Rank lines that have no names of their own, and put the keys of their rows to them."""
    columns = spill.ranked_columns()
    rows = source.numbered(columns["row"])
    keys, _ = keys_and_kept(source, rows, on, keep=False)
    return kind.table(RankedLines(source, {**columns, "row": rows}, None, keys))


def _can_wait(source: LabelSource) -> bool:
    """Whether keys and kept columns can be written to files of batches.

    Such files have one dictionary for all batches. Columns of dictionaries are written as numbers;
    those with dictionaries inside of lists and structs are not.
    """
    names = {*source.roles.keep, *filter(None, [source.roles.key])}
    kinds = (source.tables[0].schema.field(name).type for name in names)
    return not any(pt.is_nested(kind) and "dictionary<" in str(kind) for kind in kinds)


def fits(source: LabelSource, spill: RankedSpill, memory: int | None) -> bool:
    """Say whether what the sink holds can be named in memory, wide columns and all.

    Parameters
    ----------
    source : LabelSource
    spill : RankedSpill
    memory : int or None
        Bytes that the user allows for everything.
    """
    if spill.files is not None or not source.roles.keep or not _can_wait(source):
        return spill.files is None
    some = spill.some_rows(_SOME_ROWS)
    kept = payload(Along(source.tables, source.roles.keep).take(some)) // max(len(some), 1)
    return issues_fit(spill.wanted, BYTES_PER_ISSUE + _COPIES * kept, memory)


def counted_groups(
    source: LabelSource, marks: npt.NDArray[np.uint8], left_out: npt.NDArray[np.int64]
) -> pa.Table:
    """Count rows and issues for each value of the group column, which is read along.

    Parameters
    ----------
    source : LabelSource
    marks : uint8
        A bit for each row that is read, whether it is flagged.
    left_out : (l,) int64
        Rows that took no part in the audit, ascending.
    """
    counts, first = GroupCounts(), 0
    for values in source.column(str(source.roles.group)):
        n = len(values)
        low, high = np.searchsorted(left_out, (first, first + n))
        used = np.ones(n, np.bool_)
        used[left_out[low:high] - first] = False
        counts.add(values, used, bits(pa.py_buffer(marks), first, n))
        first += n
    return counts.table()
