"""What an audit measured, in the form that rules read: exact fractions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelaudit.class_names import names_of
from labelaudit.gate.metrics import LABELS, METRICS, VOTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from labelaudit.crowd_findings import CrowdConsensus
    from labelaudit.findings import LabelAudit, LabelIssues
    from labelaudit.gate.baseline import Baseline
    from labelaudit.tag_findings import TagAudit, TagIssues

__all__ = ["Issues", "Measured", "exact", "issues_of", "measured_labels", "measured_votes", "texts"]

NULL = "(null)"


def exact(number: float | None) -> Fraction | None:
    """Return a measured number as the fraction that its shortest decimal says; None for NaN.

    A share such as 35 of 100 is thus 35/100, and not the nearest binary fraction below or above it.
    """
    if number is None or not math.isfinite(number):
        return None
    return Fraction(number) if isinstance(number, int) else Fraction(repr(float(number)))


@dataclass(frozen=True, slots=True)
class Issues:
    """The flagged labels of an audit.

    Attributes
    ----------
    table : pyarrow.Table
        Worst first.
    group : pyarrow.ChunkedArray or None
        (m,) the group of each.
    is_new : (m,) bool
        Not in the baseline; all true without one.
    """

    table: pa.Table
    group: pa.ChunkedArray | None
    is_new: npt.NDArray[np.bool_]

    def count(self, wanted: Mapping[str, str], *, new: bool = False) -> int:
        """Count those that the selectors pick."""
        mask = self.is_new if new else np.ones(self.table.num_rows, np.bool_)
        for name, value in wanted.items():
            same = pc.equal(self._texts(name), value)
            mask = mask & np.asarray(pc.fill_null(same, False))
        return int(mask.sum())

    def _texts(self, selector: str) -> pa.ChunkedArray:
        given = texts(self.table["given_label"])
        if selector == "class":
            return pc.coalesce(texts(self.table["class"]), given)
        if selector == "given":
            return given
        if selector == "group":
            return pc.fill_null(texts(self.group), NULL)
        name = {"suggested": "suggested_label", "severity": "severity"}[selector]
        return texts(self.table[name])


@dataclass(frozen=True, slots=True)
class Measured:
    """All that rules may ask.

    Attributes
    ----------
    data : str
        ``LABELS`` or ``VOTES``.
    numbers : mapping of str to Fraction or None
        Metrics of all rows; None: it cannot be said.
    issues : Issues or None
    by_class : mapping of str to mapping of str to Fraction or None
        For each metric of one class, its value by the class's name.
    group_rows : mapping of str to int or None
        None without groups.
    baseline : Baseline or None
    unsaid : mapping of str to str
        For metrics that cannot be said, why not, where there is more to say than that.
    """

    data: str
    numbers: Mapping[str, Fraction | None]
    issues: Issues | None = None
    by_class: Mapping[str, Mapping[str, Fraction | None]] | None = None
    group_rows: Mapping[str, int] | None = None
    baseline: Baseline | None = None
    unsaid: Mapping[str, str] = field(default_factory=dict)


def texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values as the text that rules and reports know them by."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def issues_of(table: pa.Table, baseline: Baseline | None) -> Issues:
    """Return the flagged labels of an issues table, and which of them are new."""
    flagged = table.filter(table["is_issue"])
    known = pa.array(baseline.ids if baseline is not None else (), pa.string())
    is_new = np.asarray(pc.invert(pc.is_in(flagged["issue_id"], value_set=known)))
    return Issues(flagged, None, is_new)


def measured_labels(
    result: LabelIssues | TagIssues, issues: Issues, baseline: Baseline | None = None
) -> Measured:
    """Return what an audit of labels, one or several a row, measured."""
    audit, classes = result.audit, result.classes
    called = names_of(result)
    names = list(called.values()) if called else texts(classes["class"]).to_pylist()
    by_class = {
        metric: dict(zip(names, map(exact, classes[column].to_pylist()), strict=True))
        for metric, columns in _CLASS_COLUMNS.items()
        for column in columns
        if column in classes.column_names
    }
    noise = [value for value in by_class["class_error_rate"].values() if value is not None]
    rate = audit.error_rate
    numbers = {
        "rows": exact(audit.rows),
        "invalid_rows": exact(audit.rows - audit.valid_rows),
        "issues": exact(issues.table.num_rows),
        "error_rate": exact(rate.point),
        "error_rate.low": exact(rate.low),
        "error_rate.point": exact(rate.point),
        "error_rate.high": exact(rate.high),
        "class_error_rate.max": max(noise, default=None),
        "min_class_rows": exact(min(_rows_of_classes(classes), default=0)),
        "mean_quality": exact(audit.mean_quality),
    }
    groups = _group_rows(result.groups)
    return Measured(LABELS, numbers, issues, by_class, groups, baseline, _unsaid(audit))


def _unsaid(audit: LabelAudit | TagAudit) -> dict[str, str]:
    """Name what rests on probabilities that say nothing: few issues would look like few errors."""
    if audit.informative:
        return {}
    names = [name for name in METRICS if name.startswith(("error_rate", "class_error_rate"))]
    if audit.method == "rcp":
        names += ["issues", "new_issues", "resolved_issues"]
    return dict.fromkeys(names, "the probabilities say nothing about the labels")


# The first name is that of single-label audits, the second that of multi-label ones.
_CLASS_COLUMNS = {
    "rows": ("rows", "positives"),
    "class_error_rate": ("given_noise", "extra_rate"),
    "mean_quality": ("mean_quality",),
}


def _rows_of_classes(classes: pa.Table) -> list[int]:
    column = next(name for name in _CLASS_COLUMNS["rows"] if name in classes.column_names)
    rows: list[int] = classes[column].to_pylist()
    return rows


def _group_rows(groups: pa.Table | None) -> dict[str, int] | None:
    if groups is None:
        return None
    names = pc.fill_null(texts(groups["group"]), NULL).to_pylist()
    return dict(zip(names, groups["rows"].to_pylist(), strict=True))


def measured_votes(result: CrowdConsensus) -> Measured:
    """Return what an aggregation measured."""
    counts, consensus = result.counts, result.consensus
    numbers = {
        "rows": exact(counts.rows),
        "invalid_rows": exact(counts.nameless),
        "tasks": exact(consensus.num_rows),
        "votes": exact(counts.votes),
        "ties": exact(int(pc.sum(consensus["tie"]).as_py() or 0)),
        "agreement.mean": exact(pc.mean(consensus["agreement"]).as_py()),
        "agreement.alpha": exact(result.agreement.alpha.value),
        "worker_accuracy.min": exact(pc.min(result.workers["accuracy"]).as_py()),
    }
    return Measured(VOTES, numbers)
