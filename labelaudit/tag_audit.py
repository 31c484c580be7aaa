"""A multi-label source to its result: the audit, and names, keys and kept columns put to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.audits.tags.class_order import demand_tag_order
from labelaudit.audits.tags.find_issues import audit_tags
from labelaudit.audits.tags.hygiene import demand_tags, tag_warnings, why_not_estimable
from labelaudit.audits.tags.kept import some_of
from labelaudit.audits.tags.reading import first_look
from labelaudit.errors import ClassOrderError, InvalidDataError, NothingToAuditError
from labelaudit.findings import Inspection, Problem
from labelaudit.naming import keys_and_kept, with_sound_keys
from labelaudit.planning import working
from labelaudit.reports.groups import groups_table
from labelaudit.running import Clock
from labelaudit.tables.issue_spill import room_for_keys
from labelaudit.tables.tag_issues import tag_classes_table, tag_issues_table, tag_rows_table
from labelaudit.tag_extras import tag_extras
from labelaudit.tag_findings import TagIssues

if TYPE_CHECKING:
    from collections.abc import Callable

    from labelaudit.audits.settings import AuditSettings
    from labelaudit.audits.tags.class_order import TopTags
    from labelaudit.audits.tags.find_issues import TagsAudited
    from labelaudit.cluster.grounds import Elsewhere
    from labelaudit.running import Executor
    from labelaudit.tables.source import LabelSource
    from labelaudit.tag_findings import TagRows

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
    with (
        working(source, threads, memory, progress, place) as rows,
        ThreadPoolExecutor(1) as beside,
    ):
        keyed = beside.submit(with_sound_keys, source, settings.skip_invalid, memory)
        found = audit_tags(rows, settings, shelf=rows.shelf)
        source, key_warnings = keyed.result()
        clock.stop("audit")
        tables = _Named(source, found, settings, rows.on)
        cells, row_table = tables.cells(), tables.rows()
        extras = tag_extras(source, rows, settings, rows.shelf)
    groups = tables.groups()
    clock.stop("table")
    return TagIssues(
        understanding=source.understanding,
        audit=replace(
            found.audit,
            issues=tables.issues,
            notes=(*found.audit.notes, *extras.notes),
            readings=_readings(settings),
        ),
        table=cells,
        classes=tag_classes_table(found.audit.classes, source.classes),
        rows=row_table,
        groups=groups,
        missing=extras.missing,
        candidates=extras.candidates,
        relations=extras.relations,
        violations=extras.violations,
        problems=found.problems,
        warnings=(*source.warnings, *key_warnings, *found.warnings),
        timings=clock.laps,
    )


def _readings(settings: AuditSettings) -> int:
    """Return how often the rows are read, or looked at where they are held."""
    missing = settings.missing or settings.candidates
    return 2 + missing + settings.candidates + 2 * settings.relations


class _Named:
    """The tables of one audit, with names, keys and kept columns."""

    def __init__(
        self, source: LabelSource, found: TagsAudited, settings: AuditSettings, on: Executor
    ) -> None:
        self.source = source
        self.found = found
        cells = found.audit.issues
        self.issues = replace(cells, row=source.numbered(cells.row))
        self.settings = settings
        self.on = on

    def cells(self) -> pa.Table:
        cells = self.issues
        # Each row is read once, however many of its classes are flagged.
        rows, back = np.unique(cells.row, return_inverse=True)
        keys, kept = keys_and_kept(self.source, rows, self.on)
        at = pa.array(back)
        files = self.source.file_of(cells.row)
        kept = None if kept is None else kept.take(at)
        return tag_issues_table(cells, self.source.classes, keys.take(at), files, kept)

    def rows(self) -> pa.Table:
        every = self.settings.every_row
        rows = _worst(self.found.audit.row_results, every=every, top=self.settings.top)
        rows = replace(rows, row=self.source.numbered(rows.row))
        keys, _ = keys_and_kept(self.source, rows.row, self.on)
        return tag_rows_table(rows, keys)

    def groups(self) -> pa.Table | None:
        group = self.source.roles.group
        if group is None:
            return None
        every = self.source.take(self.source.numbered(np.arange(self.source.rows)), [group])[group]
        return groups_table(every, self.found.flagged, self.found.left_out)


def _worst(rows: TagRows, *, every: bool, top: int | None) -> TagRows:
    """Return flagged rows, or all that have a score, worst first; ties by row."""
    chosen = np.flatnonzero(~np.isnan(rows.quality) if every else rows.is_issue)
    return some_of(rows, chosen[np.argsort(rows.quality[chosen], kind="stable")][:top])


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
    problems, warnings = look.problems(), source.warnings
    key_problem = source.check_keys(memory=room_for_keys(memory))
    if key_problem is not None and source.key_is_inferred:
        source = source.without_key()
        warnings = (*warnings, f"{key_problem.sentence} Row numbers are the keys.")
    elif key_problem is not None:
        problems = (*problems, key_problem)
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
    return Inspection(source.understanding, problems, warnings, positives)


def _order_problem(tops: TopTags, classes: tuple[str, ...]) -> tuple[Problem, ...]:
    try:
        demand_tag_order(tops, classes)
    except ClassOrderError as error:
        return (Problem("class_order", error.found, 0, (), error.remedy),)
    return ()
