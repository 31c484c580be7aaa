"""The audit as one page of HTML: it stands alone, asks for nothing, and runs nothing from data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelaudit.crowd_findings import CrowdConsensus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labelaudit.findings import LabelIssues

__all__ = ["page"]


def page(
    result: LabelIssues | CrowdConsensus, *, version: str, settings: Mapping[str, object]
) -> str:
    """Return the page of a result: below one megabyte, whatever the data.

    Parameters
    ----------
    result : LabelIssues or CrowdConsensus
    version : str
        Of labelaudit.
    settings : mapping
        What the audit was asked for.
    """
    from labelaudit.reports.html.rendering import rendered

    view: dict[str, Any]
    if isinstance(result, CrowdConsensus):
        from labelaudit.reports.html.crowd import crowd_view

        name, view = "crowd.html", crowd_view(result)
    else:
        from labelaudit.reports.html.labels import label_view

        name, view = "labels.html", label_view(result, settings)
    return rendered(name, {**view, "version": version})
