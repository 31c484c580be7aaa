"""Saved issues and decisions against the data: they must be about the labels that stand there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.changes import DECISIONS, SOURCES, Quality
from labelaudit.errors import InvalidDataError
from labelaudit.export.policy import FIX, Flagged, Reviewed
from labelaudit.tables.arrays import numbers
from labelaudit.tables.issue_ids import issue_ids
from labelaudit.tables.issues import LABEL_ERROR
from labelaudit.tables.records import column_texts
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.tables.cleaned import AddedNames
    from labelaudit.tables.decisions import Decision
    from labelaudit.tables.labelled import Found, LabelledTable
    from labelaudit.tables.saved_issues import SavedIssues

__all__ = ["Settled", "flagged_of", "ids_of", "reviewed_of", "settled_of"]

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Settled:
    """What an earlier export has done to the rows of its output, by ascending row.

    Attributes
    ----------
    row : (m,) int64
        Rows whose label was replaced or confirmed.
    source : (m,) int8
        Index into ``SOURCES``.
    given : list of str or None
        Label before that export.
    again : bool
        The data is an export; rows may also have been dropped by it.
    """

    row: npt.NDArray[np.int64]
    source: npt.NDArray[np.int8]
    given: list[str | None]
    again: bool

    @classmethod
    def nothing(cls) -> Settled:
        """Return what is so where the data is no export."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int8), [], again=False)

    def before(self, row: int) -> str | None:
        """Return the label that a settled row had before."""
        at = int(np.searchsorted(self.row, row))
        return self.given[at] if at < len(self.row) and self.row[at] == row else None


def settled_of(table: LabelledTable, names: AddedNames) -> Settled:
    """Look whether the data is an export, and what that export settled."""
    if not set(names.base) <= set(table.tables[0].schema.names):
        return Settled.nothing()
    rows: list[int] = []
    sources: list[int] = []
    given: list[str | None] = []
    for first, batch in table.batches([names.given, names.source]):
        part = pa.Table.from_batches([batch])
        before = column_texts(part, names.given)
        for i, source in enumerate(column_texts(part, names.source)):
            if source not in SOURCES:
                return Settled.nothing()
            if source != SOURCES[0]:
                rows.append(first + i)
                sources.append(SOURCES.index(source))
                given.append(before[i])
    return Settled(np.array(rows, np.int64), np.array(sources, np.int8), given, again=True)


class _Problems:
    """Everything that does not fit, told at once."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def add(self, kind: str, example: str) -> None:
        self.found.setdefault(kind, []).append(example)

    def refuse(self, remedy: str) -> None:
        """Raise ``InvalidDataError`` if there is one."""
        if self.found:
            raise InvalidDataError([_listed(*each) for each in self.found.items()], remedy)


def _listed(kind: str, examples: list[str]) -> str:
    more = f"; and {len(examples) - _SHOWN:,} more" if len(examples) > _SHOWN else ""
    return f"{kind} ({len(examples):,}): {'; '.join(examples[:_SHOWN])}{more}."


def flagged_of(
    saved: SavedIssues, table: LabelledTable, settled: Settled
) -> tuple[Flagged, Quality]:
    """Find the rows of saved issues.

    Raises
    ------
    InvalidDataError
        If a key is not in the data, or another label stands there.
    """
    found = table.find(saved.key)
    problems = _Problems()
    codes = table.codes
    expected = np.array([codes.get(given, -1) for given in saved.given], np.int32)
    fits = (found.row >= 0) & (expected >= 0) & (expected == found.code)
    for i in np.flatnonzero(~fits).tolist():
        fits[i] = _fits(found, i, saved.key[i], saved.given[i], table, settled, problems)
    problems.refuse(
        f"Give the data that {saved.name} was made from, with the same --labels and --key."
    )
    suggested = [-1 if text is None else codes.get(text, -1) for text in saved.suggested]
    which = np.flatnonzero(fits & saved.is_issue)
    known = np.flatnonzero(fits)
    flagged = Flagged(
        row=found.row[which],
        given=found.code[which],
        suggested=np.array(suggested, np.int32)[which],
        suggested_prob=saved.suggested_prob[which].astype(np.float32),
        severity=saved.severity[which],
        issue_id=tuple(saved.issue_id[i] for i in which.tolist()),
    )
    return flagged, Quality.of(found.row[known], saved.quality[known])


def _fits(
    found: Found,
    i: int,
    key: str,
    given: str | None,
    table: LabelledTable,
    settled: Settled,
    problems: _Problems,
) -> bool:
    """Say whether a row is there with that label; what an earlier export dealt with is passed."""
    row = int(found.row[i])
    if row < 0:
        if not settled.again:
            problems.add("Keys that are not in the data", safe(key))
        return False
    if given is None or table.codes.get(given, -1) == found.code[i] or given == found.text[i]:
        return True
    if settled.before(row) != given:
        now = "null" if found.text[i] is None else safe(found.text[i])
        problems.add(
            "Labels that the data no longer has",
            f"key {safe(key)} was {safe(given)} and is now {now}",
        )
    return False


def reviewed_of(
    decisions: Sequence[Decision],
    table: LabelledTable,
    saved: SavedIssues | None,
    settled: Settled,
) -> Reviewed:
    """Find the rows of decisions.

    Raises
    ------
    InvalidDataError
        If a decision is about no row, or about a label that is no longer there; if two
        contradict each other; if a fix has no label, or one that is no class.
    """
    problems = _Problems()
    known = decisions if saved is None else _with_keys(decisions, saved, problems)
    keyed = [each for each in known if each.key is not None]
    for each in known:
        if each.key is None:
            problems.add("Decisions without a key", each.place)
    found = table.find([str(each.key) for each in keyed])
    chosen: dict[int, tuple[Decision, int]] = {}
    for i, each in enumerate(keyed):
        if _fits(found, i, str(each.key), each.given, table, settled, problems):
            _take(each, i, int(found.row[i]), chosen, problems)
    lines = sorted(chosen.items())
    codes = [_new_code(each, table, problems) for _, (each, _) in lines]
    given = [int(found.code[i]) for _, (_, i) in lines]
    if saved is None:
        _check_ids(lines, given, table, problems)
    problems.refuse(
        "Mend the decisions, or give the data that was reviewed; classes that are new to the data "
        "are allowed by --classes."
    )
    return Reviewed(
        np.array([row for row, _ in lines], np.int64),
        np.array(given, np.int32),
        np.array(codes, np.int32),
        np.array([DECISIONS.index(each.decision) for _, (each, _) in lines], np.int8),
        tuple(each.issue_id or "" for _, (each, _) in lines),
    )


def _with_keys(
    decisions: Sequence[Decision], saved: SavedIssues, problems: _Problems
) -> list[Decision]:
    """Put the keys of saved issues to decisions that name issues."""
    keys = dict(zip(saved.issue_id, saved.key, strict=True))
    known = []
    for each in decisions:
        if each.issue_id is None:
            known.append(each)
        elif each.issue_id not in keys:
            problems.add(f"Issues that are not in {saved.name}", f"{safe(each.issue_id)}")
        elif each.key is not None and each.key != keys[each.issue_id]:
            problems.add(
                "Decisions whose key is another than the issue's",
                f"{each.place} ({safe(each.key)}, not {safe(keys[each.issue_id])})",
            )
        else:
            known.append(replace(each, key=keys[each.issue_id]))
    return known


def _take(
    each: Decision,
    i: int,
    row: int,
    chosen: dict[int, tuple[Decision, int]],
    problems: _Problems,
) -> None:
    before = chosen.setdefault(row, (each, i))[0]
    if (before.decision, before.new) != (each.decision, each.new):
        problems.add(
            "Decisions that contradict each other",
            f"key {safe(each.key)}: {_said(before)}, and {_said(each)}",
        )


def _said(each: Decision) -> str:
    return f"{each.decision} to {safe(each.new)}" if each.decision == "fix" else each.decision


def _new_code(each: Decision, table: LabelledTable, problems: _Problems) -> int:
    if DECISIONS.index(each.decision) != FIX:
        return -1
    if each.new is None:
        problems.add("Fixes without a new_label", f"{each.place} (key {safe(each.key)})")
        return -1
    code = table.codes.get(each.new)
    if code is None:
        problems.add("New labels that are no class", f"{safe(each.new)} (key {safe(each.key)})")
        return -1
    return code


def _check_ids(
    lines: Sequence[tuple[int, tuple[Decision, int]]],
    given: Sequence[int],
    table: LabelledTable,
    problems: _Problems,
) -> None:
    """Compare the issues that decisions name with those that their rows would have."""
    rows = np.array([row for row, _ in lines], np.int64)
    valid = np.flatnonzero(np.array(given) >= 0) if lines else rows
    keys = numbers(rows[valid]) if table.key is None else table.take(rows[valid], table.key)
    ids = ids_of(table, keys, [given[i] for i in valid.tolist()])
    for i, issue_id in zip(valid.tolist(), ids, strict=True):
        each = lines[i][1][0]
        if each.issue_id is not None and each.issue_id != issue_id:
            problems.add(
                "Issues that are not about the row of their key",
                f"{safe(each.issue_id)} (key {safe(each.key)})",
            )


def ids_of(table: LabelledTable, keys: pa.Array, given: Sequence[int]) -> list[str]:
    """Return the issue id of each row with this key and given class."""
    names = table.class_list.values.cast(pa.string()).to_pylist()
    kinds = [(LABEL_ERROR, "", name) for name in names]
    ids: list[str] = issue_ids(kinds, list(given), keys).to_pylist()
    return ids
