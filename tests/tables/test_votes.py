from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelaudit.errors import InputError, InvalidDataError, NothingToAuditError, UsageError
from labelaudit.tables.vote_options import VoteOptions
from labelaudit.tables.votes import open_votes
from labelaudit.tables.votes_memory import memory_votes

if TYPE_CHECKING:
    from pathlib import Path

    from labelaudit.tables.vote_reading import Votes

ROWS = [
    ("t1", "ann", "cat"),
    ("t1", "bob", "dog"),
    ("t2", "ann", "dog"),
    ("t2", "cy", "dog"),
    ("t3", "bob", "cat"),
]


def table(rows: list[tuple[Any, Any, Any]] | None = None, **types: Any) -> pa.Table:
    columns = zip(*(ROWS if rows is None else rows), strict=True)
    return pa.table(
        {
            name: pa.array(values, types.get(name))
            for name, values in zip(("task", "worker", "label"), columns, strict=True)
        }
    )


def read(data: pa.Table, **options: Any) -> Votes:
    return memory_votes(data, None, None, VoteOptions(**options)).read()


def said(votes: Votes) -> list[tuple[Any, Any, Any]]:
    """Votes as (task, worker, label), in the order of the block."""
    block = votes.block
    task = np.repeat(np.arange(block.n_tasks), np.diff(block.task_start))
    ids = votes.tasks.to_pylist(), votes.workers.to_pylist(), votes.classes.values.to_pylist()
    places = zip(task.tolist(), block.worker.tolist(), block.label.tolist(), strict=True)
    return [(ids[0][t], ids[1][w], ids[2][k]) for t, w, k in places]


def test_long() -> None:
    votes = read(table())
    assert said(votes) == ROWS
    assert votes.block.task_start.tolist() == [0, 2, 4, 5]
    assert votes.classes.names == ("cat", "dog")
    assert (votes.block.n_workers, votes.block.n_classes) == (3, 2)
    assert votes.block.gold.tolist() == [-1, -1, -1]
    assert (votes.counts.rows, votes.counts.votes, votes.warnings) == (5, 5, ())


def write(data: pa.Table, path: Path) -> str:
    if path.suffix == ".parquet":
        pq.write_table(data, path, row_group_size=2)
    elif path.suffix == ".csv":
        pa_csv.write_csv(data, path)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in data.to_pylist()), "utf-8")
    else:
        with pa.ipc.new_file(path, data.schema) as writer:
            writer.write_table(data, max_chunksize=2)
    return str(path)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl", "arrow"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    path = write(table(), tmp_path / f"votes.{suffix}")
    assert said(open_votes([path], VoteOptions()).read()) == ROWS


def test_several_files(tmp_path: Path) -> None:
    write(table(ROWS[3:]), tmp_path / "b.parquet")
    write(table(ROWS[:3]), tmp_path / "a.parquet")
    assert said(open_votes([str(tmp_path)], VoteOptions()).read()) == ROWS


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("item", "annotator", "answer"), {}),
        (("Question_ID", "Rater", "vote"), {}),
        (("id", "user", "label"), {}),
        (("x", "y", "z"), {"task": "x", "workers": ("y",), "label": "z"}),
    ],
)
def test_column_names(names: tuple[str, str, str], options: dict[str, Any]) -> None:
    assert said(read(table().rename_columns(names), **options)) == ROWS


def test_row_ids_are_no_tasks_beside_a_task_column() -> None:
    numbered = table().append_column("id", pa.array(range(5)))
    assert said(read(numbered)) == ROWS


def wide() -> pa.Table:
    return pa.table(
        {
            "task": ["t3", "t1", "t2"],
            "cy": [None, None, "dog"],
            "bob": ["cat", "dog", None],
            "ann": [None, "cat", "dog"],
        }
    )


def wide_with_text() -> pa.Table:
    texts = [f"text {i}" for i in range(6)]
    return pa.table({"task": range(6), "text": texts, "a": ["x", "y"] * 3, "b": ["y"] * 6})


def test_wide_is_long() -> None:
    votes = read(wide())
    assert said(votes) == ROWS
    assert votes.counts.null_labels == 0


def test_wide_by_glob_without_tasks() -> None:
    matrix = wide().drop_columns("task").rename_columns(["lf_c", "lf_b", "lf_a"])
    votes = read(matrix.append_column("text", pa.array(["x", "y", "z"])), workers=("lf_*",))
    assert votes.tasks.to_pylist() == [0, 1, 2]
    assert said(votes) == [
        (0, "lf_b", "cat"),
        (1, "lf_a", "cat"),
        (1, "lf_b", "dog"),
        (2, "lf_a", "dog"),
        (2, "lf_c", "dog"),
    ]


def test_wide_task_that_nobody_was_asked() -> None:
    votes = read(pa.table({"task": [1, 2], "a": ["x", None], "b": ["y", None]}))
    assert votes.block.task_start.tolist() == [0, 2, 2]


def test_wide_integers_that_a_data_frame_made_floats() -> None:
    frame = pd.DataFrame({"task": [7, 8], "a": [1, 0], "b": [np.nan, 2.0]})
    votes = read(pa.table(frame))
    assert said(votes) == [(7, "a", 1), (8, "a", 0), (8, "b", 2)]


BIG = 2**53


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        (pa.int64(), [BIG, BIG + 1, BIG + 2]),
        (pa.uint64(), [1, 2, 2**64 - 1]),
        (pa.large_string(), ["", "NA", "é"]),
        (pa.bool_(), [False, True]),
        (pa.binary(), [b"\x00", b"\x01", b"\xff"]),
        (pa.binary(2), [b"aa", b"ab"]),
        (pa.date32(), [date(2020, 1, 2), date(2020, 1, 3)]),
        (pa.float64(), [0.25, 0.5]),
        (pa.dictionary(pa.int8(), pa.string()), ["a", "b"]),
    ],
)
def test_ids_of_any_type(kind: pa.DataType, ids: list[Any]) -> None:
    rows = [(each, "ann", "x") for each in reversed(ids)]
    votes = read(table(rows, task=kind))
    assert votes.tasks.to_pylist() == ids
    rows = [("t", each, "x") for each in reversed(ids)]
    assert read(table(rows, worker=kind)).workers.to_pylist() == ids


def test_ids_with_a_null_are_not_rounded() -> None:
    votes = read(table([(BIG + 1, "a", 1), (None, "a", 1), (BIG, "a", 0)]))
    assert votes.tasks.to_pylist() == [BIG, BIG + 1]
    assert votes.counts.nameless == 1
    assert votes.warnings == ("1 vote without a task or a worker: left out.",)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([10, 2, 10], ("2", "10")),
        ([True, False, True], ("false", "true")),
        ([1.0, 0.0, float("nan")], ("0", "1")),
        ([0.5, 1.5, 0.5], ("0.5", "1.5")),
    ],
)
def test_labels_of_any_type(labels: list[Any], names: tuple[str, ...]) -> None:
    rows = [("t", f"w{i}", label) for i, label in enumerate(labels)]
    assert read(table(rows)).classes.names == names


def test_nulls_and_abstentions_are_no_votes() -> None:
    rows = [*ROWS, ("t3", "ann", None), ("t3", "cy", "skip"), ("t4", "ann", "skip")]
    votes = read(table(rows), abstain=("skip",))
    assert said(votes) == ROWS
    assert votes.tasks.to_pylist() == ["t1", "t2", "t3", "t4"]
    assert (votes.counts.abstained, votes.counts.null_labels) == (2, 1)


def test_numbers_abstain() -> None:
    votes = read(table([("t", "a", -1), ("t", "b", 1), ("t", "c", 0)]), abstain=("-1",))
    assert (votes.classes.names, votes.counts.abstained) == (("0", "1"), 1)


def test_abstention_that_never_occurs() -> None:
    assert "'skp'" in read(table(), abstain=("skp",)).warnings[0]


REPEATED = [("t", "a", "x"), ("t", "b", "x"), ("t", "a", "y"), ("t", "a", "x"), ("t", "b", "x")]


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ("last", [("t", "a", "x"), ("t", "b", "x")]),
        ("first", [("t", "a", "x"), ("t", "b", "x")]),
        (
            "all",
            [("t", "a", "x"), ("t", "a", "x"), ("t", "a", "y"), ("t", "b", "x"), ("t", "b", "x")],
        ),
    ],
)
def test_duplicates(keep: str, kept: list[tuple[str, str, str]]) -> None:
    votes = read(table(REPEATED), duplicates=keep)
    assert said(votes) == kept
    counts = votes.counts
    assert (counts.repeated, counts.conflicting, counts.dropped) == (3, 1, 5 - len(kept))
    assert "3 votes (60.0 %) repeat" in votes.warnings[0]


def test_the_last_and_the_first_differ() -> None:
    rows = [("t", "a", "x"), ("t", "a", "y")]
    assert said(read(table(rows))) == [("t", "a", "y")]
    assert said(read(table(rows), duplicates="first")) == [("t", "a", "x")]


def test_duplicates_refused() -> None:
    with pytest.raises(InvalidDataError, match=r"3 votes repeat .* by a on t"):
        read(table(REPEATED), duplicates="error")
    assert said(read(table(), duplicates="error")) == ROWS


def test_classes_in_order() -> None:
    votes = read(table(), classes=("dog", "fox", "cat"))
    assert votes.classes.names == ("dog", "fox", "cat")
    assert votes.block.label.tolist() == [2, 0, 0, 0, 2]
    assert said(votes) == ROWS


def test_classes_by_position() -> None:
    votes = read(table([("t", "a", 1), ("t", "b", 0)]), classes=("cat", "dog"))
    assert votes.block.label.tolist() == [1, 0]
    assert "the k-th" in votes.classes.order


def test_ordered_categories() -> None:
    frame = pd.DataFrame(ROWS, columns=["task", "worker", "label"])
    frame["label"] = pd.Categorical(frame["label"], ["dog", "cat"], ordered=True)
    assert read(pa.table(frame)).classes.names == ("dog", "cat")
    frame["label"] = frame["label"].cat.as_unordered()
    assert read(pa.table(frame)).classes.names == ("cat", "dog")


def test_class_label_names() -> None:
    features = {"label": {"names": ["no", "yes"], "_type": "ClassLabel"}}
    data = table([("t", "a", 1), ("t", "b", 0)]).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    votes = read(data)
    assert (votes.classes.names, votes.block.label.tolist()) == (("no", "yes"), [1, 0])


def test_label_outside_the_classes() -> None:
    with pytest.raises(InvalidDataError, match="2 votes for cat, which is none of the classes"):
        read(table(), classes=("dog", "fox"))


def test_gold_column() -> None:
    data = table().append_column("truth", pa.array(["dog", "dog", None, None, "cat"]))
    votes = read(data, gold="truth")
    assert votes.block.gold.tolist() == [1, -1, 0]
    assert votes.counts.gold == 2


def test_gold_column_that_contradicts_itself() -> None:
    data = table().append_column("truth", pa.array(["dog", "cat", None, None, None]))
    with pytest.raises(InvalidDataError, match="1 task with several gold labels: t1"):
        read(data, gold="truth")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_gold_file(tmp_path: Path, suffix: str) -> None:
    rows = [(i, "a", "yes") for i in (1, 2, 3)] + [(i, "b", "no") for i in (1, 2, 3)]
    known = pa.table({"task": ["3", "1"], "truth": ["no", "yes"]})
    path = write(known, tmp_path / f"gold.{suffix}")
    assert read(table(rows), gold=path).block.gold.tolist() == [1, -1, 0]


@pytest.mark.parametrize(
    ("task", "label", "words"),
    [("t9", "cat", "t9"), ("t1", "fox", "fox")],
)
def test_gold_file_of_others(tmp_path: Path, task: str, label: str, words: str) -> None:
    path = write(pa.table({"task": [task], "label": [label]}), tmp_path / "gold.csv")
    with pytest.raises(InvalidDataError, match=words):
        read(table(), gold=path)


def test_gold_that_is_nothing() -> None:
    with pytest.raises(UsageError, match="gold labels") as caught:
        read(table(), gold="lable")
    assert "Did you mean label?" in caught.value.remedy


@pytest.mark.parametrize(
    ("data", "options", "error", "words"),
    [
        (table().slice(0, 0), {}, NothingToAuditError, "no rows"),
        (table([("t", "a", None)], label=pa.string()), {}, NothingToAuditError, "no vote"),
        (table(), {"abstain": ("cat", "dog")}, NothingToAuditError, "abstentions"),
        (table(), {"label": "lable"}, UsageError, "no column lable"),
        (table().drop_columns("worker"), {}, UsageError, "looks like the workers"),
        (table().rename_columns(["a", "worker", "label"]), {}, UsageError, "like the tasks"),
        (table().append_column("rater", [["x"] * 5]), {}, UsageError, "worker, rater"),
        (table(), {"label": "worker"}, UsageError, "cannot be both the workers and the labels"),
        (
            table(),
            {"workers": ("task",), "label": "task"},
            UsageError,
            "task cannot be both the workers and the labels",
        ),
        (
            wide(),
            {"task": "ann", "workers": ("ann", "bob")},
            UsageError,
            "ann cannot be both the tasks and the votes of a worker",
        ),
        (wide(), {"workers": ("lf_*",)}, UsageError, "matches no column"),
        (wide(), {"workers": ("a*", "b*"), "label": "cy"}, UsageError, "no label column"),
        (pa.table({"task": [1], "a": ["x"]}), {}, UsageError, "like the workers"),
        (pa.table({"task": [1], "a": ["x"], "b": [2]}), {}, InputError, "of the types"),
        (pa.table({"task": [1], "a": [[1]], "b": [[2]]}), {}, UsageError, "cannot be labels"),
        (table([([1], "a", "x")]), {}, UsageError, "cannot be ids"),
        (wide_with_text(), {}, UsageError, "column text is in another one"),
    ],
)
def test_refused(
    data: pa.Table, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        read(data, **options)


def test_arrays() -> None:
    tasks, workers, labels = (list(each) for each in zip(*ROWS, strict=True))
    source = memory_votes(np.array(tasks), pd.Series(workers), pa.array(labels), VoteOptions())
    assert said(source.read()) == ROWS
    with pytest.raises(UsageError, match="5 tasks, 5 workers, 4 labels"):
        memory_votes(tasks, workers, labels[:4], VoteOptions())
    with pytest.raises(UsageError, match="one is missing"):
        memory_votes(tasks, workers, None, VoteOptions())


def test_uuids_stay_uuids() -> None:
    ids = pa.array([b"a" * 16, b"b" * 16], pa.uuid())
    data = pa.table({"task": ids, "worker": ["a", "a"], "label": ["x", "y"]})
    assert read(data).tasks.equals(ids)


def test_classes_that_nobody_chose_keep_the_type() -> None:
    votes = read(table([("t", "a", 3), ("t", "b", 5)]), classes=("3", "4", "5"))
    assert votes.classes.values.to_pylist() == [3, 4, 5]
    votes = read(table([("t", "a", 1), ("t", "b", 0)]), classes=("cat", "dog"))
    assert votes.classes.values.to_pylist() == [0, 1]


def test_matrix() -> None:
    matrix = np.array([[0, -1, 1], [-1, -1, 0]])
    votes = memory_votes(matrix, None, None, VoteOptions(abstain=("-1",))).read()
    assert said(votes) == [(0, "0", 0), (0, "2", 1), (1, "2", 0)]
    lists = memory_votes([["x", None], ["y", "x"]], None, None, VoteOptions()).read()
    assert said(lists) == [(0, "0", "x"), (1, "0", "y"), (1, "1", "x")]


vote = st.tuples(st.integers(0, 4), st.sampled_from("abc"), st.sampled_from(["x", "y", None]))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(vote, min_size=1, max_size=20, unique_by=lambda row: row[:2]),
    st.randoms(use_true_random=False),
)
def test_order_of_rows_does_not_matter(rows: list[Any], random: Any) -> None:
    if all(row[2] is None for row in rows):
        return
    mixed = rows.copy()
    random.shuffle(mixed)
    types = {"label": pa.string()}
    first, second = read(table(rows, **types)), read(table(mixed, **types))
    expected = sorted(row for row in rows if row[2] is not None)
    assert said(first) == said(second) == expected
    assert first.counts == second.counts


@pytest.mark.parametrize("length", [300, 3])
def test_long_names_of_tasks_count_for_the_memory_expected(tmp_path, length):
    columns = {"worker": ["ann", "bob"], "label": ["x", "x"]}
    pq.write_table(pa.table({"task": ["t" * length] * 2, **columns}), tmp_path / "votes.parquet")
    expected = open_votes([str(tmp_path)], VoteOptions()).memory_expected
    at_most = 250_000_000 + 2 * 100
    assert (expected > at_most + 2 * 5 * 250) if length == 300 else (expected == at_most)
