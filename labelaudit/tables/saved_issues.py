"""Issues that an earlier run has written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labelaudit.errors import InputError
from labelaudit.tables.boundary import reading
from labelaudit.tables.issues import SEVERITIES
from labelaudit.tables.records import column_texts, read_records

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["SavedIssues", "read_issues"]

_REQUIRED = (
    *("issue_id", "key", "row", "issue_type", "given_label", "suggested_label"),
    *("label_quality", "is_issue", "suggested_prob", "severity"),
)
_WHAT = "an issues table as find-issues writes it"


@dataclass(frozen=True, slots=True)
class SavedIssues:
    """An issues table, with labels and keys as text.

    Attributes
    ----------
    name : str
        The file, fit to be shown.
    issue_id, key, given : list of str
    suggested, severity : list of str or None
    row : (m,) int64
    quality, suggested_prob : (m,) float64
    is_issue : (m,) bool
    """

    name: str
    issue_id: list[str]
    key: list[str]
    given: list[str]
    suggested: list[str | None]
    severity: npt.NDArray[np.int8]
    row: npt.NDArray[np.int64]
    quality: npt.NDArray[np.float64]
    suggested_prob: npt.NDArray[np.float64]
    is_issue: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.issue_id)


def read_issues(path: str) -> SavedIssues:
    """Read an issues table in any of its formats.

    Raises
    ------
    InputError
        If it is none, or is damaged.
    """
    table, name = read_records(path, _REQUIRED, _WHAT)
    kinds = set(column_texts(table, "issue_type")) - {"label_error"}
    if kinds:
        raise InputError(
            f"{name} holds issues of tables with several labels a row.",
            "Export such tables by auditing them again, or give issues of one label a row.",
        )

    def text(column: str) -> list[str]:
        values = column_texts(table, column)
        if None in values:
            raise InputError(f"{name} has a null in column {column}.", f"Give {_WHAT}.")
        return [str(value) for value in values]

    def numbers(column: str, kind: pa.DataType) -> npt.NDArray[np.float64]:
        with reading(f"{name}, column {column}", f"Give {_WHAT}."):
            values = pa.array(column_texts(table, column), pa.string()).cast(kind)
            found: npt.NDArray[np.float64] = values.to_numpy(zero_copy_only=False)
            return found

    severities = {word: code for code, word in enumerate(SEVERITIES)}
    return SavedIssues(
        name=name,
        issue_id=text("issue_id"),
        key=text("key"),
        given=text("given_label"),
        suggested=column_texts(table, "suggested_label"),
        severity=np.array(
            [severities.get(word or "", -1) for word in column_texts(table, "severity")], np.int8
        ),
        row=numbers("row", pa.int64()).astype(np.int64),
        quality=numbers("label_quality", pa.float64()).astype(np.float64),
        suggested_prob=numbers("suggested_prob", pa.float64()).astype(np.float64),
        is_issue=np.array([word == "true" for word in text("is_issue")], np.bool_),
    )
