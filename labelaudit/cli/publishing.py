"""From a result and what stands beside it to the text of each kind of report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelaudit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labelaudit.tables.runs import RunContext

__all__ = ["PUBLICATIONS", "published", "report_text", "summary_text"]

PUBLICATIONS = ("page", "card", "croissant")
"""Reports that are made of the result alone, whoever asks for them."""


def published(content: str, result: Any, context: RunContext) -> str:
    """Return a report as text.

    Parameters
    ----------
    content : {"page", "card", "croissant"}
    result : LabelIssues or CrowdConsensus
    context : RunContext
    """
    from labelaudit.tag_findings import TagIssues

    if isinstance(result, TagIssues) and content != "page":
        raise UsageError(
            f"No {content} is made of multi-label data.",
            "Write the page (.html), the report (.txt) or the summary (.json).",
        )
    if content == "page":
        from labelaudit.reports.html import page

        return page(result, version=context.version, settings=context.settings, gate=context.gate)
    if content == "card":
        from labelaudit.reports.card import dataset_card

        return dataset_card(result, version=context.version)
    from labelaudit.reports.croissant import croissant_text

    return croissant_text(result, version=context.version)


def summary_text(result: Any, context: RunContext) -> str:
    """Return the summary as JSON text."""
    from labelaudit.reports.summary import to_json

    document = _summary(result, context)
    if context.gate is not None:
        from labelaudit.reports.verdict import verdict_document

        code = ExitCode.DONE if context.gate.passed else ExitCode.GATE_FAILED
        document |= {"gate": verdict_document(context.gate), "exit_code": int(code)}
    return to_json(document)


def _summary(result: Any, context: RunContext) -> dict[str, Any]:
    from labelaudit.crowd_findings import CrowdConsensus
    from labelaudit.tag_findings import TagIssues

    if isinstance(result, CrowdConsensus):
        from labelaudit.reports.crowd_summary import crowd_document

        return crowd_document(result, version=context.version, outputs=context.outputs)
    make: Any
    if isinstance(result, TagIssues):
        from labelaudit.reports.tag_summary import tag_document as make
    else:
        from labelaudit.reports.summary import summary_document as make
    document: dict[str, Any] = make(
        result, version=context.version, settings=context.settings, outputs=context.outputs
    )
    return document


def report_text(result: Any, context: RunContext, written: Sequence[str], **look: Any) -> str:
    """Return the report for a terminal."""
    from labelaudit.crowd_findings import CrowdConsensus
    from labelaudit.reports.crowd_text import crowd_report
    from labelaudit.reports.text import audit_report
    from labelaudit.tag_findings import TagIssues

    if context.gate is not None:
        from labelaudit.reports.verdict import verdict_report

        return verdict_report(
            context.gate,
            warnings=result.warnings,
            written=written,
            next_command=context.next_command,
            **look,
        )
    make: Any = audit_report
    if isinstance(result, CrowdConsensus):
        make = crowd_report
    elif isinstance(result, TagIssues):
        from labelaudit.reports.tag_text import tag_report

        make = tag_report
    text: str = make(
        result,
        written=written,
        next_command=context.next_command,
        verbose=context.verbose,
        **look,
    )
    return text
