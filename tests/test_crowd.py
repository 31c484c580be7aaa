"""``labelaudit.aggregate`` from Python."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import labelaudit
from labelaudit.errors import UsageError

ROWS = [
    *(("t1", "a", "x"), ("t1", "b", "y"), ("t1", "c", "x")),
    *(("t2", "a", "y"), ("t2", "b", "y"), ("t3", "c", "x")),
]
FRAME = pd.DataFrame(ROWS, columns=["task", "worker", "label"])


def labels(votes: Any, *more: Any, **options: Any) -> list[Any]:
    result = labelaudit.aggregate(votes, *more, **{"method": "majority", **options})
    found: list[Any] = result.consensus["label"].to_pylist()
    return found


@pytest.mark.parametrize(
    "votes",
    [
        FRAME,
        FRAME.astype("category"),
        FRAME.set_index("task"),
        pl.DataFrame(ROWS, schema=["task", "worker", "label"], orient="row"),
        duckdb.sql(
            "SELECT * FROM (VALUES ('t1', 'a', 'x'), ('t2', 'a', 'y'), ('t3', 'a', 'x')) "
            "AS v(task, worker, label)"
        ),
        pa.table(FRAME).to_reader(),
        {name: FRAME[name].tolist() for name in FRAME},
    ],
    ids=["pandas", "categories", "index", "polars", "duckdb", "stream", "dict"],
)
def test_tables(votes: Any) -> None:
    assert labels(votes) == ["x", "y", "x"]


@pytest.mark.parametrize(
    "gold",
    [
        {"t1": "y"},
        pd.Series({"t1": "y"}),
        pd.DataFrame({"task": ["t1"], "label": ["y"]}),
    ],
    ids=["mapping", "series", "frame"],
)
def test_known_labels(gold: Any) -> None:
    assert labels(FRAME, gold=gold) == ["y", "y", "x"]


def test_matrix_of_votes() -> None:
    assert labels(np.array([[1.0, np.nan, 1.0], [0.0, 0.0, 1.0]])) == [1, 0]
    assert labels([["x", None], ["y", "y"]]) == ["x", "y"]
    assert labels(np.array([[True, False, False]]), abstain=False) == [True]


def test_labels_and_classes_keep_their_types() -> None:
    result = labelaudit.aggregate([1, 1, 2], [5, 6, 5], [3, 3, 5], classes=[5, 4, 3])
    assert result.consensus["label"].to_pylist() == [3, 5]
    assert result.understanding.classes == ("5", "4", "3")
    assert result.workers["worker"].to_pylist() == [5, 6]


def test_extras() -> None:
    plain = labelaudit.aggregate(FRAME)
    assert plain.confusion is not None
    assert (plain.soft, plain.top_two) == (None, None)
    full = labelaudit.aggregate(FRAME, soft="share", extras=("top-two",))
    assert full.confusion is None
    assert full.soft is not None
    assert full.soft["probs"].to_pylist()[1] == [0.0, 1.0]
    assert full.top_two is not None
    assert full.top_two["second"].to_pylist() == ["y", "x", "y"]


def test_tasks_without_votes_have_no_label() -> None:
    result = labelaudit.aggregate([1, 2], ["a", "a"], ["x", None])
    row = result.consensus.to_pylist()[1]
    assert (row["label"], row["confidence"], row["n_votes"]) == (None, None, 0)
    known = labelaudit.aggregate([1, 2], ["a", "a"], ["x", None], gold={2: "x"})
    assert known.consensus["label"].to_pylist() == ["x", "x"]


def test_seed_and_threads() -> None:
    first = labelaudit.aggregate(FRAME, seed=3, threads=1)
    second = labelaudit.aggregate(FRAME, seed=3, threads=3)
    assert first.consensus.equals(second.consensus)
    assert first.agreement == second.agreement


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "dawid-skeen"}, "no method 'dawid-skeen'"),
        ({"soft": "shares"}, "no way to make soft labels 'shares'"),
        ({"level": "ratio"}, "no level of measurement 'ratio'"),
        ({"level": "interval"}, "a number for each class"),
        ({"extras": ("conf",)}, "no table 'conf'"),
        ({"duplicates": "none"}, "'none'"),
        ({"seed": -1}, "The seed is -1"),
        ({"gold": 5}, "Gold labels cannot be of type int"),
        ({"worker": "nobody"}, "no column nobody"),
    ],
)
def test_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        labelaudit.aggregate(FRAME, **options)


def test_interval_level() -> None:
    result = labelaudit.aggregate([1, 1, 2, 2], ["a", "b"] * 2, [3, 4, 1, 1], level="interval")
    # Ordered pairs differ by 2 within tasks (squared), by 54 among all four values.
    assert result.agreement.alpha.value == pytest.approx(1 - 3 * 2 / 54)


def test_a_result_is_written_out_as_on_the_command_line() -> None:
    said = labelaudit.report(labelaudit.aggregate(FRAME, method="majority"), 60)
    assert "6 votes by 3 workers give 3 labels for 3 tasks." in said
    assert max(map(len, said.splitlines())) <= 60
