"""Flagged labels as lines that every report can show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.gate.measures import texts
from labelaudit.verdicts import IssueLine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labelaudit.gate.measures import Issues

__all__ = ["issue_lines"]

_COLUMNS = ("issue_id", "key", "issue_type", "class", "given_label", "suggested_label", "severity")


def issue_lines(
    issues: Issues,
    files: Sequence[str],
    most: int,
    *,
    only_new: bool = False,
    lines: Mapping[str, int] | None = None,
) -> tuple[IssueLine, ...]:
    """Return the worst issues, worst first.

    Parameters
    ----------
    issues : Issues
    files : sequence of str
        Inputs; the first is where issues are when the table does not say.
    most : int
    only_new : bool
    lines : mapping of str to int, optional
        For a file whose rows are lines, what to add to the row to have the line.
    """
    chosen = np.nonzero(issues.is_new)[0] if only_new else np.arange(len(issues.is_new))
    chosen = chosen[:most]
    part = issues.table.take(pa.array(chosen))
    columns = {name: texts(part[name]).to_pylist() for name in _COLUMNS}
    first = files[0] if files else ""
    where = (
        texts(part["file"]).to_pylist() if "file" in part.column_names else [first] * len(chosen)
    )
    files_of, shifts = [name or first for name in where], lines or {}
    rows, quality = part["row"].to_pylist(), part["label_quality"].to_pylist()
    return tuple(
        IssueLine(
            issue_id=columns["issue_id"][i],
            key=columns["key"][i] or "",
            row=rows[i],
            file=files_of[i],
            kind=columns["issue_type"][i],
            given=_label(columns, i),
            suggested=columns["suggested_label"][i],
            quality=quality[i],
            severity=columns["severity"][i] or "medium",
            new=bool(issues.is_new[chosen[i]]),
            line=rows[i] + shifts[files_of[i]] if files_of[i] in shifts else 1,
        )
        for i in range(len(chosen))
    )


def _label(columns: dict[str, list[str | None]], i: int) -> str | None:
    named = columns["class"][i]
    return columns["given_label"][i] if named is None else named
