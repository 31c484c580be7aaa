"""Labels that are none of the classes are told by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit.errors import InvalidDataError

if TYPE_CHECKING:
    from pathlib import Path

PROBS = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]] * 10


def table(labels: list[Any]) -> pa.Table:
    return pa.table({"label": labels, "pred_probs": PROBS})


def test_names_of_labels_and_classes(tmp_path: Path) -> None:
    labels = ["cat", "dog", "owl"] * 10
    labels[4], labels[7], labels[8] = "dgo", "Cat\x1b[1m", "dgo"
    path = tmp_path / "pets.parquet"
    pq.write_table(table(labels), path)
    for data in (path, table(labels)):
        with pytest.raises(InvalidDataError) as error:
            labelaudit.find_issues(data, classes=["cat", "dog", "owl"])
        (said,) = error.value.problems
        assert said == (
            "3 rows have a label that is none of the classes (rows 4, 7, 8): "
            "Cat\\x1b[1m, dgo are not among cat, dog, owl."
        )


def test_many_of_them() -> None:
    labels = ["cat", "dog", "owl", *(f"x{i}" for i in range(9)), *["cat", "dog"] * 9]
    with pytest.raises(InvalidDataError) as error:
        labelaudit.find_issues(table(labels), classes=["cat", "dog", "owl"])
    said = ": x0, x1, x2, x3, x4, x5 and 3 more are not among cat, dog, owl."
    assert error.value.found.endswith(said)


def test_numbers_beside_other_problems() -> None:
    labels = [0, 1, 2] * 10
    labels[1] = 7
    whole = table([None, *labels[1:]])
    with pytest.raises(InvalidDataError) as error:
        labelaudit.find_issues(whole, classes=["0", "1", "2"])
    assert error.value.problems == (
        "1 row has no label (row 0).",
        "1 row has a label that is none of the classes (row 1): 7 is not among 0, 1, 2.",
    )
