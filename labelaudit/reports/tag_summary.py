"""The summary of a multi-label audit as one JSON document; ``tags.schema.json`` describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelaudit.findings import FILTERS
from labelaudit.reports.summary import document, error_rate_entry, head, problem_entries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from labelaudit.tag_findings import TagIssues

__all__ = ["tag_document"]


_MOST = 200
"""So many rows of a side table; the whole of it goes to a file of its own."""


def tag_document(
    result: TagIssues,
    *,
    version: str,
    settings: Mapping[str, object],
    outputs: Sequence[Mapping[str, str]] = (),
    exit_code: int = 0,
) -> dict[str, Any]:
    """Return the summary of a multi-label audit, made of what JSON can hold.

    Parameters
    ----------
    result : TagIssues
    version : str
        Of labelaudit.
    settings : mapping
        What the audit was asked for.
    outputs : sequence of mapping
        For each output its ``content``, ``format`` and ``path``.
    exit_code : int
    """
    audit = result.audit
    chosen = {"method": audit.method, "score": audit.score, "row_score": audit.row_score}
    return document(
        {
            **head(version, result.understanding),
            "counts": {
                "rows": audit.rows,
                "issues": audit.n_issues,
                "issue_rows": audit.n_issue_rows,
                "labels": audit.cells,
                "invalid_rows": audit.rows - audit.valid_rows,
            },
            "error_rate": error_rate_entry(audit.error_rate),
            "health": audit.health,
            "mean_quality": audit.mean_quality,
            "classes": result.classes.to_pylist(),
            "groups": result.groups.to_pylist() if result.groups is not None else None,
            "missing": _listed(result.missing),
            "relations": _listed(result.relations),
            "flagged": {name: audit.flagged[name] for name in FILTERS if name in audit.flagged},
            "settings": {**settings, **chosen},
            "warnings": list(result.warnings),
            "notes": list(audit.notes),
            "problems": problem_entries(result.problems),
            "outputs": [dict(each) for each in outputs],
            "readings": audit.readings,
            "temporary_bytes": audit.temporary_bytes,
            "timings": dict(result.timings),
            "exit_code": exit_code,
        }
    )


def _listed(table: pa.Table | None) -> list[dict[str, Any]] | None:
    return None if table is None else table.slice(0, _MOST).to_pylist()
