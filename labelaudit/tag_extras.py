"""Missing positives and related labels of a multi-label source, where they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.audits.tags.missing import estimate_missing
from labelaudit.audits.tags.relations import find_relations, violations
from labelaudit.reports.groups import group_codes
from labelaudit.running import each, total
from labelaudit.summaries.tag_logits import LogitCounts
from labelaudit.summaries.tag_pairs import TagPairs
from labelaudit.tables.tag_statistics import missing_table, relations_table, violations_table
from labelaudit.tag_statistics import PropensitySource

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from labelaudit.audits.rows import Rows
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.blocks import Partition, TagBlock
    from labelaudit.tables.source import LabelSource
    from labelaudit.tag_statistics import LabelRelations

__all__ = ["TagExtras", "tag_extras"]


@dataclass(frozen=True, slots=True)
class TagExtras:
    """Tables beyond the issues; None where not asked for.

    Attributes
    ----------
    missing, relations, violations : pyarrow.Table or None
    notes : tuple of str
        What the numbers rest on.
    """

    missing: pa.Table | None = None
    relations: pa.Table | None = None
    violations: pa.Table | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Grouped:
    """A partition whose blocks know the groups of their rows."""

    partition: Partition[TagBlock]
    codes: npt.NDArray[np.int32]

    def blocks(self) -> Iterator[TagBlock]:
        for block in self.partition.blocks():
            yield replace(block, group=self.codes[block.start : block.start + len(block)])


def tag_extras(source: LabelSource, rows: Rows, settings: AuditSettings) -> TagExtras:
    """Estimate missing positives, and find related labels and the rows that contradict them.

    Parameters
    ----------
    source : LabelSource
    rows : Rows
        The rows of the source.
    settings : AuditSettings
        ``missing`` and ``relations`` say what is wanted.
    """
    extras = TagExtras()
    names = pa.array(source.classes, pa.string())
    if settings.missing:
        missing, notes = _missing(source, rows, settings, names)
        extras = replace(extras, missing=missing, notes=notes)
    if settings.relations:
        pairs = total(_pairs, rows.partitions, rows.told("relating"))
        found = find_relations(pairs)
        extras = replace(
            extras,
            relations=relations_table(found, names),
            violations=_violations(rows, found, names),
        )
    return extras


def _missing(
    source: LabelSource, rows: Rows, settings: AuditSettings, names: pa.Array
) -> tuple[pa.Table, tuple[str, ...]]:
    group = source.roles.group
    values, codes = None, np.zeros(source.rows, np.int32)
    if group is not None:
        every = source.take(np.arange(source.rows), [group])[group]
        values, of_rows = group_codes(every)
        codes = of_rows.astype(np.int32)
    n_groups = 1 if values is None else len(values)
    partitions = [_Grouped(each_part, codes) for each_part in rows.partitions]
    count = partial(_logits, n_groups=n_groups)
    counts = total(count, partitions, rows.told("counting"))
    grouped = PropensitySource.groups() if n_groups > 1 else PropensitySource.elkan_noto()
    found = estimate_missing(counts, grouped, seed=settings.seed, on=rows.on)
    table = missing_table(found, names, values)
    return table, (f"Missing positives: {found.assumption}", *found.notes)


def _logits(partition: _Grouped, n_groups: int) -> LogitCounts:
    blocks = (
        LogitCounts.of(block.given, block.probs, block.group, n_groups)
        for block in partition.blocks()
    )
    return total(lambda counts: counts, blocks)


def _pairs(partition: Partition[TagBlock]) -> TagPairs:
    return total(lambda pairs: pairs, (TagPairs.of(block.given) for block in partition.blocks()))


def _violations(rows: Rows, found: LabelRelations, names: pa.Array) -> pa.Table:
    contradicting = partial(_violating, found=found)
    parts = list(each(contradicting, rows.partitions, rows.told("relating")))
    row = np.concatenate([part[0] for part in parts])
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
