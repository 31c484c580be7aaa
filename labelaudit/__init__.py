"""labelaudit: find wrong labels in a dataset.

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labelaudit.api import find_issues, report
    from labelaudit.cluster.engines import EngineTable
    from labelaudit.crowd import aggregate
    from labelaudit.crowd_findings import CrowdConsensus
    from labelaudit.errors import LabelauditError
    from labelaudit.export import export_labels
    from labelaudit.findings import LabelIssues
    from labelaudit.tag_findings import TagIssues

__all__ = [
    "CrowdConsensus",
    "EngineTable",
    "LabelIssues",
    "LabelauditError",
    "TagIssues",
    "__version__",
    "aggregate",
    "export_labels",
    "find_issues",
    "report",
]

__version__ = "0.1.0"

_ROOMS = {
    "CrowdConsensus": "labelaudit.crowd_findings",
    "EngineTable": "labelaudit.cluster.engines",
    "LabelIssues": "labelaudit.findings",
    "LabelauditError": "labelaudit.errors",
    "TagIssues": "labelaudit.tag_findings",
    "aggregate": "labelaudit.crowd",
    "export_labels": "labelaudit.export",
    "find_issues": "labelaudit.api",
    "report": "labelaudit.api",
}


def __getattr__(name: str) -> Any:
    room = _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(room), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
