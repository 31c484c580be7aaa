"""Missing positives and related labels of a multi-label source, where they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.audits.tags.relations import find_relations, violations
from labelaudit.errors import EnvironmentalError
from labelaudit.naming import lines_beside
from labelaudit.running import each, total
from labelaudit.summaries.tag_pairs import TagPairs
from labelaudit.tables.ranked_kinds import violations_kind
from labelaudit.tables.ranked_spill import Spill
from labelaudit.tables.spilled_issues import SpilledTable
from labelaudit.tables.tag_statistics import relations_table, violations_table
from labelaudit.tag_missing import find_missing

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.rows import Rows
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.blocks import Partition, TagBlock
    from labelaudit.tables.source import LabelSource
    from labelaudit.tag_statistics import LabelRelations

__all__ = ["TagExtras", "tag_extras"]

PAIR_BYTES = 64
"""A pair's key and count, and the copies that are made of them while they are added up."""

LEAST_FOR_PAIRS = 128 << 20


@dataclass(frozen=True, slots=True)
class TagExtras:
    """Tables beyond the issues; None where not asked for.

    Attributes
    ----------
    missing, candidates, relations, violations : pyarrow.Table or None
        Candidates and violations that do not fit in memory are a ``SpilledTable``.
    notes : tuple of str
        What the numbers rest on.
    """

    missing: pa.Table | None = None
    candidates: Any = None
    relations: pa.Table | None = None
    violations: Any = None
    notes: tuple[str, ...] = ()


def tag_extras(
    source: LabelSource, rows: Rows, settings: AuditSettings, memory: int | None = None
) -> TagExtras:
    """Estimate missing positives, and find related labels and the rows that contradict them.

    Parameters
    ----------
    source : LabelSource
    rows : Rows
        The rows of the source.
    settings : AuditSettings
        ``missing``, ``candidates`` and ``relations`` say what is wanted.
    memory : int or None
        Bytes that the user allows for everything.

    Raises
    ------
    EnvironmentalError
        If the pairs of labels that are given together do not fit.
    """
    extras = TagExtras()
    names = pa.array(source.classes, pa.string())
    if settings.missing or settings.candidates:
        found = find_missing(source, rows, settings, memory)
        extras = TagExtras(found.table, found.candidates, notes=found.notes)
    if settings.relations:
        related = find_relations(_pairs_of(rows, memory))
        extras = replace(
            extras,
            relations=relations_table(related, names),
            violations=_violations(source, rows, related, lines_beside(memory)),
        )
    return extras


def _pairs_of(rows: Rows, memory: int | None) -> TagPairs:
    """Count how often labels are given together; as many pairs as there are must fit in memory."""
    counted = TagPairs.of(np.empty((0, len(rows.classes)), np.int8))
    for part in each(_pairs, rows.partitions, rows.told("relating")):
        counted += part
        needed = PAIR_BYTES * len(counted.both.keys)
        if memory is not None and needed > max(memory, LEAST_FOR_PAIRS):
            raise EnvironmentalError(
                f"The labels are given together in {len(counted.both.keys):,} different pairs or "
                f"more, and {needed / 1e9:.1f} GB to count them are more than --memory allows.",
                "Allow more with --memory, or leave out the relations of labels.",
            )
    return counted


def _pairs(partition: Partition[TagBlock]) -> TagPairs:
    return total(lambda pairs: pairs, (TagPairs.of(block.given) for block in partition.blocks()))


def _violations(
    source: LabelSource, rows: Rows, found: LabelRelations, most: int
) -> pa.Table | SpilledTable:
    """List what contradicts relations, in row order: in memory where it fits."""
    names = pa.array(source.classes, pa.string())
    kind = violations_kind(found, names)
    spill = Spill(kind.numbers, most)
    contradicting = partial(_violating, found=found)
    for row, relation in each(contradicting, rows.partitions, rows.told("relating")):
        spill.add({"row": rows.numbered(row), "relation": relation})
    if spill.files is None or spill.folder is None:
        lines = spill.as_they_came()
        return violations_table(lines["row"], lines["relation"], found, names)
    return SpilledTable(spill.folder, source, kind, spill.in_files())


def _violating(
    partition: Partition[TagBlock], found: LabelRelations
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    row, relation = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for block in partition.blocks():
        at, which = violations(block.given, found)
        row.append(block.start + at)
        relation.append(which)
    return np.concatenate(row), np.concatenate(relation)
