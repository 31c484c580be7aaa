"""Exports of tables with several labels a row: labels taken out and put in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.audits.tags.find_issues import audit_tags
from labelaudit.changes import DROP, KEEP, RELABEL, Changes, Quality
from labelaudit.errors import UsageError
from labelaudit.export.planned import PlannedExport
from labelaudit.export.policy import GIVEN, HIGH, SUGGESTED, Policy
from labelaudit.export.verifying import settled_of
from labelaudit.naming import keys_and_kept, with_sound_keys
from labelaudit.planning import working
from labelaudit.running import Here
from labelaudit.tables.cleaned import AddedNames, Cleaning, Marks
from labelaudit.tables.cleaned_tags import TagEdits
from labelaudit.tables.labelled import LabelledTable
from labelaudit.tables.tag_decode import TagDecoder
from labelaudit.tables.tag_issues import STATES, tag_issues_table
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from labelaudit.audits.settings import AuditSettings
    from labelaudit.export import ExportSettings
    from labelaudit.tables.source import LabelSource
    from labelaudit.tag_findings import TagCells

    Progress = Callable[[str, int, int], None]

__all__ = ["plan_tag_export"]


def plan_tag_export(
    source: LabelSource,
    settings: ExportSettings,
    audit: AuditSettings,
    *,
    threads: int | None,
    memory: int | None,
    progress: Progress | None,
) -> PlannedExport:
    """Audit a table with several labels a row, and decide about every row.

    Raises
    ------
    UsageError
        If the labels stand in one column per class, or decisions or posteriors are asked for.
    """
    decoder, names = _decoder(source, settings), AddedNames(settings.prefix)
    policy = Policy(settings.policy, settings.min_confidence)
    with working(source, threads, memory, progress) as rows:
        found = audit_tags(rows, replace(audit, top=None))
    source, key_warnings = with_sound_keys(source, audit.skip_invalid)
    table = _table(source, decoder)
    settled = settled_of(table, names)
    cells = _unsettled(found.audit.issues, settled.row)
    replaced = _replaced(cells, policy)
    edits = TagEdits.of(
        cells.row[replaced], cells.tag[replaced], cells.given[replaced] == 0, decoder.values
    )
    changes = _changes(cells.row, edits, policy)
    quality = found.audit.row_results.quality
    known = np.flatnonzero(~np.isnan(quality))
    whole = TagEdits.of(cells.row, cells.tag, cells.given == 0, decoder.values)
    marks = np.unique(cells.row)
    cleaning = Cleaning(
        table,
        changes,
        Quality(known.astype(np.int64), quality[known]),
        names,
        again=settled.again,
        marks=Marks(marks, np.full(len(marks), -1, np.int32)) if policy.name == "flag" else None,
        tags=edits,
        suggested_tags=whole.chosen(np.isin(whole.row, marks)),
    )
    cleaning.check_names(table.tables[0].schema)
    ledger = _ledger(source, cells, replaced, policy, decoder.names)
    return PlannedExport(
        policy=policy,
        cleaning=cleaning,
        flagged=len(marks),
        reviewed=0,
        settled=len(settled.row),
        ledger=ledger,
        pairs=_pairs(ledger),
        warnings=(*source.warnings, *key_warnings, *found.warnings),
    )


def _decoder(source: LabelSource, settings: ExportSettings) -> TagDecoder:
    shown = safe(source.roles.labels)
    decoder = source.decoder
    if not isinstance(decoder, TagDecoder) or decoder.tags.layout != "list":
        raise UsageError(
            f"The labels {shown} stand in one column per class, and only lists of labels are "
            "exported.",
            "Rank the labels to mend with labelaudit find-issues -o issues.csv.",
        )
    if settings.decisions or settings.is_soft:
        raise UsageError(
            f"Column {shown} holds several labels a row, and decisions, soft labels and weights "
            "are for one label a row.",
            "Leave them out.",
        )
    return decoder


def _table(source: LabelSource, decoder: TagDecoder) -> LabelledTable:
    key = source.roles.key
    understood = (*decoder.columns, *([key] if key else []))
    column = decoder.tags.columns[0]
    return LabelledTable(source.tables, column, key, source.class_list, (), tuple(understood))


def _unsettled(cells: TagCells, settled: npt.NDArray[np.int64]) -> TagCells:
    """Return the flagged cells of rows that no earlier export has settled."""
    which = np.flatnonzero(cells.is_issue & ~np.isin(cells.row, settled))
    parts = {name: getattr(cells, name)[which] for name in type(cells).__slots__}
    return type(cells)(**parts)


def _replaced(cells: TagCells, policy: Policy) -> npt.NDArray[np.bool_]:
    """Say which labels are taken out or put in."""
    if policy.name != "relabel":
        return np.zeros(len(cells.row), np.bool_)
    sure = cells.suggested_prob >= np.float32(policy.min_confidence)
    chosen: npt.NDArray[np.bool_] = sure & cells.suggests & (cells.severity == HIGH)
    return chosen


def _changes(flagged: npt.NDArray[np.int64], edits: TagEdits, policy: Policy) -> Changes:
    row = np.unique(flagged)
    action = np.full(len(row), DROP if policy.name == "drop" else KEEP, np.int8)
    action[np.isin(row, edits.row)] = RELABEL
    nothing = np.full(len(row), -1, np.int32)
    source = np.where(action == RELABEL, SUGGESTED, GIVEN).astype(np.int8)
    return Changes(row, action, nothing, nothing, source, ("",) * len(row))


def _ledger(
    source: LabelSource,
    cells: TagCells,
    replaced: npt.NDArray[np.bool_],
    policy: Policy,
    classes: tuple[str, ...],
) -> pa.Table:
    """List what is done to each label, by row and class."""
    which = np.ones(len(cells.row), np.bool_) if policy.name == "drop" else replaced
    keys, _ = keys_and_kept(source, cells.row, Here())
    issues = tag_issues_table(cells, classes, keys, None, None)
    order = np.lexsort((cells.tag, cells.row))
    found = issues.take(pa.array(order[which[order]]))
    dropped = policy.name == "drop"
    states = pa.array(STATES, pa.string())
    given = cells.given[order[which[order]]]
    return pa.table(
        {
            "row": found["row"],
            "key": found["key"],
            "issue_id": found["issue_id"],
            "class": found["class"],
            "given_label": found["given_label"],
            "new_label": pa.nulls(len(given), pa.string())
            if dropped
            else states.take(pa.array(1 - given)),
            "action": pa.array(["drop" if dropped else "relabel"] * len(given), pa.string()),
            "source": pa.array(["flagged" if dropped else "suggested"] * len(given), pa.string()),
        }
    )


def _pairs(ledger: pa.Table) -> pa.Table:
    """Count the changes by class and by what is done to it, most frequent first."""
    kinds: dict[tuple[str, str | None], int] = {}
    for line in ledger.select(["class", "given_label", "new_label"]).to_pylist():
        given = line["class"] if line["given_label"] == STATES[1] else f"no {line['class']}"
        other = f"no {line['class']}" if line["given_label"] == STATES[1] else line["class"]
        pair = (given, None if line["new_label"] is None else other)
        kinds[pair] = kinds.get(pair, 0) + 1
    lines = sorted(kinds.items(), key=lambda item: (-item[1], item[0][0]))
    return pa.table(
        {
            "given": pa.array([given for (given, _), _ in lines], pa.string()),
            "new": pa.array([new for (_, new), _ in lines], pa.string()),
            "rows": pa.array([count for _, count in lines], pa.int64()),
        }
    )
