"""Exports of tables with several labels a row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labelaudit
from labelaudit.errors import UsageError
from labelaudit.tables.cleaned_tags import TagEdits
from tests.in_process import call

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["sun", "sea", "cat", "dog"]
KINDS = [
    pa.list_(pa.string()),
    pa.large_list(pa.large_string()),
    pa.list_(pa.dictionary(pa.int32(), pa.string())),
]


def edited(rows: list[list[int] | None], edits: dict[tuple[int, int], bool]) -> list[Any]:
    """The slow, obvious way."""
    out: list[Any] = []
    for row, tags in enumerate(rows):
        stay = [tag for tag in tags or [] if edits.get((row, tag), True)]
        new = [tag for tag in range(4) if edits.get((row, tag), False)]
        out.append(None if tags is None else [NAMES[tag] for tag in [*stay, *new]])
    return out


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.lists(st.integers(0, 3), unique=True)), max_size=8),
    st.sampled_from(KINDS[:2]),
    st.data(),
)
def test_labels_are_taken_out_and_put_in(rows, kind, data) -> None:
    edits = {}
    for row, tags in enumerate(rows):
        for tag in range(4) if tags is not None else ():
            if data.draw(st.booleans()):
                edits[row, tag] = tag not in tags
    order = data.draw(st.permutations(list(edits)))
    found = TagEdits.of(
        np.array([row + 100 for row, _ in order], np.int64),
        np.array([tag for _, tag in order], np.int32),
        np.array([edits[each] for each in order], np.bool_),
        pa.array(NAMES, pa.large_string()),
    )
    column = pa.array(
        [None if tags is None else [NAMES[tag] for tag in tags] for tags in rows], kind
    )
    out = found.edited(column, 100)
    assert out.type == kind
    assert out.to_pylist() == edited(rows, edits)
    cut = found.edited(column.slice(1), 101)
    assert cut.to_pylist() == out.slice(1).to_pylist()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 rows with four tags; every class has errors of both kinds."""
    folder = tmp_path_factory.mktemp("tags")
    rng = np.random.default_rng(1)
    true = rng.random((2000, 4)) < 0.4
    given = true ^ (rng.random((2000, 4)) < 0.04)
    probs = np.where(true, 0.995, 0.005) + rng.normal(0, 0.001, (2000, 4))
    rows = [
        {
            "id": f"r{i}",
            "labels": [name for name, here in zip(NAMES, given[i], strict=True) if here],
            "pred_probs": [round(float(p), 5) for p in probs[i].clip(0, 1)],
            "true": [name for name, here in zip(NAMES, true[i], strict=True) if here],
        }
        for i in range(2000)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "tags.jsonl").write_text(lines, "utf-8")
    pq.write_table(pa.Table.from_pylist(rows), folder / "tags.parquet", row_group_size=300)
    return folder


def run(data: Path, *arguments: str, code: int = 0) -> Any:
    options = ["-l", "labels", "-p", "pred_probs", "--classes", ",".join(NAMES), "--force"]
    done = call("export", *arguments, *options, cwd=data)
    assert done.code == code, done.err
    return done


def objects(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_relabelled_lists(data: Path) -> None:
    outputs = ["-o", "out.jsonl", "-o", "out.parquet", "-o", "changes:ch.jsonl", "-q"]
    run(data, "tags.jsonl", "--policy", "relabel", *outputs)
    before, after = objects(data / "tags.jsonl"), objects(data / "out.jsonl")
    changes = objects(data / "ch.jsonl")
    assert len(changes) > 100
    tags = [set(row["labels"]) for row in before]
    for change in changes:
        assert change["given_label"] == (
            "present" if change["class"] in tags[change["row"]] else "absent"
        )
        tags[change["row"]] ^= {change["class"]}
    assert [set(row["labels"]) for row in after] == tags
    assert [row["label_given"] for row in after] == [row["labels"] for row in before]
    changed = {change["row"] for change in changes}
    for i, row in enumerate(after):
        assert (row["label_source"] == "suggested") == (i in changed)
    wrong = [sum(row["labels"] != row["true"] for row in rows) for rows in (before, after)]
    assert sum(set(row["labels"]) != set(row["true"]) for row in after) < wrong[0] / 3
    assert pq.read_table(data / "out.parquet")["labels"].to_pylist() == [
        row["labels"] for row in after
    ]


def test_exporting_twice_changes_no_row_again(data: Path) -> None:
    run(data, "tags.parquet", "--policy", "relabel", "-o", "once.parquet", "-q")
    done = run(
        data, "once.parquet", "--policy", "relabel", "-o", "twice.parquet", "-o", "changes:c.jsonl"
    )
    assert "by an earlier export" in done.out
    once = pq.read_table(data / "once.parquet")["label_source"].to_pylist()
    again = {change["row"] for change in objects(data / "c.jsonl")}
    assert not again & {i for i, source in enumerate(once) if source == "suggested"}


def test_rows_are_dropped_or_marked(data: Path) -> None:
    table = pq.read_table(data / "tags.parquet")
    options = {"labels": "labels", "probs": "pred_probs", "classes": NAMES}
    found = labelaudit.find_issues(table, **options).table
    flagged = set(found["row"].to_pylist())
    dropped = labelaudit.export_labels(table, policy="drop", **options)
    assert dropped.rows_in == dropped.rows_out + dropped.dropped == 2000
    assert dropped.table()["id"].to_pylist() == [f"r{i}" for i in range(2000) if i not in flagged]
    ids = set(dropped.ledger["issue_id"].to_pylist())
    assert ids == set(found["issue_id"].to_pylist())
    marked = labelaudit.export_labels(table, policy="flag", **options).table().to_pylist()
    assert {i for i, row in enumerate(marked) if row["label_issue"]} == flagged
    assert all((row["label_suggested"] is not None) == row["label_issue"] for row in marked)
    assert [row["labels"] for row in marked] == table["labels"].to_pylist()


def test_what_cannot_be(data: Path) -> None:
    wide = pa.table(
        {
            **{f"tag_{name}": [0, 1] * 50 for name in NAMES},
            **{f"p_{name}": [0.1, 0.9] * 50 for name in NAMES},
        }
    )
    with pytest.raises(UsageError, match="one column per class"):
        labelaudit.export_labels(wide, labels="tag_*", probs="p_*", task="multilabel")
    done = run(data, "tags.parquet", "--policy", "drop", "--weights", "-o", "x.csv", code=2)
    assert "for one label a row" in done.err
