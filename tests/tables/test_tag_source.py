"""How tables with several labels a row are understood and read."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from labelaudit.blocks import TAG_STATUSES
from labelaudit.errors import LabelauditError, UsageError
from labelaudit.tables import ReadOptions, memory_labels, open_labels

LISTS = [["a", "b"], [], None, ["c"]]
GIVEN = [[1, 1, 0], [0, 0, 0], [-1, -1, -1], [0, 0, 1]]
P = np.array([[0.9, 0.8, 0.1], [0.2, 0.1, 0.3], [0.5, 0.5, 0.5], [0.1, 0.2, 0.7]])
FLAGS = {
    "label_a": [1, 0, None, 0],
    "label_b": [1, 0, None, 0],
    "label_c": [0, 0, None, 1],
}


def whole(source):
    """Everything that the blocks of a source say."""
    blocks = [block for part in source.partitions for block in part.blocks()]
    for block in blocks:
        assert block.given.dtype == np.int8
        assert block.probs.flags.c_contiguous
        assert not block.probs.flags.writeable
    status = [np.zeros(len(b), np.uint8) if b.status is None else b.status for b in blocks]
    return (
        np.concatenate([block.given for block in blocks]),
        np.concatenate([block.probs for block in blocks]),
        [TAG_STATUSES[code] for code in np.concatenate(status)],
    )


def checked(source, probs=P):
    given, found, status = whole(source)
    assert source.understanding.task == "multilabel"
    np.testing.assert_array_equal(given, GIVEN)
    np.testing.assert_array_equal(found[[0, 1, 3]], probs[[0, 1, 3]])
    assert set(status) == {"sound"}


def fixed(probs=P):
    return pa.FixedSizeListArray.from_arrays(pa.array(probs.ravel()), probs.shape[1])


@pytest.mark.parametrize(
    "labels",
    [
        pa.array(LISTS, pa.list_(pa.string())),
        pa.array(LISTS, pa.large_list(pa.large_string())),
        pa.array(LISTS, pa.list_(pa.dictionary(pa.int8(), pa.string()))),
    ],
    ids=["list", "large list", "dictionary"],
)
@pytest.mark.parametrize(
    "probs",
    [
        fixed(),
        pa.array(P.tolist(), pa.list_(pa.float64())),
        pa.array([dict(zip("cab", row[[2, 0, 1]], strict=True)) for row in P]),
    ],
    ids=["fixed", "list", "struct"],
)
def test_lists_of_names(labels, probs):
    source = memory_labels(pa.table({"labels": labels, "probs": probs}))
    if source.classes == ("c", "a", "b"):
        source = memory_labels(
            pa.table({"labels": labels, "probs": probs}), None, ReadOptions(classes=tuple("abc"))
        )
    checked(source)


def test_lists_of_numbers_and_arrays():
    codes = [[0, 1], [], None, [2]]
    checked(memory_labels(codes, P))
    matrix = np.array([[1, 1, 0], [0, 0, 0], [np.nan] * 3, [0, 0, 1]])
    checked(memory_labels(matrix, P))
    checked(memory_labels(np.ma.masked_invalid(matrix), P))
    given, _, _ = whole(memory_labels(np.array(GIVEN[3:] * 4, np.bool_), P))
    np.testing.assert_array_equal(given, GIVEN[3:] * 4)


def test_columns_of_flags_in_any_order():
    wide = {f"p_{name}": P[:, k] for k, name in enumerate("abc")}
    swapped = {name: FLAGS[name] for name in ("label_c", "label_a", "label_b")}
    found = memory_labels(pa.table({**swapped, **wide}))
    checked(found)
    assert found.understanding.label_column == "label_*"
    told = ReadOptions(labels="y?", probs=("q?",))
    renamed = {f"y{k}": column for k, column in enumerate(FLAGS.values())}
    renamed |= {f"q{k}": P[:, k] for k in range(3)}
    checked(memory_labels(pa.table(renamed), None, told))
    checked(memory_labels(pa.table({**FLAGS, "probs": fixed()}), None, ReadOptions("label_*")))


def test_text_files_and_folders(tmp_path):
    lines = [
        json.dumps({"labels": labels, "probs": row.tolist()})
        for labels, row in zip(LISTS, P, strict=True)
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    checked(open_labels([str(tmp_path / "t.jsonl")], ReadOptions()))
    header = [*FLAGS, "p_a", "p_b", "p_c"]
    rows = [
        ["" if column[i] is None else str(column[i]) for column in FLAGS.values()]
        + [repr(float(p)) for p in P[i]]
        for i in range(4)
    ]
    for split, some in (("one", rows[:2]), ("two", rows[2:])):
        folder = tmp_path / "parts" / f"split={split}"
        folder.mkdir(parents=True)
        text = "\n".join(",".join(row) for row in [header, *some])
        (folder / "t.csv").write_text(text + "\n", "utf-8")
    source = open_labels([str(tmp_path / "parts")], ReadOptions(group="split"))
    checked(source)
    assert source.take(np.arange(4), ["split"])["split"].to_pylist() == ["one"] * 2 + ["two"] * 2


def test_short_lists_leave_probabilities_unknown():
    table = pa.table(
        {
            "labels": [["a"], ["c"]],
            "pred_ids": [["b", "a"], ["c"]],
            "pred_scores": [[0.9, 0.4], [0.7]],
        }
    )
    source = memory_labels(table)
    given, probs, _ = whole(source)
    assert source.classes == ("a", "b", "c")
    np.testing.assert_array_equal(given, [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(probs, [[0.4, 0.9, np.nan], [np.nan, np.nan, 0.7]])
    again = table.rename_columns(["labels", "ids", "scores"])
    told = memory_labels(again, None, ReadOptions(probs=("scores", "ids")))
    np.testing.assert_array_equal(whole(told)[1], probs)


@pytest.mark.parametrize(
    ("ids", "scores", "status"),
    [
        ([["a", "a"]], [[0.5, 0.4]], "repeated_prediction"),
        ([["a", "x"]], [[0.5, 0.4]], "unknown_prediction"),
        ([["a"]], [[0.5, 0.4]], "ragged_probabilities"),
        ([None], [[0.5]], "null_probabilities"),
        ([["a", "b"]], [[0.5, None]], "null_probabilities"),
        ([["a", "b"]], [[0.5, np.nan]], "nan"),
        ([["a", "b"]], [[0.5, -1.0]], "negative"),
        ([["a", "b"]], [[0.5, 2.0]], "above_one"),
    ],
)
def test_lists_that_are_wrong(ids, scores, status):
    table = pa.table(
        {
            "labels": [["a"], ["b"]],
            "pred_ids": pa.array([*ids, ["a"]], pa.list_(pa.string())),
            "pred_scores": pa.array([*scores, [0.5]], pa.list_(pa.float64())),
        }
    )
    given, _, found = whole(memory_labels(table, None, ReadOptions(classes=("a", "b"))))
    assert found == [status, "sound"]
    np.testing.assert_array_equal(given, [[-1, -1], [0, 1]])


@pytest.mark.parametrize(
    ("columns", "options", "says"),
    [
        ({"label": [0, 1]}, {"task": "multilabel"}, "cannot hold several labels a row"),
        ({"x": [0, 1]}, {"task": "multilabel"}, "No column looks like lists of labels"),
        ({"x_a": ["u", "v"], "x_b": ["u", "v"]}, {"labels": "x_*"}, "not one column of 0, 1"),
        ({"x": [0, 1]}, {"labels": "y_*"}, "matches no column"),
        ({"labels": [["a"], ["z"]]}, {"classes": ("a",)}, "There are 1 classes"),
        ({"labels": [[[1]], [[2]]]}, {}, "which cannot be labels"),
    ],
)
def test_what_is_refused(columns, options, says):
    table = pa.table({**columns, "probs": fixed(P[:2])})
    with pytest.raises(UsageError, match=says):
        memory_labels(table, None, ReadOptions(**options))


def test_classes_of_lists_and_numbers_must_go_together():
    table = pa.table({"labels": [["a"], ["b"]], "pred_ids": [[0], [1]], "pred_scores": [[0.5]] * 2})
    with pytest.raises(LabelauditError, match="do not name classes alike"):
        memory_labels(table)
    source = memory_labels(table, None, ReadOptions(classes=("a", "b")))
    np.testing.assert_array_equal(whole(source)[1], [[0.5, np.nan], [np.nan, 0.5]])
