"""The last pass of a multi-label audit: what is flagged is counted, and listed in row order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.audits.filters import as_bits, severity_of
from labelaudit.audits.tags.cuts import Keyed, sortable
from labelaudit.audits.tags.flagging import flag_cells
from labelaudit.findings import FILTERS
from labelaudit.running import each
from labelaudit.tag_findings import TagCells, TagChunk, TagRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.audits.tags.cuts import Cuts
    from labelaudit.audits.tags.flagging import Flagging, TagFlags
    from labelaudit.audits.tags.pieces import Piece, Pieces
    from labelaudit.blocks import Partition, TagBlock
    from labelaudit.running import Executor

__all__ = ["FlagCounts", "Listing", "listed", "rows_to_rank"]

AT_ONCE = 4
"""Partitions whose lists may wait for whoever takes them."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What is flagged, and what of it is listed.

    Attributes
    ----------
    flagging : Flagging
    audited : (K,) bool
        Classes that may be flagged.
    method, ranking : str
        What flags, and what cells are ranked by.
    thresholds : (K, 2) float64 or None
        What is to be subtracted from the probabilities before they are shared out anew.
    row_cuts : Cuts or None
        Where rows are flagged by a score of their own: up to which.
    every_cell : bool
        List all picked cells, not only flagged ones.
    """

    flagging: Flagging
    audited: npt.NDArray[np.bool_]
    method: str
    ranking: str
    thresholds: npt.NDArray[np.float64] | None
    row_cuts: Cuts | None
    every_cell: bool


@dataclass(frozen=True, slots=True)
class FlagCounts:
    """How much is flagged.

    Attributes
    ----------
    by_rule : (F,) int64
        Cells, in the order of ``FILTERS``.
    by_given : (K, 2) int64
        Cells flagged by the method, by class and given.
    rows : int
        Rows flagged.
    """

    by_rule: npt.NDArray[np.int64]
    by_given: npt.NDArray[np.int64]
    rows: int

    @classmethod
    def empty(cls, n_classes: int) -> FlagCounts:
        """Return the counts of no rows."""
        return cls(np.zeros(len(FILTERS), np.int64), np.zeros((n_classes, 2), np.int64), 0)

    def __add__(self, other: FlagCounts) -> FlagCounts:
        return FlagCounts(
            self.by_rule + other.by_rule, self.by_given + other.by_given, self.rows + other.rows
        )


def listed(
    partitions: Sequence[Partition[TagBlock]],
    pieces: Pieces,
    listing: Listing,
    on: Executor | None = None,
) -> Iterator[tuple[FlagCounts, TagChunk]]:
    """Flag the cells of all pieces, and yield what is flagged in row order."""
    step = partial(_list_part, pieces=pieces, listing=listing)
    # Executors begin with all parts at once, and results that nobody has taken yet are held.
    for at in range(0, len(partitions), AT_ONCE):
        for found in each(step, partitions[at : at + AT_ONCE], on):
            yield from found


def _list_part(
    partition: Partition[TagBlock], pieces: Pieces, listing: Listing
) -> list[tuple[FlagCounts, TagChunk]]:
    return [_list_piece(piece, listing) for piece in pieces.of(partition)]


def _list_piece(piece: Piece, listing: Listing) -> tuple[FlagCounts, TagChunk]:
    flags = flag_cells(piece, listing.flagging)
    open_class = listing.audited[piece.tag]
    by_rule = {name: flags.by_rule[name] & open_class for name in FILTERS}
    is_issue = by_rule[listing.method]
    rows = _rows(piece, is_issue, listing)
    by_given = np.bincount(
        2 * piece.tag[is_issue].astype(np.int64) + piece.given[is_issue],
        minlength=2 * len(listing.audited),
    )
    counts = FlagCounts(
        np.array([np.count_nonzero(by_rule[name]) for name in FILTERS]),
        by_given.reshape(-1, 2),
        int(np.count_nonzero(rows.is_issue)),
    )
    chosen = np.flatnonzero(open_class if listing.every_cell else is_issue)
    order = _scores(piece, flags, chosen, listing)
    cells = _cells(piece, flags, by_rule, is_issue, chosen, _quality(order, listing))
    left_out = piece.start + piece.left_out.astype(np.int64)
    return counts, TagChunk(cells, order, rows, left_out)


def rows_to_rank(partition: Partition[TagBlock], pieces: Pieces) -> Iterator[Keyed]:
    """Yield the rows of a partition by their extra score, as one group."""
    for piece in pieces.of(partition):
        yield _keyed_rows(piece)[0]


def _keyed_rows(piece: Piece) -> tuple[Keyed, npt.NDArray[np.intp]]:
    """Return the rows that have an extra score, and which they are."""
    known = np.flatnonzero(~np.isnan(piece.extra_quality))
    keys = sortable(piece.extra_quality[known])
    places = (piece.start + known).astype(np.uint64)
    return Keyed(np.zeros(len(known), np.int64), keys, places), known


def _rows(piece: Piece, flagged: npt.NDArray[np.bool_], listing: Listing) -> TagRows:
    issues = np.bincount(piece.row[flagged], minlength=len(piece))
    is_issue = issues > 0
    if listing.row_cuts is not None:
        keyed, known = _keyed_rows(piece)
        is_issue = np.zeros(len(piece), np.bool_)
        is_issue[known] = listing.row_cuts.below(keyed)
    row = np.arange(piece.start, piece.start + len(piece))
    return TagRows(row, piece.quality, issues.astype(np.int32), is_issue)


def _cells(
    piece: Piece,
    flags: TagFlags,
    by_rule: dict[str, npt.NDArray[np.bool_]],
    is_issue: npt.NDArray[np.bool_],
    at: npt.NDArray[Any],
    quality: npt.NDArray[np.float64],
) -> TagCells:
    given, prob = piece.given[at], piece.prob[at]
    own = np.where(given == 1, prob, 1 - prob).astype(np.float32)
    other = np.where(given == 1, 1 - prob, prob).astype(np.float32)
    return TagCells(
        row=piece.start + piece.row[at].astype(np.int64),
        tag=piece.tag[at],
        given=given,
        label_quality=quality,
        is_issue=is_issue[at],
        given_prob=own,
        suggested_prob=other,
        margin=own - other,
        entropy=_entropy(prob.astype(np.float64)).astype(np.float32),
        suggests=flags.suggests[at],
        flagged_by=as_bits({name: mask[at] for name, mask in by_rule.items()}),
        severity=severity_of(is_issue[at], flags.at_face_value[at], flags.contradicted[at]),
    )


def _scores(
    piece: Piece, flags: TagFlags, chosen: npt.NDArray[Any], listing: Listing
) -> npt.NDArray[np.float64]:
    """Return what cells are sorted by: for rcp the logit, which keeps more digits."""
    if listing.ranking == "rcp":
        log_odds: npt.NDArray[np.float64] = flags.log_odds[chosen]
        return log_odds
    prob, given = piece.prob[chosen].astype(np.float64), piece.given[chosen]
    added = np.zeros((len(chosen), 2))
    if listing.thresholds is not None:
        thresholds = listing.thresholds[piece.tag[chosen]]
        added = thresholds.max(axis=1, keepdims=True) - thresholds
    absent, present = 1.0 - prob + added[:, 0], prob + added[:, 1]
    own: npt.NDArray[np.float64] = np.where(given == 1, present, absent) / (absent + present)
    if listing.ranking != "confidence_weighted_entropy":
        return own
    weight = _entropy(own) / np.maximum(own, 1e-6)
    large = np.maximum(weight, 1e-8)
    return np.asarray(np.where(weight < 1e-8, 1.0 - weight / 2.0, np.log1p(large) / large))


def _quality(score: npt.NDArray[np.float64], listing: Listing) -> npt.NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-score))) if listing.ranking == "rcp" else score


def _entropy(prob: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Entropy of a probability and its rest, as a share of ln 2."""
    p = np.clip(prob, 1e-300, 1.0)
    q = np.clip(1.0 - prob, 1e-300, 1.0)
    entropy: npt.NDArray[np.float64] = -(p * np.log(p) + q * np.log(q)) / np.log(2.0)
    return entropy
