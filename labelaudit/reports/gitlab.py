"""Issues and failed rules as GitLab Code Quality has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from labelaudit.reports.places import relative_path
from labelaudit.reports.verdict import fingerprint, issue_sentence
from labelaudit.wording import safe

if TYPE_CHECKING:
    from labelaudit.verdicts import IssueLine, RuleOutcome, Verdict

__all__ = ["code_quality"]

_SEVERITIES = {"high": "major", "medium": "minor", "low": "info"}


def code_quality(verdict: Verdict) -> str:
    """Return failed rules and the worst issues as a Code Quality report.

    GitLab shows only the first of equal fingerprints: an issue's is its id, a rule's is made of
    the rule and its place.

    Parameters
    ----------
    verdict : Verdict
    """
    path = verdict.files[0] if verdict.files else "-"
    failing = [*verdict.failed, *verdict.warned]
    entries = [_rule_entry(each, i, path) for i, each in enumerate(failing)]
    entries += [_issue_entry(each) for each in verdict.worst]
    return json.dumps(entries, ensure_ascii=False, indent=2) + "\n"


def _rule_entry(outcome: RuleOutcome, place: int, path: str) -> dict[str, Any]:
    return {
        "description": f"{safe(outcome.rule, 200)} does not hold: {safe(outcome.why, 500)}",
        "check_name": "gate",
        "fingerprint": f"{fingerprint(outcome)}{place:04x}",
        "severity": "critical" if outcome.failed else "minor",
        "location": _location(path),
    }


def _issue_entry(line: IssueLine) -> dict[str, Any]:
    return {
        "description": f"{issue_sentence(line)} (key {safe(line.key)}, row {line.row}).",
        "check_name": line.kind,
        "fingerprint": line.issue_id,
        "severity": _SEVERITIES.get(line.severity, "minor"),
        "location": _location(line.file, line.line),
    }


def _location(path: str, line: int = 1) -> dict[str, Any]:
    return {"path": safe(relative_path(path), 1000), "lines": {"begin": line}}
