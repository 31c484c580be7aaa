"""The first reading of a multi-label table: every row checked, every cell counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.tags.class_order import TopTags
from labelaudit.audits.tags.hygiene import tag_problems
from labelaudit.running import total
from labelaudit.summaries.tags import TagTally

if TYPE_CHECKING:
    import numpy.typing as npt

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
    left_out : (m,) int64
        Rows that cannot be used, ascending.
    status : (m,) uint8
        Why not, an index into ``TAG_STATUSES``.
    numbers : (m,) int64 or None
        The rows that cannot be used as rows of the whole input, if they are counted differently.
    """

    tally: TagTally
    tops: TopTags
    left_out: npt.NDArray[np.int64]
    status: npt.NDArray[np.uint8]
    numbers: npt.NDArray[np.int64] | None = None

    def __add__(self, other: FirstLook) -> FirstLook:
        return FirstLook(
            self.tally + other.tally,
            self.tops + other.tops,
            np.concatenate([self.left_out, other.left_out]),
            np.concatenate([self.status, other.status]),
        )

    def problems(self) -> tuple[Problem, ...]:
        """List what is wrong with rows, one ``Problem`` for each kind."""
        numbers = self.left_out if self.numbers is None else self.numbers
        return tag_problems(numbers, self.status, self.tally.rows + len(self.left_out))


def first_look(rows: Rows) -> FirstLook:
    """Read all rows once."""
    look = partial(_look_at, n_classes=len(rows.classes))
    found = total(look, rows.partitions, rows.told("reading"))
    return replace(found, numbers=rows.numbered(found.left_out))


def _look_at(partition: Partition[TagBlock], n_classes: int) -> FirstLook:
    tally, tops = TagTally.empty(n_classes), TopTags.empty(n_classes)
    left_out, status = [np.empty(0, np.int64)], [np.empty(0, np.uint8)]
    for block in partition.blocks():
        tally, tops = tally.with_block(block), tops.with_block(block)
        if block.status is not None:
            bad = np.flatnonzero(block.status)
            left_out.append(block.start + bad)
            status.append(block.status[bad])
    return FirstLook(tally, tops, np.concatenate(left_out), np.concatenate(status))
