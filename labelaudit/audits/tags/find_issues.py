"""Which tags are wrong and which are missing: the audit of a multi-label table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits import hygiene
from labelaudit.audits.compat import thresholds_of_all
from labelaudit.audits.confident import reach_of
from labelaudit.audits.tags.class_order import demand_tag_order
from labelaudit.audits.tags.cuts import cuts_of
from labelaudit.audits.tags.flagging import (
    Flagging,
    calibrated_joint,
    cells_to_rank,
    wanted_cells,
)
from labelaudit.audits.tags.hygiene import demand_tags, some_names, tag_warnings, why_not_estimable
from labelaudit.audits.tags.judging import JudgingPlan, judge
from labelaudit.audits.tags.kept import Kept
from labelaudit.audits.tags.listing import FlagCounts, Listing, listed, rows_to_rank
from labelaudit.audits.tags.model import fit_model
from labelaudit.audits.tags.reading import first_look
from labelaudit.audits.tags.row_lines import fit_row_lines
from labelaudit.findings import FILTERS
from labelaudit.shelves import MemoryShelf
from labelaudit.summaries.self_confidence import THRESHOLD_FLOOR
from labelaudit.summaries.tags import BINS, bin_logits
from labelaudit.tag_findings import TagAudit, TagClasses

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.rows import Rows
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.audits.tags.judging import Judged
    from labelaudit.audits.tags.model import TagModel
    from labelaudit.audits.tags.pieces import Pieces
    from labelaudit.audits.tags.row_lines import RowLines
    from labelaudit.findings import Problem
    from labelaudit.shelves import Shelf
    from labelaudit.summaries.tags import TagTally
    from labelaudit.tag_findings import TagSink

__all__ = ["TagsAudited", "audit_tags"]

SOFT = 0.1
NEWEST = 0.8
ALL_PAIRS = 5_000_000
"""Up to so many pairs of row and class are all listed if every row is wanted."""


@dataclass(frozen=True, slots=True)
class TagsAudited:
    """A multi-label audit, with what was wrong with the rows that were left out, and what is odd.

    Attributes
    ----------
    audit : TagAudit
    flagged, left_out : int64
        Row numbers, ascending.
    problems : tuple of Problem
    warnings : tuple of str
    """

    audit: TagAudit
    flagged: npt.NDArray[np.int64]
    left_out: npt.NDArray[np.int64]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


def audit_tags(
    rows: Rows,
    settings: AuditSettings,
    sink: TagSink | None = None,
    shelf: Shelf | None = None,
) -> TagsAudited:
    """Audit the labels of a multi-label table.

    Each class is a problem of two classes, present and absent, of its own (Thyagarajan and others,
    "Identifying Incorrect Annotations in Multi-Label Classification Data"): what is said of it does
    not depend on the others.

    Parameters
    ----------
    rows : Rows
    settings : AuditSettings
    sink : TagSink, optional
        Takes what is to be ranked. Then what is returned has no issues, no rows, and none that are
        flagged or left out, but for their numbers.
    shelf : Shelf, optional
        Where what is known of rows is kept between passes; in memory where it is not given.

    Raises
    ------
    InvalidDataError
        If rows cannot be used and ``settings.skip_invalid`` is off, or no row has any label.
    ClassOrderError
        If the columns of probabilities seem to be in another order.
    NothingToAuditError
        If no row can be used.
    """
    look = first_look(rows)
    problems = look.problems()
    if not settings.skip_invalid:
        hygiene.demand_no_problems(problems)
    demand_tags(look.tally)
    demand_tag_order(look.tops, rows.classes)
    audit = _Audit(rows, settings, look.tally, shelf or MemoryShelf())
    kept = Kept(settings.top)
    found = audit.result(kept, sink)
    warnings = (*tag_warnings(look.tally, audit.why_not, rows.classes), *audit.doubts())
    flagged = found.row_results.row[found.row_results.is_issue]
    return TagsAudited(found, flagged, kept.left_out(), problems, warnings)


class _Audit:
    """One audit, from what was counted in the first reading to the result."""

    def __init__(self, rows: Rows, settings: AuditSettings, tally: TagTally, shelf: Shelf) -> None:
        self.rows = rows
        self.settings = settings
        self.tally = tally
        self.shelf = shelf
        self.why_not = why_not_estimable(tally)
        self.judged = np.array([not why for why in self.why_not])
        self.model: TagModel = fit_model(tally, self.judged, rows.on)

    @property
    def audited(self) -> npt.NDArray[np.bool_]:
        """(K,) bool: classes that may be flagged; the peer flags in all of them."""
        return np.ones_like(self.judged) if self.settings.compat else self.judged

    def doubts(self) -> tuple[str, ...]:
        dull = self.judged & ~self.model.informative
        if not dull.any() or self.settings.method != "rcp":
            return ()
        names = some_names([self.rows.classes[k] for k in np.flatnonzero(dull).tolist()])
        sentence = (
            f"The probabilities of {names} do not tell rows that have it from rows that do not "
            "(or there are too few of either): nothing is flagged there."
        )
        return (sentence,)

    def thresholds(self) -> npt.NDArray[np.float64]:
        means = np.maximum(self.tally.means(), THRESHOLD_FLOOR)
        if self.settings.compat:
            return thresholds_of_all(means)
        means[~self.judged] = np.nan
        return means

    def plan(self, thresholds: npt.NDArray[np.float64]) -> JudgingPlan:
        row_lines = None
        if self.settings.ranking == "rcp":
            counts = np.ascontiguousarray(self.tally.counts[self.audited, :, :-1])
            row_lines = fit_row_lines(counts, bin_logits())
        return JudgingPlan(
            reach_of(thresholds),
            self._everything() if self.lists_all else self.model.cuts(self.tally),
            self._lines(thresholds, row_lines),
            self._shape(SOFT if row_lines is None else row_lines.temperature),
            np.array([1.0, 1.0, NEWEST]) if self._by_row else None,
        )

    @property
    def lists_all(self) -> bool:
        """Whether every pair of row and class is to be listed."""
        return self.settings.every_row and int(self.tally.known.sum()) <= ALL_PAIRS

    def _everything(self) -> npt.NDArray[np.int64]:
        return np.tile(np.array([0, BINS]), (len(self.judged), 1))

    def _notes(self) -> tuple[str, ...]:
        if self.lists_all or not self.settings.every_row:
            return ()
        pairs = int(self.tally.known.sum())
        sentence = (
            f"Of {pairs:,} pairs of row and class those are listed that are flagged or that the "
            f"model contradicts: more than {ALL_PAIRS:,} are not listed whole."
        )
        return (sentence,)

    @property
    def _by_row(self) -> bool:
        """Whether rows are flagged by their own scores, as the peer does for two filters."""
        return self.settings.compat and self.settings.method.startswith("low_")

    def _lines(
        self, thresholds: npt.NDArray[np.float64], row_lines: RowLines | None
    ) -> npt.NDArray[np.float64]:
        """Return what rows' scores are made of, which unlike cells' rests on all classes."""
        lines = np.zeros((len(self.judged), 6))
        if row_lines is not None:
            lines[self.audited, :4] = row_lines.lines.reshape(-1, 4)
        if self.settings.adjust:
            lines[:, 4:] = thresholds.max(axis=1, keepdims=True) - thresholds
        lines[~self.audited] = np.nan
        return lines

    def _shape(self, temperature: float) -> npt.NDArray[np.float64]:
        kinds = {"rcp": 0.0, "confidence_weighted_entropy": 2.0}
        kind = kinds.get(self.settings.ranking, 1.0)
        if self.settings.row_ranking == "ema":
            return np.array([kind, 1.0, NEWEST])
        return np.array([kind, 0.0, temperature])

    def result(self, kept: Kept, sink: TagSink | None) -> TagAudit:
        """Flag the cells, and list what is flagged."""
        thresholds = self.thresholds()
        counted, pieces = judge(self.rows, self.plan(thresholds), self.shelf)
        joints = calibrated_joint(counted.joint, self.tally.known, self.settings.compat)
        listing = self._listing(pieces, counted, joints[1])
        flagged = FlagCounts.empty(len(self.judged))
        for counts, chunk in listed(self.rows.partitions, pieces, listing, self.rows.on):
            flagged = flagged + counts
            (sink or kept).take(chunk)
        return TagAudit(
            method=self.settings.method,
            score=self.settings.ranking,
            row_score=self.settings.row_ranking,
            rows=self.rows.n_rows,
            valid_rows=self.tally.rows,
            cells=int(self.tally.known[self.audited].sum()),
            error_rate=self.model.error_rate(self.tally, self.judged),
            n_issues=int(flagged.by_given.sum()),
            n_issue_rows=flagged.rows,
            health=1.0 - flagged.rows / max(self.tally.rows, 1),
            flagged=dict(zip(FILTERS, flagged.by_rule.tolist(), strict=True)),
            mean_quality=counted.mean_quality(),
            classes=self._classes(counted, thresholds, joints, flagged),
            row_results=kept.rows(),
            issues=kept.cells(),
            notes=self._notes(),
            readings=2,
            informative=bool((self.judged & self.model.informative).any()),
        )

    def _listing(
        self,
        pieces: Pieces,
        counted: Judged,
        calibrated: npt.NDArray[np.int64],
    ) -> Listing:
        """Find how far down cells, and rows, are flagged."""
        lines, known = self.model.lines, self.tally.known
        wanted = wanted_cells(calibrated, known, counted.off, self.model.errors, self.settings)
        partitions = self.rows.partitions
        cells = partial(cells_to_rank, pieces=pieces, lines=lines)
        cuts = cuts_of(partitions, cells, wanted, 4 * counted.picked, self.rows.on)
        row_cuts = None
        if self._by_row:
            ranked = partial(rows_to_rank, pieces=pieces)
            some = np.array([counted.off_rows])
            row_cuts = cuts_of(partitions, ranked, some, self.tally.rows, self.rows.on)
        return Listing(
            Flagging(lines, self.model.face, cuts),
            self.audited,
            self.settings.method,
            self.settings.ranking,
            self.thresholds() if self.settings.adjust else None,
            row_cuts,
            every_cell=self.settings.every_row,
        )

    def _classes(
        self,
        counted: Judged,
        thresholds: npt.NDArray[np.float64],
        joints: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
        flagged: FlagCounts,
    ) -> TagClasses:
        rates = self.model.rates(self.tally, self.judged)
        cells = self.tally.counts.sum(axis=2)
        return TagClasses(
            annotated=cells.sum(axis=1),
            positives=cells[:, 1],
            unknown=self.tally.unknown.sum(axis=1),
            thresholds=thresholds,
            joint=joints[0],
            calibrated=joints[1],
            extra=flagged.by_given[:, 1],
            missing=flagged.by_given[:, 0],
            extra_rate=rates[:, 1],
            missing_rate=rates[:, 0],
            quality=self._class_quality(counted),
            why_not=self.why_not,
        )

    def _class_quality(self, counted: Judged) -> npt.NDArray[np.float64]:
        """Return the mean quality of each class's cells: for rcp by the bins of probabilities."""
        if self.settings.ranking != "rcp":
            return counted.class_quality()
        cells = self.tally.known.sum(axis=1)
        wrong = self.model.doubts[:, :, 0].sum(axis=1)
        mean = np.full(len(cells), np.nan)
        np.divide(cells - wrong, cells, out=mean, where=self.judged & (cells > 0))
        return mean
