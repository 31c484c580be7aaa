"""Which tags are wrong and which are missing: the audit of a multi-label table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits import hygiene
from labelaudit.audits.compat import thresholds_of_all
from labelaudit.audits.confident import reach_of
from labelaudit.audits.filters import as_bits, lowest
from labelaudit.audits.tags.class_order import demand_tag_order
from labelaudit.audits.tags.flagging import calibrated_joint, flag_cells
from labelaudit.audits.tags.hygiene import demand_tags, some_names, tag_warnings, why_not_estimable
from labelaudit.audits.tags.judging import JudgingPlan, judge
from labelaudit.audits.tags.model import fit_model
from labelaudit.audits.tags.reading import first_look
from labelaudit.audits.tags.row_lines import fit_row_lines
from labelaudit.findings import FILTERS
from labelaudit.summaries.exact import ExactSum
from labelaudit.summaries.self_confidence import THRESHOLD_FLOOR
from labelaudit.summaries.tags import BINS, bin_logits
from labelaudit.tag_findings import TagAudit, TagCells, TagClasses, TagRows

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.rows import Rows
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.audits.tags.flagging import TagFlags
    from labelaudit.audits.tags.judging import Judged, Picked
    from labelaudit.audits.tags.model import TagModel
    from labelaudit.audits.tags.reading import FirstLook
    from labelaudit.audits.tags.row_lines import RowLines
    from labelaudit.findings import Problem
    from labelaudit.summaries.tags import TagTally

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


def audit_tags(rows: Rows, settings: AuditSettings) -> TagsAudited:
    """Audit the labels of a multi-label table.

    Each class is a problem of two classes, present and absent, of its own (Thyagarajan and others,
    "Identifying Incorrect Annotations in Multi-Label Classification Data"): what is said of it does
    not depend on the others.

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
    audit = _Audit(rows, settings, look)
    found = audit.result()
    warnings = (*tag_warnings(look.tally, audit.why_not, rows.classes), *audit.doubts())
    flagged = np.flatnonzero(found.row_results.is_issue)
    return TagsAudited(found, flagged, look.left_out, problems, warnings)


class _Audit:
    """One audit, from the first reading to the result."""

    def __init__(self, rows: Rows, settings: AuditSettings, look: FirstLook) -> None:
        self.rows = rows
        self.settings = settings
        self.left_out = look.left_out
        self.tally: TagTally = look.tally
        self.why_not = why_not_estimable(look.tally)
        self.judged = np.array([not why for why in self.why_not])
        self.model: TagModel = fit_model(look.tally, self.judged, rows.on)

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

    def result(self) -> TagAudit:
        thresholds = self.thresholds()
        reading = judge(self.rows, self.plan(thresholds))
        judged = reading.picked()
        counted, calibrated = calibrated_joint(
            reading.joint, self.tally.known, self.settings.compat
        )
        flags = flag_cells(judged, calibrated, self.tally.known, self.model, self.settings)
        open_class = self.audited[judged.tag]
        by_rule = {name: flags.by_rule[name] & open_class for name in FILTERS}
        flagged = by_rule[self.settings.method]
        row_results = self._rows(judged, by_rule)
        cells = self._cells(judged, flags, by_rule)
        finite = row_results.quality[~np.isnan(row_results.quality)]
        return TagAudit(
            method=self.settings.method,
            score=self.settings.ranking,
            row_score=self.settings.row_ranking,
            rows=self.rows.n_rows,
            valid_rows=self.tally.rows,
            cells=int(self.tally.known[self.audited].sum()),
            error_rate=self.model.error_rate(self.tally, self.judged),
            n_issues=int(np.count_nonzero(flagged)),
            n_issue_rows=int(np.count_nonzero(row_results.is_issue)),
            health=1.0 - int(np.count_nonzero(row_results.is_issue)) / max(self.tally.rows, 1),
            flagged={name: int(np.count_nonzero(mask)) for name, mask in by_rule.items()},
            mean_quality=_mean(finite),
            classes=self._classes(reading, judged, thresholds, (counted, calibrated), flagged),
            row_results=row_results,
            issues=cells,
            notes=self._notes(),
            readings=2,
            informative=bool((self.judged & self.model.informative).any()),
        )

    def _rows(self, judged: Picked, by_rule: dict[str, npt.NDArray[np.bool_]]) -> TagRows:
        n = self.rows.n_rows
        issues = np.bincount(judged.row[by_rule[self.settings.method]], minlength=n)
        is_issue = issues > 0
        if self._by_row:
            off = np.unique(judged.row[by_rule["confident_learning"]])
            extra = judged.extra_quality
            is_issue = lowest(extra, ~np.isnan(extra), len(off))
        return TagRows(judged.quality, issues.astype(np.int32), is_issue)

    def _classes(
        self,
        reading: Judged,
        judged: Picked,
        thresholds: npt.NDArray[np.float64],
        joints: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
        flagged: npt.NDArray[np.bool_],
    ) -> TagClasses:
        n_classes = len(self.judged)
        by_given = np.zeros((n_classes, 2), np.int64)
        np.add.at(by_given, (judged.tag[flagged], judged.given[flagged]), 1)
        rates = self.model.rates(self.tally, self.judged)
        cells = self.tally.counts.sum(axis=2)
        return TagClasses(
            annotated=cells.sum(axis=1),
            positives=cells[:, 1],
            unknown=self.tally.unknown.sum(axis=1),
            thresholds=thresholds,
            joint=joints[0],
            calibrated=joints[1],
            extra=by_given[:, 1],
            missing=by_given[:, 0],
            extra_rate=rates[:, 1],
            missing_rate=rates[:, 0],
            quality=self._class_quality(reading),
            why_not=self.why_not,
        )

    def _class_quality(self, reading: Judged) -> npt.NDArray[np.float64]:
        """Return the mean quality of each class's cells: for rcp by the bins of probabilities."""
        if self.settings.ranking != "rcp":
            return reading.class_quality()
        cells = self.tally.known.sum(axis=1)
        wrong = self.model.doubts[:, :, 0].sum(axis=1)
        mean = np.full(len(cells), np.nan)
        np.divide(cells - wrong, cells, out=mean, where=self.judged & (cells > 0))
        return mean

    def _cells(
        self, judged: Picked, flags: TagFlags, by_rule: dict[str, npt.NDArray[np.bool_]]
    ) -> TagCells:
        is_issue = by_rule[self.settings.method]
        some = self.audited[judged.tag] if self.settings.every_row else is_issue
        chosen = np.flatnonzero(some)
        score = self._scores(judged, flags, chosen)
        order = np.argsort(score, kind="stable")[: self.settings.top]
        at = chosen[order]
        given = judged.given[at]
        prob = judged.prob[at]
        own = np.where(given == 1, prob, 1 - prob).astype(np.float32)
        other = np.where(given == 1, 1 - prob, prob).astype(np.float32)
        return TagCells(
            row=judged.row[at],
            tag=judged.tag[at],
            given=given,
            label_quality=self._quality(score[order]),
            is_issue=is_issue[at],
            given_prob=own,
            suggested_prob=other,
            margin=own - other,
            entropy=_entropy(prob.astype(np.float64)).astype(np.float32),
            suggests=flags.suggests[at],
            flagged_by=as_bits({name: mask[at] for name, mask in by_rule.items()}),
            severity=_severity(is_issue[at], flags.at_face_value[at], flags.contradicted[at]),
        )

    def _scores(
        self, judged: Picked, flags: TagFlags, chosen: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.float64]:
        """Return what cells are sorted by: for rcp the logit, which keeps more digits."""
        if self.settings.ranking == "rcp":
            return flags.log_odds[chosen]
        prob, given = judged.prob[chosen].astype(np.float64), judged.given[chosen]
        added = np.zeros((len(chosen), 2))
        if self.settings.adjust:
            thresholds = self.thresholds()[judged.tag[chosen]]
            added = thresholds.max(axis=1, keepdims=True) - thresholds
        absent, present = 1.0 - prob + added[:, 0], prob + added[:, 1]
        own = np.where(given == 1, present, absent) / (absent + present)
        if self.settings.ranking != "confidence_weighted_entropy":
            return own
        weight = _entropy(own) / np.maximum(own, 1e-6)
        large = np.maximum(weight, 1e-8)
        return np.where(weight < 1e-8, 1.0 - weight / 2.0, np.log1p(large) / large)

    def _quality(self, score: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return 1.0 / (1.0 + np.exp(-score)) if self.settings.ranking == "rcp" else score


def _mean(values: npt.NDArray[np.float64]) -> float:
    return float(ExactSum.of(values[:, None]).value()[0]) / max(len(values), 1)


def _entropy(prob: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Entropy of a probability and its rest, as a share of ln 2."""
    p = np.clip(prob, 1e-300, 1.0)
    q = np.clip(1.0 - prob, 1e-300, 1.0)
    entropy: npt.NDArray[np.float64] = -(p * np.log(p) + q * np.log(q)) / np.log(2.0)
    return entropy


def _severity(
    is_issue: npt.NDArray[np.bool_],
    at_face_value: npt.NDArray[np.bool_],
    contradicted: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int8]:
    """Return 2 high, 1 medium, 0 low, -1 none."""
    unflagged = np.where(contradicted, np.int8(0), np.int8(-1))
    return np.where(is_issue, np.int8(1) + at_face_value.astype(np.int8), unflagged)
