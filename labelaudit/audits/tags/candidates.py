"""Where to look for missing positives first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.tags.missing import missing_probability
from labelaudit.audits.tags.propensity import expit, missing_share, scaled_logits
from labelaudit.running import each, total
from labelaudit.summaries.tag_logits import BINS, HIGHEST
from labelaudit.tag_statistics import Candidates, most_probable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.blocks import Partition, TagBlock
    from labelaudit.running import Executor
    from labelaudit.summaries.tag_logits import LogitCounts
    from labelaudit.tag_statistics import MissingPositives

__all__ = ["candidates_of", "least_probable"]

_MARGIN = 1e-6


def candidates_of(
    partitions: Sequence[Partition[TagBlock]],
    model: MissingPositives,
    most: int,
    least: float,
    on: Executor | None = None,
) -> Iterator[Candidates]:
    """Read all rows once more, and yield what each partition has of the most probable tags.

    Parameters
    ----------
    partitions : sequence of Partition of TagBlock
        In row order; blocks know the groups of their rows.
    model : MissingPositives
    most : int
        How many are wanted of all rows, at most.
    least : float
        Less probable ones are not wanted.
    on : Executor, optional
    """
    step = partial(_ranked_part, model=model, most=most, least=least)
    return each(step, partitions, on)


def least_probable(counts: LogitCounts, model: MissingPositives, most: int) -> float:
    """Return a probability that at least ``most`` cells reach, or 0 where there are fewer.

    It is known before the rows are read again: cells of a class, group and bin of the logit are at
    least as probable as one end of the bin, for the probability rises with the logit, or falls.

    Parameters
    ----------
    counts : LogitCounts
        Of all rows.
    model : MissingPositives
        What was estimated of them.
    most : int
    """
    ends, cells = [np.empty(0)], [np.empty(0, np.int64)]
    for k in np.flatnonzero(model.estimable).tolist():
        found = counts.of_class(k)
        known = (found.place < BINS) & (found.rest > 0)
        ends.append(_least_of_bins(model, k, found.group[known], found.place[known]))
        cells.append(found.rest[known])
    every = np.nan_to_num(np.concatenate(ends))
    order = np.argsort(-every, kind="stable")
    enough = np.flatnonzero(np.cumsum(np.concatenate(cells)[order]) >= most)
    return float(every[order[enough[0]]]) * (1.0 - _MARGIN) if len(enough) else 0.0


def _least_of_bins(
    model: MissingPositives, k: int, group: npt.NDArray[np.int64], place: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    width = 2.0 * HIGHEST / BINS
    low = width * place - HIGHEST
    ends = np.stack([low - _MARGIN, low + width + _MARGIN])
    scaled = scaled_logits(ends, float(model.ceiling[k]))
    positive = expit(model.intercept[k] + model.slope[k] * scaled)
    shares = missing_share(positive, model.propensity[k, group])
    least: npt.NDArray[np.float64] = shares.min(axis=0)
    return least


def _ranked_part(
    partition: Partition[TagBlock], model: MissingPositives, most: int, least: float
) -> Candidates:
    return total(partial(_ranked, model=model, most=most, least=least), partition.blocks())


def _ranked(block: TagBlock, model: MissingPositives, most: int, least: float) -> Candidates:
    probability = missing_probability(model, block.probs, block.group, block.given)
    row, tag = np.nonzero((probability > 0.0) & (probability >= least))
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
