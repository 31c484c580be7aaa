"""Missing positives of a multi-label source: how many, by class and group, and which first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.audits.tags.candidates import candidates_of, least_probable
from labelaudit.audits.tags.missing import estimate_missing
from labelaudit.errors import UsageError
from labelaudit.naming import lines_beside, lines_in_memory
from labelaudit.running import total
from labelaudit.shelves import MemoryShelf
from labelaudit.summaries.tag_logits import LogitCounts
from labelaudit.tables.group_codes import CodedGroups
from labelaudit.tables.issue_sorting import spilled_table
from labelaudit.tables.issue_spill import room_for_issues
from labelaudit.tables.ranked_kinds import candidates_kind
from labelaudit.tables.ranked_spill import ORDER, RankedSpill
from labelaudit.tables.tag_statistics import missing_table
from labelaudit.tag_statistics import PropensitySource
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.audits.rows import Rows
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.blocks import Partition, TagBlock
    from labelaudit.shelves import Shelf
    from labelaudit.tables.ranked_kinds import RankedKind
    from labelaudit.tables.source import LabelSource
    from labelaudit.tag_statistics import Candidates, MissingPositives

__all__ = ["MissingFound", "find_missing", "source_of"]

MOST = 1_000_000
"""So many candidates are ranked at most: rows times classes would fill any memory."""


@dataclass(frozen=True, slots=True)
class MissingFound:
    """What is known of missing positives.

    Attributes
    ----------
    table : pyarrow.Table
        By class, and by group where there are any.
    candidates : pyarrow.Table or None
        The tags that are most probably missing, where asked for.
    notes : tuple of str
        What the numbers rest on.
    """

    table: pa.Table
    candidates: pa.Table | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Grouped:
    """A partition whose blocks know the groups of their rows."""

    partition: Partition[TagBlock]
    shelf: Shelf

    @property
    def first_row(self) -> int:
        return self.partition.first_row

    def blocks(self) -> Iterator[TagBlock]:
        codes = self.shelf.get(self.first_row).codes
        for block in self.partition.blocks():
            start = block.start - self.first_row
            yield replace(block, group=codes[start : start + len(block)])

    def __reduce__(self) -> tuple[Any, ...]:
        alone = MemoryShelf()
        alone.put(self.first_row, self.shelf.get(self.first_row))
        return _Grouped, (self.partition, alone)


@dataclass(frozen=True, slots=True)
class _Codes:
    """Groups of the rows of a partition: (n,) int32."""

    codes: npt.NDArray[np.int32]


def find_missing(
    source: LabelSource, rows: Rows, settings: AuditSettings, memory: int | None = None
) -> MissingFound:
    """Estimate how many tags are missing, and rank those that may be.

    Parameters
    ----------
    source : LabelSource
    rows : Rows
        The rows of the source.
    settings : AuditSettings
        ``propensity`` and ``prior`` say what is known, ``candidates`` whether they are wanted.
    memory : int or None
        Bytes that the user allows for everything.
    """
    names = pa.array(source.classes, pa.string())
    values, partitions = _grouped(source, rows, rows.shelf)
    n_groups = 1 if values is None else len(values)
    known = source_of(settings, source.classes, n_groups)
    counts = total(partial(_logits, n_groups=n_groups), partitions, rows.told("counting"))
    found = estimate_missing(counts, known, seed=settings.seed, on=rows.on)
    notes = (f"Missing positives: {found.assumption}", *_number(found), *found.notes)
    candidates = None
    if settings.candidates:
        kind, most = candidates_kind(names, values), _most(found, settings)
        least = least_probable(counts, found, most)
        parts = candidates_of(partitions, found, most, least, rows.told("ranking"))
        spill = _taken(parts, kind, lines_beside(memory), most)
        candidates = (
            lines_in_memory(source, spill, kind, rows.on)
            if spill.files is None
            else spilled_table(spill, source, room_for_issues(memory), kind)
        )
    return MissingFound(missing_table(found, names, values), candidates, notes)


def _taken(parts: Iterator[Candidates], kind: RankedKind, room: int, most: int) -> RankedSpill:
    """Take the candidates of all partitions, by row and class, to be ranked."""
    spill = RankedSpill(kind.numbers, room, most)
    for part in parts:
        by_row = np.lexsort((part.tag, part.row))
        lines = {name: getattr(part, name)[by_row] for name in kind.numbers}
        spill.add({ORDER: -lines["missing"], **lines})
    return spill


def _grouped(
    source: LabelSource, rows: Rows, shelf: Shelf
) -> tuple[pa.Array | None, Sequence[Partition[TagBlock]]]:
    """Return the groups there are, and partitions that know them, put on the shelf one by one."""
    if source.roles.group is None:
        return None, rows.partitions
    ends = [*(partition.first_row for partition in rows.partitions[1:]), source.rows]
    coded = CodedGroups(source.column(source.roles.group))
    for partition, end in zip(rows.partitions, ends, strict=True):
        shelf.put(partition.first_row, _Codes(coded.next_rows(end - partition.first_row)))
    return coded.values, [_Grouped(partition, shelf) for partition in rows.partitions]


def _logits(partition: Partition[TagBlock], n_groups: int) -> LogitCounts:
    blocks = (
        LogitCounts.of(block.given, block.probs, block.group, n_groups)
        for block in partition.blocks()
    )
    return total(lambda counts: counts, blocks)


def _number(found: MissingPositives) -> tuple[str, ...]:
    if not found.estimable.any():
        return ()
    number, low, high = (
        f"{round(value):,}" for value in (found.total, found.total_low, found.total_high)
    )
    return (f"Of all tags that apply about {number} are not given ({low} to {high}).",)


def _most(found: MissingPositives, settings: AuditSettings) -> int:
    """Say how many to list: as many as are expected to be missing, or all that may be."""
    wanted = MOST if settings.every_row else round(found.total)
    return min(wanted, MOST, settings.top or MOST)


def source_of(
    settings: AuditSettings, classes: Sequence[str], n_groups: int = 1
) -> PropensitySource:
    """Return what is known of how many true tags are given.

    Parameters
    ----------
    settings : AuditSettings
    classes : sequence of str
    n_groups : int

    Raises
    ------
    UsageError
        If a value is of no class, or values by class meet groups.
    """
    if settings.prior is not None:
        return PropensitySource.prior(_values(settings.prior, classes, "--prior"))
    if settings.propensity is None:
        return PropensitySource.groups() if n_groups > 1 else PropensitySource.elkan_noto()
    if n_groups == 1:
        return PropensitySource.known(_values(settings.propensity, classes, "--propensity"))
    if isinstance(settings.propensity, Mapping):
        raise UsageError(
            "--propensity has values by class, and rows are in groups that differ.",
            "Give one value, that of the group that gives most, or leave --group out.",
        )
    return PropensitySource.groups(anchor=settings.propensity)


def _values(
    stated: float | Mapping[str, float], classes: Sequence[str], flag: str
) -> npt.NDArray[np.float64]:
    """(K,) float64, NaN where nothing is stated."""
    if not isinstance(stated, Mapping):
        return np.full(len(classes), float(stated))
    strange = next((name for name in stated if name not in classes), None)
    if strange is not None:
        raise UsageError(
            f"{flag} names '{safe(strange)}', which is no class.",
            f"Classes are {safe(', '.join(classes), 200)}.",
        )
    return np.array([float(stated.get(name, np.nan)) for name in classes])
