from __future__ import annotations

import subprocess
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit import api
from labelaudit.errors import InputError, InvalidDataError, NothingToAuditError, UsageError
from labelaudit.tables import ReadOptions, open_labels

NAMES = ["ape", "bee", "cat"]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(1)
    true = rng.integers(0, 3, 300)
    given = np.where(rng.random(300) < 0.1, (true + 1) % 3, true)
    z = rng.normal(size=(300, 3)) + 3 * np.eye(3)[true]
    probs = (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)).astype(np.float32)
    return pa.table(
        {
            "id": pa.array([f"row-{i}" for i in range(300)]),
            "label": pa.array([NAMES[k] for k in given]),
            "pred_probs": pa.FixedSizeListArray.from_arrays(pa.array(probs.reshape(-1)), 3),
            "source": pa.array(["web" if i % 3 else "book" for i in range(300)]),
        }
    )


def arrays(table):
    probs = table["pred_probs"].combine_chunks().values.to_numpy().reshape(-1, 3)
    return np.array(table["label"].to_pylist()), probs


def test_every_way_in_gives_the_same_rows(table, tmp_path):
    path = tmp_path / "data.parquet"
    pq.write_table(table, path, row_group_size=70)
    wanted = labelaudit.find_issues(table).table
    assert wanted.num_rows > 10
    duck = duckdb.connect().from_arrow(table)
    ways = [path, str(path), [path], table.to_reader(), pl.from_arrow(table), duck]
    for way in ways:
        found = labelaudit.find_issues(way).table
        assert found.to_pylist() == wanted.to_pylist(), way
    labels, probs = arrays(table)
    lists = pd.Series(list(probs))
    for data in (labels, pd.Series(labels), labels.tolist(), pa.array(labels)):
        found = labelaudit.find_issues(data, lists if data is labels else probs).table
        assert found["row"].to_pylist() == wanted["row"].to_pylist()
        assert found["key"].to_pylist() == wanted["row"].to_pylist()


def test_pandas_frame_with_wide_columns(table):
    labels, probs = arrays(table)
    frame = pd.DataFrame({f"p_{name}": probs[:, k] for k, name in enumerate(NAMES)})
    frame["label"] = labels
    found = labelaudit.find_issues(frame).table
    assert found["row"].to_pylist() == labelaudit.find_issues(table).table["row"].to_pylist()


def test_the_result_converts(table):
    result = labelaudit.find_issues(table, keep=["source"], group="source")
    assert isinstance(result, labelaudit.LabelIssues)
    assert result.to_arrow() is result.table
    frame = result.to_pandas()
    assert list(frame["key"]) == result.table["key"].to_pylist()
    assert set(frame["source"]) == {"web", "book"}
    assert len(result) == result.audit.n_issues
    assert result.groups.column_names == ["group", "rows", "issues", "issue_rate"]
    assert sum(result.groups["issues"].to_pylist()) == len(result)
    assert sum(result.groups["rows"].to_pylist()) == 300


def test_two_models_are_one_ensemble(table):
    labels, probs = arrays(table)
    rng = np.random.default_rng(0)
    other = probs * rng.uniform(0.5, 1.5, probs.shape).astype(np.float32)
    other /= other.sum(axis=1, keepdims=True)
    both = labelaudit.find_issues(labels, [probs, other])
    assert both.understanding.prob_columns == ("pred_probs_0", "pred_probs_1")
    assert both.audit.rows == 300
    assert len(both) > 10


def test_threads_and_memory_do_not_show(table, tmp_path):
    path = tmp_path / "data.parquet"
    pq.write_table(table, path, row_group_size=50)
    results = [
        labelaudit.find_issues(path, threads=threads, memory=memory, every_row=True).table
        for threads, memory in [(1, 10**6), (2, 1 << 40), (5, 10**6)]
    ]
    assert results[0].equals(results[1])
    assert results[0].equals(results[2])


def test_inputs_are_not_changed(table):
    labels, probs = arrays(table)
    before = labels.copy(), probs.copy()
    labelaudit.find_issues(labels, probs)
    np.testing.assert_array_equal(labels, before[0])
    np.testing.assert_array_equal(probs, before[1])


def test_integer_keys_stay_exact(table):
    ids = pa.array([2**53 + i for i in range(300)])
    found = labelaudit.find_issues(table.set_column(0, "id", ids), every_row=True).table
    assert found["key"].type == pa.int64()
    keys = dict(zip(found["row"].to_pylist(), found["key"].to_pylist(), strict=True))
    assert keys == {i: 2**53 + i for i in range(300)}


def test_the_id_of_an_issue_survives_retraining(table):
    first = labelaudit.find_issues(table).table
    _, probs = arrays(table)
    sharper = probs**1.3
    sharper /= sharper.sum(axis=1, keepdims=True)
    again = table.set_column(
        2, "pred_probs", pa.FixedSizeListArray.from_arrays(pa.array(sharper.reshape(-1)), 3)
    )
    second = labelaudit.find_issues(again).table
    ids = [
        dict(zip(t["key"].to_pylist(), t["issue_id"].to_pylist(), strict=True))
        for t in (first, second)
    ]
    common = set(ids[0]) & set(ids[1])
    assert len(common) > 10
    assert all(ids[0][key] == ids[1][key] for key in common)
    assert len(set(ids[0].values())) == len(ids[0])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"labels": "lable"}, UsageError, "label"),
        ({"method": "rpc"}, UsageError, "Did you mean rcp?"),
        ({"methods": "rcp"}, UsageError, "no setting 'methods'"),
        ({"pred_probs": [[0.5, 0.5]]}, UsageError, "find_issues(labels, probs)"),
        ({"probs": "id"}, (UsageError, InputError), "id"),
    ],
)
def test_what_cannot_be_is_refused(table, change, error, words):
    with pytest.raises(error) as refused:
        labelaudit.find_issues(table, **change)
    assert words in str(refused.value)


def test_shapes_that_do_not_fit(table):
    labels, probs = arrays(table)
    with pytest.raises(UsageError, match="300 labels, but 299 rows"):
        labelaudit.find_issues(labels, probs[1:])
    with pytest.raises(NothingToAuditError):
        labelaudit.find_issues(table.slice(0, 0))


def test_keep_can_be_one_name(table):
    assert labelaudit.find_issues(table, keep="source").table.column_names[-1] == "source"
    with pytest.raises(UsageError, match=r"^keep q\* matches no column"):
        labelaudit.find_issues(table, keep="q*")


def test_inspect_gives_up_a_guessed_key_that_is_not_unique(table, tmp_path):
    path = tmp_path / "twice.parquet"
    pq.write_table(table.set_column(0, "id", pa.array(["same"] * 300)), path)
    found = api.inspect(open_labels([str(path)], ReadOptions()))
    assert found.understanding.key_column is None
    assert any("Row numbers are the keys" in warning for warning in found.warnings)
    assert not found.problems


def test_duplicate_keys(table):
    twice = table.set_column(0, "id", pa.array(["same"] * 300))
    guessed = labelaudit.find_issues(twice)
    assert guessed.understanding.key_column is None
    assert any("Row numbers are the keys" in warning for warning in guessed.warnings)
    with pytest.raises(InvalidDataError):
        labelaudit.find_issues(twice, key="id")
    skipped = labelaudit.find_issues(twice, key="id", skip_invalid=True).table
    assert len(set(skipped["issue_id"].to_pylist())) == skipped.num_rows


def test_the_package_imports_nothing_heavy():
    code = (
        "import sys, labelaudit;"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'numba', 'sklearn', 'rich'} & set(sys.modules);"
        "assert not heavy, heavy;"
        "assert 'find_issues' in dir(labelaudit); labelaudit.LabelauditError"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert not hasattr(labelaudit, "nothing")


def test_a_file_without_keys(table, tmp_path):
    path = tmp_path / "keyless.parquet"
    pq.write_table(table.drop_columns(["id", "source"]), path)
    found = labelaudit.find_issues(path).table
    assert found["key"].to_pylist() == found["row"].to_pylist()
    assert found.num_rows > 10


def test_results_show_themselves_in_a_line_and_as_a_report(table):
    result = labelaudit.find_issues(table)
    assert repr(result).startswith(f"LabelIssues({len(result)} of 300 rows flagged by rcp; ")
    shown = labelaudit.report(result, width=60)
    assert "Worst rows" in shown
    assert max(map(len, shown.splitlines())) <= 60


def test_labels_come_first(table):
    labels, probs = arrays(table)
    with pytest.raises(UsageError, match="labels first"):
        labelaudit.find_issues(probs, labels)
    with pytest.raises(UsageError, match="There is no data"):
        labelaudit.find_issues(probs=probs)


@pytest.mark.parametrize("memory", [None, "1MB"])
def test_names_are_shown_not_codes(memory, table):
    labels, probs = arrays(table)
    codes, named = np.searchsorted(NAMES, labels), labelaudit.find_issues(labels, probs)
    result = labelaudit.find_issues(codes, probs, classes=NAMES, memory=memory)
    given = result.table["given_label"].to_pylist()
    assert given == np.searchsorted(NAMES, named.table["given_label"].to_pylist()).tolist()
    shown, plain = (labelaudit.report(each).split("Worst rows")[1] for each in (result, named))
    assert shown.split("Warning:")[0].strip() == plain.split("Warning:")[0].strip()


def test_names_of_true_and_false():
    given = np.array([False, True] * 20)
    probs = np.where(given[:, None] == [False, True], 0.9, 0.1)
    given[0] = True
    result = labelaudit.find_issues(given, probs, classes=["ham", "spam"])
    assert result.table["given_label"].to_pylist() == [True]
    assert "spam" in labelaudit.report(result).split("Worst rows")[1]
    assert "True" not in labelaudit.report(result)


def test_nothing_flagged_in_a_table_with_a_key():
    probs = np.array([[0.999, 0.001], [0.001, 0.999]] * 20)
    frame = pd.DataFrame({"id": range(40), "label": [0, 1] * 20, "pred_probs": list(probs)})
    result = labelaudit.find_issues(frame, keep="id")
    assert len(result) == 0
    assert result.table["key"].type == pa.int64()
