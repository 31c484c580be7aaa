"""The first reading of a multi-label table: every row checked, every cell counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from labelaudit.audits.tags.class_order import TopTags
from labelaudit.audits.tags.hygiene import BadRows, tag_problems
from labelaudit.running import total
from labelaudit.summaries.tags import TagTally

if TYPE_CHECKING:
    from labelaudit.audits.rows import Rows
    from labelaudit.blocks import Partition, TagBlock
    from labelaudit.findings import Problem

__all__ = ["FirstLook", "first_look"]


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What the first reading brought.

    Attributes
    ----------
    tally : TagTally
    tops : TopTags
    bad : BadRows
    """

    tally: TagTally
    tops: TopTags
    bad: BadRows

    def __add__(self, other: FirstLook) -> FirstLook:
        return FirstLook(self.tally + other.tally, self.tops + other.tops, self.bad + other.bad)

    def problems(self) -> tuple[Problem, ...]:
        """List what is wrong with rows, one ``Problem`` for each kind."""
        return tag_problems(self.bad, self.tally.rows + self.bad.number)


def first_look(rows: Rows) -> FirstLook:
    """Read all rows once; those that cannot be used are numbered as in the whole input."""
    look = partial(_look_at, n_classes=len(rows.classes))
    found = total(look, rows.partitions, rows.told("reading"))
    return replace(found, bad=found.bad.numbered(rows.numbered))


def _look_at(partition: Partition[TagBlock], n_classes: int) -> FirstLook:
    tally, tops, bad = TagTally.empty(n_classes), TopTags.empty(n_classes), BadRows.none()
    for block in partition.blocks():
        tally, tops, bad = tally.with_block(block), tops.with_block(block), bad.with_block(block)
    return FirstLook(tally, tops, bad)
