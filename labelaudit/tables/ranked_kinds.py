"""Kinds of tables that are ranked on disk: the numbers of a line, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.tables.issue_ids import issue_digests
from labelaudit.tables.issue_spill import NUMBERS, rows_of
from labelaudit.tables.issues import kinds_of, ranked_table, with_kept
from labelaudit.tables.tag_issues import places_of, ranked_cells, ranked_rows, tag_kinds
from labelaudit.tables.tag_statistics import candidates_table, violations_table
from labelaudit.tag_findings import TagCells, TagRows
from labelaudit.tag_statistics import Candidates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt
    import pyarrow as pa

    from labelaudit.tables.source import LabelSource
    from labelaudit.tag_statistics import LabelRelations

    Numbers = Mapping[str, npt.NDArray[Any]]

__all__ = [
    "CELLS",
    "LABEL_ISSUES",
    "SCORED_ROWS",
    "RankedKind",
    "RankedLines",
    "candidates_kind",
    "violations_kind",
]


@dataclass(frozen=True, slots=True)
class RankedLines:
    """Some lines that stand one behind the other, and what is put to them.

    Attributes
    ----------
    source : LabelSource
        Of which their rows are.
    numbers : mapping of str to (m,) array
    ids : pyarrow.Array or None
        (m,) their names, if lines of that kind have any.
    keys : pyarrow.Array
        (m,) keys of their rows.
    kept : pyarrow.Table or None
        (m,) rows of the kept columns.
    first : int
        How many lines are before them.
    """

    source: LabelSource
    numbers: Numbers
    ids: pa.Array | None
    keys: pa.Array
    kept: pa.Table | None = None
    first: int = 0

    @property
    def files(self) -> pa.Array | None:
        """The file of each row, where there are several."""
        return self.source.file_of(self.numbers["row"])


@dataclass(frozen=True, slots=True)
class RankedKind:
    """A kind of tables.

    Attributes
    ----------
    numbers : mapping of str to dtype
        What a line holds, one of them ``row``.
    table : callable
        Makes a table of some lines.
    digests : callable or None
        Hashes what lines with these keys say, before those that agree in all of it are told
        apart; None where lines have no names.
    keeps : bool
        Whether the kept columns go with it.
    """

    numbers: Mapping[str, np.dtype[Any]]
    table: Callable[[RankedLines], pa.Table]
    digests: Callable[[LabelSource, Numbers, pa.Array], npt.NDArray[np.uint64]] | None = None
    keeps: bool = False

    def columns_of(self, source: LabelSource) -> list[str]:
        """Return the kept columns that go with it."""
        return list(source.roles.keep) if self.keeps else []


def _label_digests(source: LabelSource, rows: Numbers, keys: pa.Array) -> npt.NDArray[np.uint64]:
    return issue_digests(kinds_of(source.class_list.values), rows["given"], keys)


def _label_issues(lines: RankedLines) -> pa.Table:
    rows, values = rows_of(lines.numbers), lines.source.class_list.values
    table = ranked_table(rows, values, lines.ids, lines.keys, lines.files, lines.first)
    return table if lines.kept is None else with_kept(table, lines.kept)


def _cell_digests(source: LabelSource, rows: Numbers, keys: pa.Array) -> npt.NDArray[np.uint64]:
    return issue_digests(tag_kinds(source.classes), places_of(rows["tag"], rows["given"]), keys)


def _cells(lines: RankedLines) -> pa.Table:
    cells, classes = TagCells(**lines.numbers), lines.source.classes
    return ranked_cells(cells, classes, lines.ids, lines.keys, lines.files, lines.kept, lines.first)


def _scored_rows(lines: RankedLines) -> pa.Table:
    return ranked_rows(TagRows(**lines.numbers), lines.keys, lines.first)


def candidates_kind(classes: pa.Array, groups: pa.Array | None) -> RankedKind:
    """Return the kind of tables that list tags which may be missing; see ``candidates_table``."""
    return RankedKind(_CANDIDATE_NUMBERS, partial(_candidates, classes=classes, groups=groups))


def _candidates(lines: RankedLines, classes: pa.Array, groups: pa.Array | None) -> pa.Table:
    found = Candidates(**lines.numbers, most=0)
    return candidates_table(found, classes, groups, lines.keys, lines.files, lines.first)


def violations_kind(found: LabelRelations, classes: pa.Array) -> RankedKind:
    """Return the kind of tables that list rows which contradict relations."""
    return RankedKind(_VIOLATION_NUMBERS, partial(_violations, found=found, classes=classes))


def _violations(lines: RankedLines, found: LabelRelations, classes: pa.Array) -> pa.Table:
    return violations_table(lines.numbers["row"], lines.numbers["relation"], found, classes)


def _kinds(names: str, types: str) -> dict[str, np.dtype[Any]]:
    pairs = zip(names.split(), types.split(), strict=True)
    return {name: np.dtype(kind) for name, kind in pairs}


_CELL_NUMBERS = _kinds(
    "row tag given label_quality is_issue given_prob suggested_prob margin entropy suggests "
    "flagged_by severity",
    "i8 i4 i1 f8 ? f4 f4 f4 f4 ? u1 i1",
)
_ROW_NUMBERS = _kinds("row quality issues is_issue", "i8 f8 i4 ?")
_CANDIDATE_NUMBERS = _kinds("row tag group prob missing", "i8 i4 i4 f8 f8")
_VIOLATION_NUMBERS = _kinds("row relation", "i8 i8")

LABEL_ISSUES = RankedKind(NUMBERS, _label_issues, _label_digests, keeps=True)
CELLS = RankedKind(_CELL_NUMBERS, _cells, _cell_digests, keeps=True)
"""The fields of ``TagCells``."""
SCORED_ROWS = RankedKind(_ROW_NUMBERS, _scored_rows)
"""The fields of ``TagRows``."""
