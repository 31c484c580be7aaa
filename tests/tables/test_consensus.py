"""Codes and numbers to tables."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from labelaudit.tables.consensus import (
    coded,
    confusion_table,
    measured,
    pairs_as_text,
    soft_table,
    table_of,
)


def codes(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def test_codes_become_values() -> None:
    values = pa.array(["cat", "dog"])
    assert coded(codes(1, 0, 1), values).to_pylist() == ["dog", "cat", "dog"]
    assert coded(codes(1, -1), pa.array([2**53 + 1, 2**53 + 3])).to_pylist() == [2**53 + 3, None]


def test_no_number_is_null() -> None:
    column = measured(np.array([0.5, np.nan, 1.0] * 5))
    assert column.to_pylist() == [0.5, None, 1.0] * 5
    assert column.null_count == 5


def test_columns_by_kind() -> None:
    table = table_of(
        {
            "a": pa.array(["x", "y"]),
            "b": np.array([True, False]),
            "c": np.array([1, 2]),
            "d": np.array([np.nan, 2.0]),
        }
    )
    assert table.to_pylist() == [
        {"a": "x", "b": True, "c": 1, "d": None},
        {"a": "y", "b": False, "c": 2, "d": 2.0},
    ]


def test_pairs() -> None:
    names = ("a", "b", "c")
    text = pairs_as_text(codes(0, -1, 2, 0), codes(1, -1, 0, 1), names)
    assert text.to_pylist() == ["a -> b", None, "c -> a", "a -> b"]


def test_confusion() -> None:
    matrices = np.array([[[0.75, 0.25], [0.5, 0.5]], [[1.0, 0.0], [0.125, 0.875]]])
    table = confusion_table(matrices, pa.array([7, 8]), pa.array(["n", "y"]))
    rows = [tuple(row.values()) for row in table.to_pylist()]
    assert rows[:4] == [
        (7, "n", "n", 0.75),
        (7, "n", "y", 0.25),
        (7, "y", "n", 0.5),
        (7, "y", "y", 0.5),
    ]
    assert rows[6] == (8, "y", "n", 0.125)


def test_soft_labels_carry_their_classes() -> None:
    table = soft_table(pa.array([1, 2]), pa.array(["y", "n"]), np.eye(2), ("n", "y"))
    assert table["probs"].to_pylist() == [[1.0, 0.0], [0.0, 1.0]]
    assert json.loads(table.schema.metadata[b"classes"]) == ["n", "y"]
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["label"] == {"names": ["n", "y"], "_type": "ClassLabel"}
    assert features["task"]["dtype"] == "int64"
