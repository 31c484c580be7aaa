"""The summary of an aggregation, against its schema and against literal values."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from labelaudit.crowd_findings import GoldAccuracy
from labelaudit.findings import Estimate
from labelaudit.reports.crowd_summary import crowd_document
from labelaudit.reports.summary import to_json
from tests.reports.crowd_builders import consensus

SCHEMA = json.loads(files("labelaudit.reports").joinpath("crowd.schema.json").read_text("utf-8"))


def document(**changes: Any) -> dict[str, Any]:
    outputs = [{"content": "workers", "format": "csv", "path": "w.csv"}]
    text = to_json(crowd_document(consensus(**changes), version="9.9", outputs=outputs))
    found: dict[str, Any] = json.loads(text)
    return found


def test_schema_accepts_the_document_and_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document(), SCHEMA)
    share = Estimate(0.5, 0.4, 0.6)
    known = document(gold_accuracy=GoldAccuracy(10, share, share), soft_differs=3)
    jsonschema.validate(known, SCHEMA)
    assert known["counts"]["soft_differs"] == 3


@pytest.mark.parametrize("key", ["counts", "agreement", "majority", "weak_workers", "mapping"])
def test_schema_rejects_a_document_without(key: str) -> None:
    broken = {name: value for name, value in document().items() if name != key}
    with pytest.raises(jsonschema.ValidationError, match=f"'{key}' is a required property"):
        jsonschema.validate(broken, SCHEMA)


def test_numbers() -> None:
    found = document()
    assert found["counts"] == {
        "tasks": 3,
        "labelled_tasks": 2,
        "workers": 4,
        "classes": 3,
        "rows": 20,
        "votes": 12,
        "abstained": 3,
        "null_labels": 2,
        "nameless": 1,
        "repeated": 2,
        "conflicting": 1,
        "dropped": 2,
        "gold": 0,
        "ties": 1,
        "changed_from_majority": 1,
        "soft_differs": None,
    }
    assert found["inputs"] == ["votes.csv"]
    assert found["weak_workers"]["count"] == 2
    assert found["weak_workers"]["workers"][0]["worker"] == "blind"
    assert found["agreement"]["alpha"] == {"value": 0.4321, "low": 0.4, "high": 0.5}
    assert found["pairs"] == [{"true": "dog", "given": "cat", "expected": 3.6, "share": 0.25}]
    assert found["outputs"][0]["path"] == "w.csv"


def test_what_cannot_be_told_is_null() -> None:
    nan = float("nan")
    verdict = consensus().certificate
    lone = type(verdict)("Cannot be said.", 0, Estimate(nan, nan, nan), nan, 0.0)
    found = document(certificate=lone)
    assert found["majority"]["same"] == {"value": None, "low": None, "high": None}
    assert found["majority"]["pattern_share"] is None
    jsonschema.validate(found, SCHEMA)
