"""The summary as JSON, against its schema and against literal values."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import jsonschema
import pyarrow as pa
import pytest

from labelaudit.audits.settings import AuditSettings
from labelaudit.reports.summary import inspection_document, summary_document, to_json
from tests.reports import builders
from tests.reports.builders import SCHEMA


def document(result: Any = None, **more: Any) -> dict[str, Any]:
    settings = asdict(AuditSettings())
    return summary_document(result or builders.result(), version="9.9", settings=settings, **more)


def test_schema_accepts_the_document_and_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(to_json(document())), SCHEMA)


@pytest.mark.parametrize(
    "key", ["counts", "error_rate", "joint", "mapping", "exit_code", "schema_version"]
)
def test_schema_rejects_a_document_without(key: str) -> None:
    broken = {k: v for k, v in document().items() if k != key}
    with pytest.raises(jsonschema.ValidationError, match=f"'{key}' is a required property"):
        jsonschema.validate(broken, SCHEMA)


def test_numbers_of_the_audit() -> None:
    found = document()
    assert found["counts"] == {"rows": 1000, "issues": 3, "invalid_rows": 2}
    assert found["error_rate"] == {
        "low": 0.002,
        "point": 0.03,
        "high": 0.04,
        "face_value": {"value": 0.004, "low": 0.002, "high": 0.006},
        "most": {"value": 0.03, "low": 0.02, "high": 0.04},
    }
    assert found["tool"] == {"name": "labelaudit", "version": "9.9"}
    assert found["inputs"] == ["pets.parquet"]
    assert found["flagged"] == {"prune_by_class": 3, "rcp": 3}
    assert found["pairs"] == [
        {"given": "cat", "true": "dog", "estimated": 30, "share": 0.06, "issues": 2}
    ]
    assert found["problems"][0]["rows"] == [7, 9]


def test_nan_becomes_null() -> None:
    found = json.loads(to_json(document()))
    assert found["classes"][2]["threshold"] is None
    assert found["classes"][2]["mean_quality"] is None
    assert found["calibration"]["ece"] is None


def test_json_text_has_no_nan_even_by_mistake() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        to_json({"x": float("nan")})


def test_settings_say_what_was_done_not_what_was_left_open() -> None:
    assert document()["settings"]["score"] == "rcp"


def large() -> Any:
    small = builders.result()
    names = tuple(f"c{i}" for i in range(51))
    return replace(small, understanding=replace(small.understanding, classes=names))


def test_large_joint_is_left_to_an_output() -> None:
    found = document(large())
    assert found["joint"] == {
        "n_classes": 51,
        "cells": None,
        "path": None,
        "note": "More than 50 classes: ask for it with -o joint:joint.parquet.",
    }


def test_large_joint_says_which_output_has_it() -> None:
    outputs = [{"content": "joint", "format": "parquet", "path": "joint.parquet"}]
    found = document(large(), outputs=outputs)
    assert found["joint"]["path"] == "joint.parquet"
    assert found["joint"]["note"] is None


def test_small_joint_is_there() -> None:
    assert document()["joint"]["cells"][1] == {
        "given": "cat",
        "true": "dog",
        "count": 30,
        "calibrated": 30,
        "joint": 0.03,
        "given_if_true": 0.09,
        "true_if_given": 0.06,
    }


def test_at_most_twenty_pairs() -> None:
    small = builders.result()
    many = document(replace(small, pairs=pa.concat_tables([small.pairs] * 30)))
    assert len(many["pairs"]) == 20


def test_groups_are_rows_or_null() -> None:
    groups = pa.table({"group": ["a"], "rows": [5], "issues": [1], "issue_rate": [0.2]})
    assert document()["groups"] is None
    found = document(builders.result(groups=groups))
    assert found["groups"] == [{"group": "a", "rows": 5, "issues": 1, "issue_rate": 0.2}]
    jsonschema.validate(found, SCHEMA)


def test_inspection() -> None:
    found = inspection_document(
        builders.inspection(problems=(builders.PROBLEM,)), version="9.9", exit_code=3
    )
    assert found["classes"][0] == {"class": "cat", "rows": 500}
    assert found["problems"][0]["kind"] == "nan_probability"
    assert found["exit_code"] == 3


def test_inspection_of_what_could_not_be_understood() -> None:
    found = inspection_document(builders.inspection(understanding=None), version="9.9", exit_code=3)
    assert found["mapping"] is None
    assert found["classes"] == []
