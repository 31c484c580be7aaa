"""Results of multi-label audits as tables: names, keys and ids put to the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.tables.issue_ids import issue_ids
from labelaudit.tables.issues import SEVERITIES, dictionary, filter_names, with_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.tag_findings import TagCells, TagClasses, TagRows

__all__ = [
    "places_of",
    "ranked_cells",
    "ranked_rows",
    "tag_classes_table",
    "tag_issues_table",
    "tag_kinds",
]

ISSUE_TYPES = ("missing_label", "extra_label")
STATES = ("absent", "present")


def tag_issues_table(
    cells: TagCells,
    classes: Sequence[str],
    keys: pa.Array,
    files: pa.Array | None,
    kept: pa.Table | None,
) -> pa.Table:
    """Write ranked cells as the issues table, worst first.

    Parameters
    ----------
    cells : TagCells
    classes : sequence of str
    keys : pyarrow.Array
        (m,) the user's key of each cell's row, or row numbers.
    files : pyarrow.Array or None
        (m,) file of each cell's row, when there are several.
    kept : pyarrow.Table or None
        (m,) rows of further columns of the input to carry along, unchanged.
    """
    ids = issue_ids(tag_kinds(classes), places_of(cells.tag, cells.given), keys)
    return ranked_cells(cells, classes, ids, keys, files, kept)


def tag_kinds(classes: Sequence[str]) -> list[tuple[str, ...]]:
    """Return what issues of each class, absent and present, say besides their key."""
    return [(ISSUE_TYPES[given], name, STATES[given]) for name in classes for given in range(2)]


def places_of(tag: npt.NDArray[np.int32], given: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """Return the place of cells among ``tag_kinds``."""
    places: npt.NDArray[np.int64] = 2 * tag.astype(np.int64) + given
    return places


def ranked_cells(
    cells: TagCells,
    classes: Sequence[str],
    ids: pa.Array,
    keys: pa.Array,
    files: pa.Array | None,
    kept: pa.Table | None,
    first: int = 0,
) -> pa.Table:
    """Write some of the ranked cells, the first of which has ``first`` cells before it."""
    n = len(cells.row)
    names = pa.array(classes, pa.string())
    columns = {
        "rank": pa.array(np.arange(first + 1, first + n + 1)),
        "issue_id": ids,
        "key": keys,
        "row": pa.array(cells.row),
        **({} if files is None else {"file": files}),
        "issue_type": dictionary(cells.given, ISSUE_TYPES),
        "class": names.take(pa.array(cells.tag)),
        "given_label": _states(cells.given, np.ones(n, np.bool_)),
        "suggested_label": _states(1 - cells.given, cells.suggests),
        "label_quality": pa.array(cells.label_quality),
        "is_issue": pa.array(cells.is_issue),
        "given_prob": pa.array(cells.given_prob),
        "suggested_prob": pa.array(cells.suggested_prob),
        "margin": pa.array(cells.margin),
        "entropy": pa.array(cells.entropy),
        "flagged_by": filter_names(cells.flagged_by),
        "severity": dictionary(cells.severity, SEVERITIES),
    }
    table = pa.table(columns)
    return table if kept is None else with_kept(table, kept)


def _states(codes: npt.NDArray[np.int8], known: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(STATES, pa.string()).take(pa.array(codes, pa.int8(), mask=~known))


def ranked_rows(rows: TagRows, keys: pa.Array, first: int = 0) -> pa.Table:
    """Write rows with one score each, worst first.

    Parameters
    ----------
    rows : TagRows
        Numbered as in the whole input.
    keys : pyarrow.Array
        (n,) their keys.
    first : int
        How many rows are before them.
    """
    return pa.table(
        {
            "rank": pa.array(np.arange(first + 1, first + len(rows.row) + 1)),
            "key": keys,
            "row": pa.array(rows.row),
            "row_quality": pa.array(rows.quality, mask=np.isnan(rows.quality)),
            "is_issue": pa.array(rows.is_issue),
            "issues": pa.array(rows.issues.astype(np.int64)),
        }
    )


def tag_classes_table(found: TagClasses, classes: Sequence[str]) -> pa.Table:
    """Write one row for each class, in their order."""
    numbers = {
        "extra_rate": found.extra_rate[:, 0],
        "extra_rate_low": found.extra_rate[:, 1],
        "extra_rate_high": found.extra_rate[:, 2],
        "missing_rate": found.missing_rate[:, 0],
        "missing_rate_low": found.missing_rate[:, 1],
        "missing_rate_high": found.missing_rate[:, 2],
        "threshold_absent": found.thresholds[:, 0],
        "threshold_present": found.thresholds[:, 1],
    }
    columns = {
        "class": pa.array(classes, pa.string()),
        "annotated": pa.array(found.annotated),
        "positives": pa.array(found.positives),
        "flagged_extra": pa.array(found.extra),
        "flagged_missing": pa.array(found.missing),
        **{name: _known(values) for name, values in numbers.items()},
        "unknown": pa.array(found.unknown),
        "mean_quality": _known(found.quality),
        "not_estimable": pa.array([why or None for why in found.why_not], pa.string()),
    }
    return pa.table(columns)


def _known(values: npt.NDArray[np.float64]) -> pa.Array:
    return pa.array(np.nan_to_num(values), mask=np.isnan(values))
