"""The summary of an aggregation as one JSON document; ``crowd.schema.json`` describes it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from labelaudit.reports.crowd_tasks import changed_tasks, labelled_tasks
from labelaudit.reports.crowd_text import weak_workers
from labelaudit.reports.summary import SCHEMA_VERSION, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labelaudit.crowd_findings import CrowdConsensus

__all__ = ["crowd_document"]

_PAIRS, _TASKS, _WORKERS = 20, 20, 100


def crowd_document(
    result: CrowdConsensus,
    *,
    version: str,
    outputs: Sequence[Mapping[str, str]] = (),
    exit_code: int = 0,
) -> dict[str, Any]:
    """Return the summary of an aggregation, made of what JSON can hold.

    Parameters
    ----------
    result : CrowdConsensus
    version : str
        Of labelaudit.
    outputs : sequence of mapping
        For each output its ``content``, ``format`` and ``path``.
    exit_code : int
    """
    understanding = asdict(result.understanding)
    files = understanding.pop("files")
    weak = weak_workers(result)
    document = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "labelaudit", "version": version},
        "inputs": list(files),
        "mapping": understanding,
        "method": result.method,
        "converged": result.converged,
        "counts": _counts(result),
        "agreement": asdict(result.agreement),
        "majority": asdict(result.certificate),
        "gold_accuracy": None if result.gold_accuracy is None else asdict(result.gold_accuracy),
        "weak_workers": {
            "count": weak.num_rows,
            "workers": weak.slice(0, _WORKERS).to_pylist(),
        },
        "pairs": result.pairs.slice(0, _PAIRS).to_pylist(),
        "next_votes": result.next_votes.slice(0, _TASKS).to_pylist(),
        "settings": dict(result.settings),
        "warnings": list(result.warnings),
        "notes": list(result.notes),
        "outputs": [dict(each) for each in outputs],
        "timings": dict(result.timings),
        "work": asdict(result.work),
        "exit_code": exit_code,
    }
    return {key: plain(value) for key, value in document.items()}


def _counts(result: CrowdConsensus) -> dict[str, int | None]:
    return {
        "tasks": result.consensus.num_rows,
        "labelled_tasks": labelled_tasks(result),
        "workers": result.workers.num_rows,
        "classes": len(result.understanding.classes),
        **asdict(result.counts),
        "ties": result.certificate.tied,
        "changed_from_majority": changed_tasks(result),
        "soft_differs": result.soft_differs,
    }
