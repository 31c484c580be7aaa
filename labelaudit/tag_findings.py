"""What comes out of a multi-label audit: frozen results, which reports only read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from labelaudit.findings import Tabular
from labelaudit.wording import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from labelaudit.findings import ErrorRate, Problem, Understanding

__all__ = [
    "TagAudit",
    "TagCells",
    "TagChunk",
    "TagClasses",
    "TagIssues",
    "TagRows",
    "TagSink",
]


@dataclass(frozen=True, slots=True)
class TagCells:
    """The ranked (row, class) pairs, worst first, as plain arrays of one length m.

    Attributes
    ----------
    row : int64
        0-based row in the whole input.
    tag : int32
        Class code.
    given : int8
        1: the class is given (an issue is an extra label); 0: it is not (a missing label).
    label_quality : float64
        0..1, low is bad.
    is_issue : bool
    given_prob, suggested_prob, margin, entropy : float32
        Probability of what is given and of the opposite; their difference; entropy of the two as
        a share of ln 2.
    suggests : bool
        Whether the opposite of what is given is suggested.
    flagged_by : uint8
        Bit set over ``findings.FILTERS``.
    severity : int8
        2 high: flagged, at face value too; 1 medium: flagged; 0 low: not flagged, but the opposite
        is more probable; -1: none of these.
    """

    row: npt.NDArray[np.int64]
    tag: npt.NDArray[np.int32]
    given: npt.NDArray[np.int8]
    label_quality: npt.NDArray[np.float64]
    is_issue: npt.NDArray[np.bool_]
    given_prob: npt.NDArray[np.float32]
    suggested_prob: npt.NDArray[np.float32]
    margin: npt.NDArray[np.float32]
    entropy: npt.NDArray[np.float32]
    suggests: npt.NDArray[np.bool_]
    flagged_by: npt.NDArray[np.uint8]
    severity: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class TagRows:
    """One score for each row, over all of its classes.

    Attributes
    ----------
    row : (n,) int64
        Ascending, counted among the audited rows.
    quality : (n,) float64
        0..1, low is bad; NaN for a row without a class that can be judged.
    issues : (n,) int32
        Flagged classes of the row.
    is_issue : (n,) bool
        Rows that are flagged.
    """

    row: npt.NDArray[np.int64]
    quality: npt.NDArray[np.float64]
    issues: npt.NDArray[np.int32]
    is_issue: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TagChunk:
    """What is to be ranked of some consecutive rows.

    Attributes
    ----------
    cells : TagCells
        By row, counted among the audited rows, and class; not ranked yet.
    order : (m,) float64
        What cells are ranked by, low is worst; ties by row and class.
    rows : TagRows
    left_out : (l,) int64
        Rows that took no part.
    """

    cells: TagCells
    order: npt.NDArray[np.float64]
    rows: TagRows
    left_out: npt.NDArray[np.int64]


class TagSink(Protocol):
    """Takes what is to be ranked where it may not fit the memory."""

    def take(self, chunk: TagChunk) -> None:
        """Take the next rows; each chunk begins behind the last one."""


@dataclass(frozen=True, slots=True)
class TagClasses:
    """Counts and estimates of each of K classes.

    Attributes
    ----------
    annotated, positives, unknown : (K,) int64
        Rows that say whether they have the class; that have it; that say so, but whose
        probability is not known.
    thresholds : (K, 2) float64
        Confident thresholds of absent and present; NaN where there is none.
    joint, calibrated : (K, 2, 2) int64
        The confident joint [given, true], as counted and as scaled to all known rows.
    extra, missing : (K,) int64
        Flagged rows with the class, and without it.
    extra_rate, missing_rate : (K, 3) float64
        Share of the given labels that are wrong, and of the rows without the class that should
        have it: estimate, low and high end; NaN where not estimable.
    quality : (K,) float64
        Mean label quality; NaN where not estimable.
    why_not : tuple of str
        For each class why it is not estimable; empty where it is.
    """

    annotated: npt.NDArray[np.int64]
    positives: npt.NDArray[np.int64]
    unknown: npt.NDArray[np.int64]
    thresholds: npt.NDArray[np.float64]
    joint: npt.NDArray[np.int64]
    calibrated: npt.NDArray[np.int64]
    extra: npt.NDArray[np.int64]
    missing: npt.NDArray[np.int64]
    extra_rate: npt.NDArray[np.float64]
    missing_rate: npt.NDArray[np.float64]
    quality: npt.NDArray[np.float64]
    why_not: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TagAudit:
    """The numbers of a multi-label audit, before names and keys are put to them.

    Attributes
    ----------
    method, score : str
        What flagged, and what (row, class) pairs are ranked by.
    row_score : str
        How the scores of a row's classes become one: ``softmin`` or ``ema``.
    rows, valid_rows : int
    cells : int
        Pairs of row and class that were judged.
    error_rate : ErrorRate
        Of those pairs.
    n_issues, n_issue_rows : int
        Pairs, and rows, flagged by ``method``.
    health : float
        Share of the valid rows that are not flagged.
    flagged : mapping of str to int
        Pairs flagged by each filter.
    mean_quality : float
        Mean of the rows' scores.
    classes : TagClasses
    row_results : TagRows
    issues : TagCells
    notes : tuple of str
    readings : int
        How many times the data was decoded, or read from memory.
    informative : bool
        False if the probabilities say nothing about the labels of any class: rcp flags nothing
        then, and the error rate means nothing.
    temporary_bytes : int
        What stood in temporary files at the most; 0 where everything fitted in memory.
    """

    method: str
    score: str
    row_score: str
    rows: int
    valid_rows: int
    cells: int
    error_rate: ErrorRate
    n_issues: int
    n_issue_rows: int
    health: float
    flagged: Mapping[str, int]
    mean_quality: float
    classes: TagClasses
    row_results: TagRows
    issues: TagCells
    notes: tuple[str, ...]
    readings: int
    informative: bool = True
    temporary_bytes: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class TagIssues(Tabular):
    """The result of ``find_issues`` on multi-label data, with the face of ``LabelIssues``.

    Attributes
    ----------
    understanding : Understanding
    audit : TagAudit
    table : pyarrow.Table
        One row per flagged pair of row and class, worst first; the columns of the single-label
        issues table, with ``class`` filled in, ``issue_type`` ``extra_label`` or
        ``missing_label``, and labels ``present`` or ``absent``.
    classes : pyarrow.Table
        One row per class: ``class``, ``annotated``, ``positives``, ``flagged_extra``,
        ``flagged_missing``, ``extra_rate``, ``missing_rate`` each with ``_low`` and ``_high``,
        ``threshold_absent``, ``threshold_present``, ``unknown``, ``mean_quality``,
        ``not_estimable`` (why, else null).
    rows : pyarrow.Table
        One row per flagged row (or every row, if asked for), worst first: ``rank``, ``key``,
        ``row``, ``row_quality``, ``is_issue``, ``issues``.
    groups : pyarrow.Table or None
        One row per value of the group column: ``group``, ``rows``, ``issues``, ``issue_rate``;
        issues are rows here.
    missing : pyarrow.Table or None
        Expected missing positives by class and group, where asked for.
    candidates : pyarrow.Table or None
        Tags that are not given, most probably missing first, where asked for.
    relations, violations : pyarrow.Table or None
        Related classes, and the rows that contradict them, where asked for.
    shown : pyarrow.Table or None
        As in ``LabelIssues``.
    problems : tuple of Problem
        What was wrong with the rows that were skipped (``--skip-invalid``).
    warnings : tuple of str
    timings : mapping of str to float
        Seconds by stage; not part of any table.
    """

    understanding: Understanding
    audit: TagAudit
    table: pa.Table
    classes: pa.Table
    rows: pa.Table
    groups: pa.Table | None = None
    shown: pa.Table | None = None
    missing: pa.Table | None = None
    candidates: pa.Table | None = None
    relations: pa.Table | None = None
    violations: pa.Table | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        rate = self.audit.error_rate
        return (
            f"TagIssues({self.audit.n_issues:,} of {self.audit.cells:,} tags in "
            f"{self.audit.n_issue_rows:,} of {self.audit.rows:,} rows flagged by "
            f"{self.audit.method}; {percent(rate.low)} to {percent(rate.high)} of the tags wrong)"
        )
