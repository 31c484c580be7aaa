"""Missing positives and related labels of a multi-label source, where they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.audits.tags.relations import find_relations, violations
from labelaudit.running import each, total
from labelaudit.summaries.tag_pairs import TagPairs
from labelaudit.tables.tag_statistics import relations_table, violations_table
from labelaudit.tag_missing import find_missing

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.rows import Rows
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.blocks import Partition, TagBlock
    from labelaudit.shelves import Shelf
    from labelaudit.tables.source import LabelSource
    from labelaudit.tag_statistics import LabelRelations

__all__ = ["TagExtras", "tag_extras"]


@dataclass(frozen=True, slots=True)
class TagExtras:
    """Tables beyond the issues; None where not asked for.

    Attributes
    ----------
    missing, candidates, relations, violations : pyarrow.Table or None
    notes : tuple of str
        What the numbers rest on.
    """

    missing: pa.Table | None = None
    candidates: pa.Table | None = None
    relations: pa.Table | None = None
    violations: pa.Table | None = None
    notes: tuple[str, ...] = ()


def tag_extras(source: LabelSource, rows: Rows, settings: AuditSettings, shelf: Shelf) -> TagExtras:
    """Estimate missing positives, and find related labels and the rows that contradict them.

    Parameters
    ----------
    source : LabelSource
    rows : Rows
        The rows of the source.
    settings : AuditSettings
        ``missing``, ``candidates`` and ``relations`` say what is wanted.
    shelf : Shelf
        Where what is known of rows is kept between passes.
    """
    extras = TagExtras()
    names = pa.array(source.classes, pa.string())
    if settings.missing or settings.candidates:
        found = find_missing(source, rows, settings, shelf)
        extras = TagExtras(found.table, found.candidates, notes=found.notes)
    if settings.relations:
        pairs = total(_pairs, rows.partitions, rows.told("relating"))
        related = find_relations(pairs)
        extras = replace(
            extras,
            relations=relations_table(related, names),
            violations=_violations(rows, related, names),
        )
    return extras


def _pairs(partition: Partition[TagBlock]) -> TagPairs:
    return total(lambda pairs: pairs, (TagPairs.of(block.given) for block in partition.blocks()))


def _violations(rows: Rows, found: LabelRelations, names: pa.Array) -> pa.Table:
    contradicting = partial(_violating, found=found)
    parts = list(each(contradicting, rows.partitions, rows.told("relating")))
    row = rows.numbered(np.concatenate([part[0] for part in parts]))
    relation = np.concatenate([part[1] for part in parts])
    return violations_table(row, relation, found, names)


def _violating(
    partition: Partition[TagBlock], found: LabelRelations
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    row, relation = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for block in partition.blocks():
        at, which = violations(block.given, found)
        row.append(block.start + at)
        relation.append(which)
    return np.concatenate(row), np.concatenate(relation)
