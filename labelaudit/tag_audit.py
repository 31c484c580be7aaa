"""A multi-label source to its result: the audit, and names, keys and kept columns put to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.audits.tags.class_order import demand_tag_order
from labelaudit.audits.tags.find_issues import audit_tags
from labelaudit.audits.tags.hygiene import demand_tags, tag_warnings, why_not_estimable
from labelaudit.audits.tags.reading import first_look
from labelaudit.errors import ClassOrderError, InvalidDataError, NothingToAuditError
from labelaudit.findings import Inspection, Problem
from labelaudit.naming import (
    counted_groups,
    fits,
    keys_and_kept,
    lines_in_memory,
    tag_spill_for,
    with_inspected_keys,
    with_sound_keys,
)
from labelaudit.planning import working
from labelaudit.running import Clock
from labelaudit.shelves import SpillShelf
from labelaudit.tables.issue_sorting import spilled_table
from labelaudit.tables.issue_spill import room_for_issues
from labelaudit.tables.ranked_kinds import CELLS, SCORED_ROWS
from labelaudit.tables.tag_issues import tag_classes_table, tag_issues_table
from labelaudit.tag_extras import tag_extras
from labelaudit.tag_findings import TagCells, TagIssues

if TYPE_CHECKING:
    from collections.abc import Callable

    from labelaudit.audits.settings import AuditSettings
    from labelaudit.audits.tags.class_order import TopTags
    from labelaudit.audits.tags.find_issues import TagsAudited
    from labelaudit.cluster.grounds import Elsewhere
    from labelaudit.running import Executor
    from labelaudit.shelves import Shelf
    from labelaudit.tables.source import LabelSource
    from labelaudit.tables.tag_spill import TagSpill
    from labelaudit.tag_extras import TagExtras

    Progress = Callable[[str, int, int], None]

__all__ = ["audit_tag_source", "inspect_tag_source"]


def audit_tag_source(
    source: LabelSource,
    settings: AuditSettings,
    *,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
    place: Elsewhere | None = None,
) -> TagIssues:
    """Audit an opened multi-label source.

    Parameters
    ----------
    source : LabelSource
    settings : AuditSettings
    threads, memory : int or None
    progress : callable or None
        Called with the stage, how many partitions are done, and how many there are.
    place : Elsewhere or None
        Where passes run, if not in this process.
    """
    clock = Clock()
    with closing(tag_spill_for(source, settings, memory)) as spill:
        with (
            working(source, threads, memory, progress, place) as rows,
            ThreadPoolExecutor(1) as beside,
        ):
            keyed = beside.submit(with_sound_keys, source, settings.skip_invalid, memory)
            found = audit_tags(rows, settings, spill, shelf=rows.shelf)
            source, key_warnings = keyed.result()
            clock.stop("audit")
            tables = _Tables(source, spill, memory)
            tables.in_memory(rows.on)
            extras = tag_extras(source, rows, settings, memory)
            tables.note(rows.shelf, extras)
        # What was kept for further readings is let go before the rest is sorted on disk.
        tables.on_disk()
        result = tables.result(found, extras, settings)
    clock.stop("table")
    warnings = (*source.warnings, *key_warnings, *found.warnings)
    return replace(result, warnings=warnings, timings=clock.laps)


def _readings(settings: AuditSettings) -> int:
    """Return how often the rows are read, or looked at where they are held."""
    missing = settings.missing or settings.candidates
    return 2 + missing + settings.candidates + 2 * settings.relations


class _Tables:
    """The tables of one audit, with names, keys and kept columns."""

    def __init__(self, source: LabelSource, spill: TagSpill, memory: int | None) -> None:
        self.source = source
        self.spill = spill
        self.memory = memory
        self.issues: TagCells | None = None
        self.cells: Any = None
        self.rows: Any = None
        self.temporary_bytes = 0

    def note(self, shelf: Shelf, extras: TagExtras) -> None:
        """Keep in mind what stands in temporary files before the rest is sorted."""
        beside = [getattr(each, "most_bytes", 0) for each in (extras.candidates, extras.violations)]
        taken = (self.spill.cells, self.spill.listed, self.spill.rows)
        on_shelf = shelf.temporary_bytes if isinstance(shelf, SpillShelf) else 0
        self.temporary_bytes = on_shelf + sum(each.temporary_bytes for each in taken) + sum(beside)

    def in_memory(self, on: Executor) -> None:
        """Make the tables that fit."""
        if fits(self.source, self.spill.cells, self.memory):
            cells = TagCells(**self.spill.cells.ranked_columns())
            self.issues = replace(cells, row=self.source.numbered(cells.row))
            self.cells = self._cells(self.issues, on)
        if self.spill.listed.files is None:
            self.rows = lines_in_memory(self.source, self.spill.listed, SCORED_ROWS, on)

    def _cells(self, cells: TagCells, on: Executor) -> pa.Table:
        # Each row is read once, however many of its classes are flagged.
        rows, back = np.unique(cells.row, return_inverse=True)
        keys, kept = keys_and_kept(self.source, rows, on)
        at = pa.array(back)
        files = self.source.file_of(cells.row)
        kept = None if kept is None else kept.take(at)
        return tag_issues_table(cells, self.source.classes, keys.take(at), files, kept)

    def on_disk(self) -> None:
        """Make the others."""
        room = room_for_issues(self.memory)
        if self.cells is None:
            self.cells = spilled_table(self.spill.cells, self.source, room, CELLS)
        if self.rows is None:
            self.rows = spilled_table(self.spill.listed, self.source, room, SCORED_ROWS)
        sorting = [getattr(each, "most_bytes", 0) for each in (self.cells, self.rows)]
        kept = self.spill.rows.temporary_bytes
        self.temporary_bytes = max(self.temporary_bytes, sum(sorting) + kept)

    def result(self, found: TagsAudited, extras: TagExtras, settings: AuditSettings) -> TagIssues:
        """Put the tables together."""
        source, marks = self.source, self.spill.marks
        return TagIssues(
            understanding=source.understanding,
            audit=replace(
                found.audit,
                issues=self.issues or TagCells(**self.cells.mapped_numbers()),
                row_results=self.spill.scores(),
                notes=(*found.audit.notes, *extras.notes),
                readings=_readings(settings),
                temporary_bytes=self.temporary_bytes,
            ),
            table=self.cells,
            classes=tag_classes_table(found.audit.classes, source.classes),
            rows=self.rows,
            groups=None if marks is None else counted_groups(source, marks, self.spill.left_out()),
            missing=extras.missing,
            candidates=extras.candidates,
            relations=extras.relations,
            violations=extras.violations,
            problems=found.problems,
        )


def inspect_tag_source(
    source: LabelSource,
    *,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Inspection:
    """Say what was understood of a multi-label source and everything that is wrong with it.

    Parameters
    ----------
    source : LabelSource
    threads, memory : int or None
    progress : callable or None
    """
    with working(source, threads, memory, progress) as rows:
        look = first_look(rows)
    found, said, wrong = with_inspected_keys(source, memory)
    warnings, problems = (*source.warnings, *said), (*look.problems(), *wrong)
    try:
        demand_tags(look.tally)
    except (InvalidDataError, NothingToAuditError) as error:
        if not problems:
            problems = (Problem("no_labels", error.found, 0, (), error.remedy),)
    else:
        why_not = why_not_estimable(look.tally)
        warnings = (*warnings, *tag_warnings(look.tally, why_not, source.classes))
        problems = (*problems, *_order_problem(look.tops, source.classes))
    positives = look.tally.counts[:, 1].sum(axis=1)
    return Inspection(found.understanding, problems, warnings, positives)


def _order_problem(tops: TopTags, classes: tuple[str, ...]) -> tuple[Problem, ...]:
    try:
        demand_tag_order(tops, classes)
    except ClassOrderError as error:
        return (Problem("class_order", error.found, 0, (), error.remedy),)
    return ()
