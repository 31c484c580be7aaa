"""The audit as one page of HTML: it stands alone, asks for nothing, and runs nothing from data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelaudit.crowd_findings import CrowdConsensus
from labelaudit.tag_findings import TagIssues

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labelaudit.findings import LabelIssues
    from labelaudit.verdicts import Verdict

__all__ = ["page"]


def page(
    result: LabelIssues | TagIssues | CrowdConsensus,
    *,
    version: str,
    settings: Mapping[str, object],
    gate: Verdict | None = None,
) -> str:
    """Return the page of a result: below one megabyte, whatever the data.

    Parameters
    ----------
    result : LabelIssues, TagIssues or CrowdConsensus
    version : str
        Of labelaudit.
    settings : mapping
        What the audit was asked for.
    gate : Verdict or None
        What ``check`` says, shown above all else.
    """
    from labelaudit.reports.html.gate import gate_view
    from labelaudit.reports.html.rendering import rendered

    view: dict[str, Any]
    if isinstance(result, CrowdConsensus):
        from labelaudit.reports.html.crowd import crowd_view

        name, view = "crowd.html", crowd_view(result)
    elif isinstance(result, TagIssues):
        from labelaudit.reports.html.tags import tag_view

        name, view = "tags.html", tag_view(result, settings)
    else:
        from labelaudit.reports.html.labels import label_view

        name, view = "labels.html", label_view(result, settings)
    shown = None if gate is None else gate_view(gate)
    return rendered(name, {**view, "version": version, "gate": shown})
