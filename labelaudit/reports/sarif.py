"""Issues and failed rules as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from labelaudit.reports.places import file_uri
from labelaudit.reports.verdict import fingerprint, issue_sentence
from labelaudit.wording import safe

if TYPE_CHECKING:
    from labelaudit.verdicts import IssueLine, RuleOutcome, Verdict

__all__ = ["MOST_RESULTS", "sarif"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 5_000
_LEVELS = {"high": "error", "medium": "warning", "low": "note"}
_RULES = (
    ("gate", "RuleDoesNotHold", "A rule about the labels does not hold."),
    ("label_error", "LabelError", "The given label is probably wrong."),
    ("extra_label", "ExtraLabel", "A given label is probably too many."),
    ("missing_label", "MissingLabel", "A label is probably missing."),
)
_PLACES = {name: i for i, (name, _, _) in enumerate(_RULES)}


def sarif(verdict: Verdict, version: str) -> str:
    """Return failed rules and the worst issues as SARIF, at most 5,000 results together.

    A result names its row. It points at the line where rows of the file are lines, else at the
    first one.

    Parameters
    ----------
    verdict : Verdict
    version : str
        Of labelaudit.
    """
    rules = [*verdict.failed, *verdict.warned]
    results = [_rule_result(verdict, each) for each in rules]
    results += [_issue_result(each) for each in verdict.worst[: MOST_RESULTS - len(results)]]
    number = verdict.baseline.new if verdict.baseline is not None else verdict.issues
    driver = {
        "name": "labelaudit",
        "semanticVersion": version,
        "rules": [_described(*each) for each in _RULES],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {"issues": number, "issuesShown": len(results) - len(rules)},
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _described(name: str, title: str, text: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": title,
        "shortDescription": {"text": text},
        "fullDescription": {"text": text},
        "help": {"text": "Look at the row and mend its label, or accept it in the baseline."},
        "defaultConfiguration": {"level": "warning"},
    }


def _rule_result(verdict: Verdict, outcome: RuleOutcome) -> dict[str, Any]:
    text = f"{safe(outcome.rule, 200)} does not hold: {safe(outcome.why, 500)}"
    path = verdict.files[0] if verdict.files else ""
    return {
        "ruleId": "gate",
        "ruleIndex": _PLACES["gate"],
        "level": "error" if outcome.failed else "warning",
        "message": {"text": text},
        "locations": [_location(path)],
        "partialFingerprints": _fingerprints(fingerprint(outcome)),
    }


def _issue_result(line: IssueLine) -> dict[str, Any]:
    text = f"{issue_sentence(line)} (key {safe(line.key)}, row {line.row})."
    return {
        "ruleId": line.kind,
        "ruleIndex": _PLACES[line.kind],
        "level": _LEVELS.get(line.severity, "warning"),
        "message": {"text": text},
        "locations": [_location(line.file, line.line, line.row)],
        "partialFingerprints": _fingerprints(line.issue_id),
        "properties": {"labelQuality": line.quality, "severity": line.severity},
    }


def _fingerprints(mark: str) -> dict[str, str]:
    """Tell results apart that stand in one line: GitHub goes by the second of these alone."""
    return {"labelaudit/v1": mark, "primaryLocationLineHash": mark}


def _location(path: str, line: int = 1, row: int | None = None) -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": file_uri(path)},
            "region": {"startLine": line},
        }
    }
    if row is not None:
        place["logicalLocations"] = [{"name": f"row {row}", "kind": "element"}]
    return place
