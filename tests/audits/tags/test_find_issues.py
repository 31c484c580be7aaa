"""Properties of multi-label audits that hold exactly."""

from __future__ import annotations

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit.errors import InvalidDataError, NothingToAuditError
from labelaudit.findings import FILTERS
from tests.audits.tags.tagged import made, named

SETTINGS = {"every_row": True}


def cells_of(found, names=None):
    """What is said of every listed cell, by row and class name."""
    columns = found.table.drop_columns(["rank", "issue_id"]).to_pylist()
    cells = {(row.pop("row"), row["class"]): row for row in columns}
    return cells if names is None else {key: cells[key] for key in cells if key[1] in names}


def test_planted_errors_are_found():
    given, probs, wrong = made(n=3000)
    found = labelaudit.find_issues(given, probs)
    issues = found.audit.issues
    right = wrong[issues.row, issues.tag]
    assert right.sum() > 0.6 * wrong.sum()
    assert right.mean() > 0.6
    rate = found.audit.error_rate
    assert rate.low <= wrong.mean() <= rate.high
    extra = given[issues.row, issues.tag] == 1
    np.testing.assert_array_equal(issues.given, extra)
    kinds = found.table["issue_type"].to_pylist()
    assert kinds == ["extra_label" if each else "missing_label" for each in extra]


@pytest.mark.parametrize("sharper", [0.5, 1.0, 2.0])
def test_where_classes_only_overlap_the_low_end_is_near_nothing(sharper):
    rng = np.random.default_rng(0)
    logits = rng.normal(-1.0, 2.0, (4000, 5))
    given = rng.random(logits.shape) < 1 / (1 + np.exp(-logits))
    found = labelaudit.find_issues(given, 1 / (1 + np.exp(-sharper * logits)))
    rate = found.audit.error_rate
    assert rate.low < 0.001
    assert rate.face_value.value < 0.003
    assert rate.high > 0.03
    careful = found.audit.flagged["confident_learning"]
    assert 0 < found.audit.n_issues < 0.8 * careful


@pytest.mark.parametrize("method", FILTERS)
def test_permuting_classes_permutes_the_result(method):
    given, probs, _ = made(1)
    names, order = named(6), [3, 0, 5, 1, 4, 2]
    settings = {**SETTINGS, "method": method}
    one = labelaudit.find_issues(given, probs, classes=names, **settings)
    other = labelaudit.find_issues(
        given[:, order], probs[:, order], classes=[names[k] for k in order], **settings
    )
    assert cells_of(one) == cells_of(other)
    by_name = {row["class"]: row for row in other.classes.to_pylist()}
    assert [by_name[name] for name in names] == one.classes.to_pylist()
    np.testing.assert_allclose(
        one.audit.row_results.quality, other.audit.row_results.quality, rtol=1e-12
    )


@pytest.mark.parametrize("method", FILTERS)
def test_dropping_a_class_leaves_the_others(method):
    given, probs, _ = made(2)
    names = named(6)
    settings = {**SETTINGS, "method": method}
    one = labelaudit.find_issues(given, probs, classes=names, **settings)
    other = labelaudit.find_issues(given[:, :5], probs[:, :5], classes=names[:5], **settings)
    assert cells_of(one, names[:5]) == cells_of(other)
    assert one.classes.to_pylist()[:5] == other.classes.to_pylist()


def test_a_cell_that_is_not_annotated_is_as_a_row_that_is_not_there():
    given, probs, _ = made(3)
    hidden = given.copy()
    hidden[400:, 2] = np.nan
    names = named(6)
    one = labelaudit.find_issues(hidden, probs, classes=names, **SETTINGS)
    other = labelaudit.find_issues(given[:400], probs[:400], classes=names, **SETTINGS)
    assert cells_of(one, ["c2"]) == cells_of(other, ["c2"])
    assert one.classes.to_pylist()[2] == other.classes.to_pylist()[2]
    rest = [name for name in names if name != "c2"]
    whole = labelaudit.find_issues(given, probs, classes=names, **SETTINGS)
    assert cells_of(one, rest) == cells_of(whole, rest)


def test_permuting_rows_permutes_the_result():
    given, probs, _ = made(4)
    order = np.random.default_rng(0).permutation(len(given))
    one = labelaudit.find_issues(given, probs, **SETTINGS)
    other = labelaudit.find_issues(given[order], probs[order], **SETTINGS)
    back = {(int(order[row]), name): cell for (row, name), cell in cells_of(other).items()}
    for cell in (*back.values(), *(ours := cells_of(one)).values()):
        del cell["key"]
    assert ours == back


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("group_rows", [7, 150, 5000])
@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_every_layout_gives_the_same_bytes(tmp_path, threads, group_rows, kind):
    given, probs, _ = made(5, n=900, width=np.float32)
    names = np.array(named(6))
    table = pa.table(
        {
            "labels": pa.array([names[row == 1].tolist() for row in given], pa.list_(pa.string())),
            "probs": pa.array(probs.tolist(), pa.list_(pa.float32())),
            "source": np.arange(900) % 4,
        }
    )
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        pq.write_table(table, path, row_group_size=group_rows)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=group_rows)
    settings = {
        "classes": named(6),
        "group": "source",
        "missing": True,
        "candidates": True,
        "relations": True,
        **SETTINGS,
    }
    one = labelaudit.find_issues(table, **settings)
    other = labelaudit.find_issues(str(path), threads=threads, **settings)
    tables = ("table", "classes", "rows", "groups", "missing", "candidates", "relations")
    for name in (*tables, "violations"):
        assert getattr(one, name).equals(getattr(other, name)), name
    assert one.audit.error_rate == other.audit.error_rate


def test_full_lists_of_scores_are_as_all_probabilities():
    given, probs, _ = made(6, n=300, width=np.float32)
    names = np.array(named(6))
    labels = [names[row == 1].tolist() for row in given]
    order = np.argsort(-probs, axis=1)
    sparse = pa.table(
        {
            "labels": labels,
            "pred_ids": [names[row].tolist() for row in order],
            "pred_scores": pa.array(
                np.take_along_axis(probs, order, axis=1).tolist(), pa.list_(pa.float32())
            ),
        }
    )
    dense = pa.table({"labels": labels, "probs": pa.array(probs.tolist(), pa.list_(pa.float32()))})
    one = labelaudit.find_issues(sparse, classes=named(6), **SETTINGS)
    other = labelaudit.find_issues(dense, classes=named(6), **SETTINGS)
    assert one.table.equals(other.table)
    assert one.classes.equals(other.classes)


def test_truncated_lists_leave_what_they_do_not_say_unjudged():
    """The last class is nearly never among a row's three most probable, though it is given."""
    given, probs, _ = made(7, n=400, width=np.float32)
    probs[:, 5] *= 1e-3
    names = np.array(named(6))
    order = np.argsort(-probs, axis=1)[:, :3]
    table = pa.table(
        {
            "labels": [names[row == 1].tolist() for row in given],
            "pred_ids": [names[row].tolist() for row in order],
            "pred_scores": pa.array(
                np.take_along_axis(probs, order, axis=1).tolist(), pa.list_(pa.float32())
            ),
        }
    )
    found = labelaudit.find_issues(table, classes=named(6))
    last = found.classes.to_pylist()[5]
    assert last["not_estimable"] == (
        "most rows that have it leave it out of their most probable classes"
    )
    assert last["flagged_extra"] == last["flagged_missing"] == 0
    assert any(
        warning.startswith("Not audited: ") and "c5" in warning for warning in found.warnings
    )
    listed = {(row, k) for row, three in enumerate(order.tolist()) for k in three}
    issues = found.audit.issues
    assert set(zip(issues.row.tolist(), issues.tag.tolist(), strict=True)) <= listed


def test_classes_without_either_are_named_and_not_flagged():
    given, probs, _ = made(8)
    given[:, 1], given[:, 4] = 0, 1
    found = labelaudit.find_issues(given, probs, classes=named(6))
    classes = found.classes.to_pylist()
    assert [row["not_estimable"] for row in classes] == [
        None,
        "no row has it",
        None,
        None,
        "no row is known to be without it",
        None,
    ]
    for k in (1, 4):
        assert classes[k]["flagged_extra"] == classes[k]["flagged_missing"] == 0
        assert classes[k]["extra_rate"] is None
    assert not np.isnan(found.audit.row_results.quality).any()


def test_noise_for_probabilities_flags_nothing():
    rng = np.random.default_rng(0)
    given = (rng.random((500, 4)) < 0.3).astype(np.int64)
    found = labelaudit.find_issues(given, rng.random((500, 4)))
    assert len(found) == 0
    assert not found.audit.informative
    assert any("do not tell rows that have it" in warning for warning in found.warnings)


def test_a_softmax_is_warned_of():
    given, probs, _ = made(9)
    found = labelaudit.find_issues(given, probs / probs.sum(axis=1, keepdims=True))
    assert any("sum to 1: is this single-label data?" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("labels", "error", "says"),
    [
        ([None] * 4, InvalidDataError, "No row is annotated"),
        ([[]] * 4, InvalidDataError, "No row has any label"),
        ([["a", "a"]] * 4, InvalidDataError, "name a label more than once"),
        ([["a", None]] * 4, InvalidDataError, "null in the list"),
        ([["a", "x"]] * 4, InvalidDataError, "none of the classes"),
    ],
)
def test_what_cannot_be_audited(labels, error, says):
    probs = np.full((4, 2), 0.5)
    table = pa.table({"labels": pa.array(labels, pa.list_(pa.string())), "probs": probs.tolist()})
    with pytest.raises(error, match=says):
        labelaudit.find_issues(table, classes=["a", "b"])


def test_rows_that_cannot_be_used_are_left_out_if_asked():
    given, probs, _ = made(10)
    probs[[3, 9], 1] = np.nan
    probs[12, 0] = 1.5
    found = labelaudit.find_issues(given, probs, skip_invalid=True)
    assert found.audit.valid_rows == 597
    assert [problem.rows for problem in found.problems] == [(3, 9), (12,)]
    assert np.isnan(found.audit.row_results.quality[[3, 9, 12]]).all()
    with pytest.raises(NothingToAuditError):
        labelaudit.find_issues(given, np.full_like(probs, np.nan), skip_invalid=True)


def test_a_row_with_several_doubted_labels_comes_before_one_with_a_single_one():
    given, probs, _ = made(8, n=2000)
    given[:2] = [[1, 0, 0, 0, 0, 0]] * 2
    probs[0], probs[1] = [0.5, 0.5, 0.5, 0.02, 0.02, 0.02], [0.5, 0.02, 0.02, 0.02, 0.02, 0.02]
    quality = labelaudit.find_issues(given, probs).audit.row_results.quality
    assert quality[0] < quality[1]


def test_the_row_table_and_top():
    given, probs, _ = made(11)
    whole = labelaudit.find_issues(given, probs)
    rows = whole.rows.to_pylist()
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) == whole.audit.n_issue_rows
    assert sum(row["issues"] for row in rows) == whole.audit.n_issues == len(whole)
    qualities = [row["row_quality"] for row in rows]
    assert qualities == sorted(qualities)
    few = labelaudit.find_issues(given, probs, top=7)
    assert few.table.equals(whole.table.slice(0, 7))
    assert few.audit.n_issues == whole.audit.n_issues


def test_every_pair_is_listed_unless_there_are_too_many(monkeypatch):
    given, probs, _ = made(7, n=300)
    given[3, 2] = np.nan
    flagged = labelaudit.find_issues(given, probs)
    every = labelaudit.find_issues(given, probs, **SETTINGS)
    assert every.table.num_rows == 300 * 6 - 1
    assert every.table["is_issue"].to_pylist().count(True) == flagged.table.num_rows
    assert every.table["label_quality"].to_pylist() == sorted(
        every.table["label_quality"].to_pylist()
    )
    assert every.audit.flagged == flagged.audit.flagged
    assert every.rows.num_rows == 300
    monkeypatch.setattr("labelaudit.audits.tags.find_issues.ALL_PAIRS", 1000)
    fewer = labelaudit.find_issues(given, probs, **SETTINGS)
    assert flagged.table.num_rows < fewer.table.num_rows < 300
    assert fewer.rows.num_rows == 300
    assert len(fewer.audit.notes) == 1
    assert fewer.audit.notes[0].startswith("Of 1,799 pairs of row and class those are listed that")


def test_the_summary_fits_its_schema():
    import json
    from importlib.resources import files

    from labelaudit.reports.summary import to_json
    from labelaudit.reports.tag_summary import tag_document

    text = files("labelaudit.reports").joinpath("tags.schema.json").read_text("utf-8")
    given, probs, _ = made(12)
    found = labelaudit.find_issues(given, probs, missing=True, relations=True)
    settings = {"seed": 0, "skip_invalid": False, "compat": False}
    document = json.loads(to_json(tag_document(found, version="1", settings=settings)))
    jsonschema.validate(document, json.loads(text))
    del document["health"]
    with pytest.raises(jsonschema.ValidationError, match="'health' is a required property"):
        jsonschema.validate(document, json.loads(text))


def test_the_report_fits_and_says_what_was_found():
    given, probs, _ = made(13)
    text = labelaudit.report(labelaudit.find_issues(given, probs, classes=named(6)))
    assert max(map(len, text.splitlines())) <= 80
    assert "extra label" in text
    assert "Worst labels" in text
