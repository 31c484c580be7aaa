"""Code Quality reports, by what GitLab says it needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest

from labelaudit.reports.gitlab import code_quality
from tests.reports.gate_builders import FAILED, hostile, verdict

if TYPE_CHECKING:
    from labelaudit.verdicts import Verdict

# GitLab's documentation names these fields and values, and reads no others.
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]+$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


@pytest.mark.parametrize("made", [verdict(), hostile()], ids=["plain", "hostile"])
def test_it_has_what_gitlab_needs(made: Verdict) -> None:
    entries = json.loads(code_quality(made))
    jsonschema.validate(entries, SCHEMA)
    assert len(entries) == len(made.failed) + len(made.warned) + len(made.worst)
    marks = [each["fingerprint"] for each in entries]
    assert len(set(marks)) == len(marks)


def test_equal_rules_are_told_apart() -> None:
    entries = json.loads(code_quality(verdict(outcomes=(FAILED, FAILED), worst=())))
    assert entries[0]["fingerprint"] != entries[1]["fingerprint"]


def test_entries() -> None:
    entries = json.loads(code_quality(verdict(files=("./data/pets.parquet",))))
    assert entries[0]["description"] == (
        "error_rate.low <= 2% does not hold: error_rate.low is 3.1 %, more than 2 %."
    )
    assert [each["severity"] for each in entries] == [
        *("critical", "minor"),
        *("major", "minor", "major"),
    ]
    assert entries[2]["fingerprint"] == "0" * 16
    assert entries[0]["location"] == {"path": "data/pets.parquet", "lines": {"begin": 1}}
