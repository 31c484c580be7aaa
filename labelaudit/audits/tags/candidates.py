"""Where to look for missing positives first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.tags.missing import missing_probability
from labelaudit.running import total
from labelaudit.tag_statistics import Candidates, most_probable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelaudit.blocks import Partition, TagBlock
    from labelaudit.running import Executor
    from labelaudit.tag_statistics import MissingPositives

__all__ = ["rank_candidates"]


def rank_candidates(
    partitions: Sequence[Partition[TagBlock]],
    model: MissingPositives,
    most: int,
    on: Executor | None = None,
) -> Candidates:
    """Read all rows once more, and keep the tags that are most probably missing.

    Parameters
    ----------
    partitions : sequence of Partition of TagBlock
        In row order; blocks know the groups of their rows.
    model : MissingPositives
    most : int
        How many to keep, at most.
    on : Executor, optional
    """
    return total(partial(_ranked_part, model=model, most=most), partitions, on)


def _ranked_part(partition: Partition[TagBlock], model: MissingPositives, most: int) -> Candidates:
    return total(partial(_ranked, model=model, most=most), partition.blocks())


def _ranked(block: TagBlock, model: MissingPositives, most: int) -> Candidates:
    probability = missing_probability(model, block.probs, block.group, block.given)
    row, tag = np.nonzero(probability > 0.0)
    order = most_probable(probability[row, tag], most)
    row, tag = row[order], tag[order]
    none = np.zeros(len(block), np.int32)
    return Candidates(
        block.start + row,
        tag.astype(np.int32),
        (none if block.group is None else block.group)[row],
        block.probs[row, tag].astype(np.float64),
        probability[row, tag],
        most,
    )
