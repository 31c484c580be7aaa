"""The first reading: every row checked, and the few numbers of it that later steps need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.audits.facts import FURTHER, RowFacts, Sample, find_leading, sum_tolerance
from labelaudit.audits.ground import PIECE_ROWS, SPILLED_ROWS
from labelaudit.blocks import LEFT_OUT
from labelaudit.kernels.channel import hash_offset
from labelaudit.kernels.rows import complaints, entropies, sampled_rows, unsound_rows
from labelaudit.shelves import MemoryShelf
from labelaudit.slabs import Slab
from labelaudit.summaries.margins import Further
from labelaudit.summaries.pair_counts import PairCounts
from labelaudit.summaries.self_confidence import SelfConfidence

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.facts import ReadingPlan
    from labelaudit.audits.ground import Stretch
    from labelaudit.blocks import LabelBlock

__all__ = ["FirstSums", "ReadFacts", "RowComplaints"]

_EVERY_HASH = np.uint64(2**64 - 1)
FIRST_ROWS = 5
MANY_ROWS = 1 << 22
"""From here on page faults take longer than filling large pages that are not used to the end."""


@dataclass(frozen=True, slots=True)
class FirstSums:
    """What the first reading brings of some rows.

    Attributes
    ----------
    rows : int
    confidence : SelfConfidence
    agreement : PairCounts
        By given label and most probable class.
    complaints : RowComplaints
    left_out : (m,) int64
        Rows that cannot be used, ascending.
    samples : tuple of Sample
        Rows kept whole, for fitting.
    """

    rows: int
    confidence: SelfConfidence
    agreement: PairCounts
    complaints: RowComplaints
    left_out: npt.NDArray[np.int64]
    samples: tuple[Sample, ...]

    @classmethod
    def none(cls, n_classes: int) -> FirstSums:
        """Return the sums of no rows."""
        return cls(
            0,
            SelfConfidence.none(n_classes),
            PairCounts.none(n_classes),
            RowComplaints({}),
            np.empty(0, np.int64),
            (),
        )

    def __add__(self, more: FirstSums) -> FirstSums:
        return FirstSums(
            self.rows + more.rows,
            self.confidence + more.confidence,
            self.agreement + more.agreement,
            self.complaints + more.complaints,
            np.concatenate([self.left_out, more.left_out]),
            (*self.samples, *more.samples),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel with all samples in one."""
        values = {name: getattr(self, name) for name in FirstSums.__slots__}
        values["samples"] = (self.sample,) if self.samples else ()
        return FirstSums, tuple(values.values())

    @property
    def sample(self) -> Sample:
        """All rows that were kept whole."""
        return Sample.joined(self.samples)


@dataclass(frozen=True, slots=True)
class RowComplaints:
    """How many rows are bad in each way, and the first of them.

    Attributes
    ----------
    found : dict of (str, int) to (int, tuple of int)
        By ``label`` and its code, or ``status`` and its index into ``kernels.rows.STATUSES``.
    """

    found: dict[tuple[str, int], tuple[int, tuple[int, ...]]]

    @classmethod
    def of(
        cls, first_row: int, labels: npt.NDArray[np.int32], status: npt.NDArray[np.uint8]
    ) -> RowComplaints:
        """Look at consecutive rows."""
        found = {}
        bad = np.flatnonzero((labels < 0) | (status > 0))
        for kind, codes in (("label", labels[bad]), ("status", status[bad])):
            for code in np.unique(codes).tolist():
                rows = first_row + bad[codes == code]
                found[kind, code] = len(rows), tuple(rows[:FIRST_ROWS].tolist())
        return cls(found)

    def __add__(self, more: RowComplaints) -> RowComplaints:
        found = dict(self.found)
        for key, (count, rows) in more.found.items():
            before, first = found.get(key, (0, ()))
            found[key] = before + count, (*first, *rows)[:FIRST_ROWS]
        return RowComplaints(found)


@dataclass(frozen=True, slots=True)
class ReadFacts:
    """The step that reads all rows for the first time.

    Attributes
    ----------
    plan : ReadingPlan
    """

    plan: ReadingPlan

    def __call__(self, stretch: Stretch) -> FirstSums:
        """Check rows, and keep a few numbers of each."""
        sums = FirstSums.none(self.plan.n_classes)
        desk: _Desk | None = None
        # Pieces that may be let go of one by one do not share memory.
        stay = isinstance(stretch.shelf, MemoryShelf)
        most = PIECE_ROWS if stay else SPILLED_ROWS
        stop = self.plan.n_rows if stretch.stop is None else stretch.stop
        room = Slab() if stay and self.plan.n_rows >= MANY_ROWS else Slab(0)
        for block in stretch.blocks():
            if desk is not None and not desk.has_room(len(block)):
                sums, desk = sums + desk.cleared(stretch), None
            rows = max(min(most, stop - block.first_row), len(block))
            desk = desk or _Desk.beginning(block, rows, self.plan, room)
            desk.take(block)
        return sums if desk is None else sums + desk.cleared(stretch)


@dataclass(slots=True)
class _Desk:
    """Room for the facts of a piece while it is read.

    Facts are written to their place: copying them there would take as long again as finding them.
    """

    plan: ReadingPlan
    first_row: int
    facts: RowFacts
    status: npt.NDArray[np.uint8]
    samples: list[Sample] = field(default_factory=list)
    further: list[Further] = field(default_factory=list)
    used: int = 0

    @classmethod
    def beginning(cls, block: LabelBlock, rows: int, plan: ReadingPlan, room: Slab) -> _Desk:
        dtype = block.probs.dtype if len(block.members) > 1 else block.members[0].dtype
        facts = RowFacts.empty(rows, plan, dtype, room)
        return cls(plan, block.first_row, facts, np.zeros(rows, np.uint8))

    def has_room(self, rows: int) -> bool:
        return self.used + rows <= len(self.facts)

    def take(self, block: LabelBlock) -> None:
        place = slice(self.used, self.used + len(block))
        self.used = place.stop
        facts, probs = self.facts.part(place), block.probs
        self.samples.append(_read_block(block, probs, self.plan, facts, self.status[place]))
        if self.plan.further:
            self.further.append(Further.of(facts, probs, place.start))

    def cleared(self, stretch: Stretch) -> FirstSums:
        facts, k = self.facts.part(slice(0, self.used)), self.plan.n_classes
        if 2 * self.used < len(self.facts):  # what was not used is not to be kept
            facts = RowFacts(*(getattr(facts, name).copy() for name in RowFacts.__slots__))
        piece = stretch.lay(self.first_row, self.used)
        facts.keep(piece)
        if self.plan.further:
            piece.put(FURTHER, Further.joined(self.further))
        return FirstSums(
            self.used,
            SelfConfidence.of(facts.labels, facts.given_prob, k),
            PairCounts.of(facts.labels, facts.classes[:, 0], k),
            RowComplaints.of(self.first_row, facts.labels, self.status[: self.used]),
            self.first_row + np.flatnonzero(facts.labels < 0),
            tuple(self.samples),
        )


def _read_block(
    block: LabelBlock,
    probs: npt.NDArray[np.floating],
    plan: ReadingPlan,
    facts: RowFacts,
    status: npt.NDArray[np.uint8],
) -> Sample:
    _check(block, plan, facts, status)
    find_leading(facts.labels, probs, facts.classes, facts.leading, facts.given_prob)
    wanted = facts.labels >= 0
    if not plan.every_entropy:
        wanted &= facts.classes[:, 0] != facts.labels
    entropies(probs, wanted, facts.entropy)
    return _sampled(block, facts.labels, plan)


def _check(
    block: LabelBlock, plan: ReadingPlan, facts: RowFacts, status: npt.NDArray[np.uint8]
) -> None:
    """Write labels and statuses; rows whose probabilities are no distribution are left out."""
    facts.labels[:] = block.labels
    tolerance = sum_tolerance(plan.n_classes, block.members[0].dtype)
    unsound = np.empty(len(block), np.bool_)
    for member in block.members:
        unsound_rows(block.labels, member, tolerance, unsound)
        rows = np.flatnonzero(unsound & (status == 0))
        if len(rows):
            status[rows] = complaints(member[rows], tolerance)
            facts.labels[rows] = LEFT_OUT


def _sampled(block: LabelBlock, labels: npt.NDArray[np.int32], plan: ReadingPlan) -> Sample:
    at = _chosen(block.first_row, labels, plan)
    members = (
        block.members if len(at) == len(block) else tuple(member[at] for member in block.members)
    )
    return Sample(block.first_row + at, labels[at], members)


def _chosen(
    first_row: int, labels: npt.NDArray[np.int32], plan: ReadingPlan
) -> npt.NDArray[np.int64]:
    if plan.sample_bound >= _EVERY_HASH:
        return np.flatnonzero(labels >= 0)
    key = np.uint64((first_row + hash_offset(plan.seed)) % 2**64)
    rows = np.empty(len(labels), np.int64)
    return rows[: sampled_rows(labels, key, plan.sample_bound, rows)].copy()
