"""What comes out: frozen results, which reports only read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

from labelaudit.wording import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa

    from labelaudit.distributions import QualityBins, Reliability

__all__ = [
    "FILTERS",
    "ErrorRate",
    "Estimate",
    "Inspection",
    "IssueChunk",
    "IssueRows",
    "IssueSink",
    "JointCells",
    "LabelAudit",
    "LabelIssues",
    "Problem",
    "Tabular",
    "Understanding",
]

FILTERS = (
    "prune_by_class",
    "prune_by_noise_rate",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_self_confidence",
    "low_normalized_margin",
    "rcp",
)
"""Every rule that can flag a row; bit i of ``IssueRows.flagged_by`` stands for the i-th."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of thing that is wrong with some rows of the data.

    Attributes
    ----------
    kind : str
        Short stable name, such as ``nan_probability`` or ``label_not_in_classes``.
    sentence : str
        What was found, with the count, in words; no line breaks, text from data made safe.
    count : int
        How many rows.
    rows : tuple of int
        The first few of them, 0-based in the whole input.
    remedy : str
        How to mend it, one sentence.
    """

    kind: str
    sentence: str
    count: int
    rows: tuple[int, ...]
    remedy: str


@dataclass(frozen=True, slots=True)
class Understanding:
    """Which column was taken for what, and why.

    Attributes
    ----------
    files : tuple of str
        Inputs as the user named them (globs and folders expanded), sorted.
    format : str
        ``parquet``, ``arrow``, ``csv``, ``jsonl`` or ``memory``.
    task : str
        ``multiclass``.
    label_column : str
    label_type : str
        Type of the label column, in Arrow's words.
    prob_columns : tuple of str
        For each model, the column (or the glob of wide columns) with its probabilities.
    prob_layout : str
        ``list``, ``fixed-size list``, ``tensor``, ``struct``, ``map`` or ``wide columns``.
    prob_type : str
        ``float16``, ``float32`` or ``float64``.
    key_column : str or None
        None: the row number is the key.
    classes : tuple of str
        Names, in the order of the probability columns.
    class_order : str
        Where the order came from, in words.
    origins : mapping of str to str
        For each role, how it was decided: ``--labels``, ``config``, ``inferred``, ...
    rows : int
        Rows in the input; with ``where``, those that meet it.
    where : str or None
        Condition that rows had to meet.
    rows_left_out : int
        Rows that do not.
    """

    files: tuple[str, ...]
    format: str
    task: str
    label_column: str
    label_type: str
    prob_columns: tuple[str, ...]
    prob_layout: str
    prob_type: str
    key_column: str | None
    classes: tuple[str, ...]
    class_order: str
    origins: Mapping[str, str]
    rows: int
    where: str | None = None
    rows_left_out: int = 0


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was understood of the data, and everything that is wrong with it.

    Attributes
    ----------
    understanding : Understanding or None
        None when a problem kept the columns from being told apart.
    problems : tuple of Problem
        Each would stop an audit.
    warnings : tuple of str
        Nothing that stops an audit, but worth a look.
    class_counts : (K,) int64
        Rows of each given class.
    """

    understanding: Understanding | None
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    class_counts: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """How many labels are wrong, as an honest range.

    Overlapping classes and label noise look alike to any method that sees only probabilities and
    labels, so there is no one number.

    Attributes
    ----------
    face_value : Estimate
        Share of rows whose label is wrong if the probabilities are taken at face value: with rcp,
        once they are calibrated to the labels; with the filters, as they are.
    most : Estimate
        Share of rows whose label is wrong if the model is as sharp as it can be.
    """

    face_value: Estimate
    most: Estimate

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval of the face value."""
        return self.face_value.low

    @property
    def point(self) -> float:
        """The share that is flagged by default."""
        return self.most.value

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval of the most."""
        return self.most.high


@dataclass(frozen=True, slots=True)
class JointCells:
    """Non-zero cells of a K x K count matrix of given and true labels, sorted by (given, true).

    Attributes
    ----------
    n_classes : int
    given, true : (m,) int32
    count : (m,) int64
    """

    n_classes: int
    given: npt.NDArray[np.int32]
    true: npt.NDArray[np.int32]
    count: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class IssueRows:
    """The ranked rows, worst first, as plain arrays of one length m.

    Attributes
    ----------
    row : int64
        0-based row in the whole input.
    given, suggested : int32
        Class codes; ``suggested`` is -1 when the model agrees with the given label.
    label_quality : float64
        0..1, low is bad.
    is_issue : bool
    given_prob, suggested_prob, margin, entropy : float32
        Raw evidence. ``suggested_prob`` is that of the best other class when there is no
        suggestion; ``margin`` is given minus best other; ``entropy`` is normalised to 0..1.
    flagged_by : uint8
        Bit set over ``FILTERS``.
    severity : int8
        2 high: flagged, at face value too; 1 medium: flagged; 0 low: not flagged, but the most
        probable class is another one; -1: none of these.
    """

    row: npt.NDArray[np.int64]
    given: npt.NDArray[np.int32]
    suggested: npt.NDArray[np.int32]
    label_quality: npt.NDArray[np.float64]
    is_issue: npt.NDArray[np.bool_]
    given_prob: npt.NDArray[np.float32]
    suggested_prob: npt.NDArray[np.float32]
    margin: npt.NDArray[np.float32]
    entropy: npt.NDArray[np.float32]
    flagged_by: npt.NDArray[np.uint8]
    severity: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class IssueChunk:
    """Some rows to be ranked, ascending by row, and ``order``: (m,) float, low is worst."""

    rows: IssueRows
    order: npt.NDArray[np.floating]


class IssueSink(Protocol):
    """Takes what is to be ranked where it may not fit the memory."""

    def take(self, chunk: IssueChunk) -> None:
        """Take the next rows; each chunk begins behind the last one."""


@dataclass(frozen=True, slots=True)
class LabelAudit:
    """The numbers of a single-label audit, before names and keys are put to them.

    Attributes
    ----------
    method, score : str
        What flagged and what ranked.
    rows, valid_rows : int
    counts : (K,) int64
        Valid rows of each given class.
    thresholds : (K,) float64
        Confident thresholds; NaN for a class without rows.
    confident_joint, calibrated_joint : JointCells
    error_rate : ErrorRate
    n_issues : int
        Rows flagged by ``method``.
    flagged : mapping of str to int
        Rows flagged by each filter that was computed.
    class_issues, class_suggested : (K,) int64
        Flagged rows with this given label; with this suggested label.
    alternatives : JointCells
        Flagged rows by given label and suggestion, or best other class where there is none.
    mean_quality : float
    class_quality : (K,) float64
        Mean label quality of each given class; NaN without rows.
    issues : IssueRows
    notes : tuple of str
        Sentences about what was done differently from the usual, and why.
    readings : int
        How many times the data was decoded.
    calibration : mapping of str to float
        ``nll``, ``brier``, ``ece``, ``collapse`` of the probabilities against the given labels.
    reliability : Reliability or None
    quality : QualityBins or None
    informative : bool
        False if the probabilities say nothing about the labels: rcp flags nothing then, and the
        error rate means nothing.
    """

    method: str
    score: str
    rows: int
    valid_rows: int
    counts: npt.NDArray[np.int64]
    thresholds: npt.NDArray[np.float64]
    confident_joint: JointCells
    calibrated_joint: JointCells
    error_rate: ErrorRate
    n_issues: int
    flagged: Mapping[str, int]
    class_issues: npt.NDArray[np.int64]
    class_suggested: npt.NDArray[np.int64]
    alternatives: JointCells
    mean_quality: float
    class_quality: npt.NDArray[np.float64]
    issues: IssueRows
    notes: tuple[str, ...]
    readings: int
    calibration: Mapping[str, float]
    reliability: Reliability | None = None
    quality: QualityBins | None = None
    informative: bool = True


class Tabular:
    """A result with one table that matters most: its rows are those of the result."""

    __slots__ = ()

    MAIN: ClassVar[str] = "table"
    """The attribute that holds it."""

    def to_arrow(self) -> pa.Table:
        """Return the table."""
        table: pa.Table = getattr(self, self.MAIN)
        return table

    def to_pandas(self) -> pd.DataFrame:
        """Return the table as a data frame (ids stay exact: no detour through floats)."""
        frame: pd.DataFrame = self.to_arrow().to_pandas(integer_object_nulls=True)
        return frame

    def __len__(self) -> int:
        return int(self.to_arrow().num_rows)


@dataclass(frozen=True, slots=True, repr=False)
class LabelIssues(Tabular):
    """The result of ``find_issues``: what the command line prints, and what the API returns.

    Attributes
    ----------
    understanding : Understanding
    audit : LabelAudit
    table : pyarrow.Table
        One row per issue, worst first; the columns are listed in the command reference.
    classes : pyarrow.Table
        One row per class: ``class``, ``rows``, ``threshold``, ``issues``, ``suggested``,
        ``given_noise`` (share of rows given this class that are estimated wrong), ``true_noise``
        (share of rows truly of this class that carry another label), ``prior_given``,
        ``prior_true``, ``mean_quality``.
    joint : pyarrow.Table
        One row per non-zero cell: ``given``, ``true``, ``count``, ``calibrated``, ``joint``,
        ``given_if_true``, ``true_if_given``.
    pairs : pyarrow.Table
        Most confused pairs, most first: ``given``, ``true``, ``estimated``, ``share``, ``issues``.
    groups : pyarrow.Table or None
        One row per value of the group column: ``group``, ``rows``, ``issues``, ``issue_rate``.
    shown : pyarrow.Table or None
        What is shown beside the worst rows, in their order: for each column a struct of ``text``
        and ``picture`` (the bytes of a small picture, or null).
    problems : tuple of Problem
        What was wrong with the rows that were skipped (``--skip-invalid``).
    warnings : tuple of str
    timings : mapping of str to float
        Seconds by stage; not part of any table.
    """

    understanding: Understanding
    audit: LabelAudit
    table: pa.Table
    classes: pa.Table
    joint: pa.Table
    pairs: pa.Table
    groups: pa.Table | None = None
    shown: pa.Table | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        rate = self.audit.error_rate
        return (
            f"LabelIssues({self.audit.n_issues:,} of {self.audit.rows:,} rows flagged by "
            f"{self.audit.method}; {percent(rate.low)} to {percent(rate.high)} of the labels wrong)"
        )
