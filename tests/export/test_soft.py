"""Posteriors and weights."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit.audits.channel import block_posteriors, score_block
from labelaudit.audits.settings import AuditSettings
from labelaudit.errors import UsageError
from labelaudit.export import export_labels
from labelaudit.export.auditing import audited_rows
from labelaudit.tables import ReadOptions, open_labels
from tests.in_process import FIXTURES

DIGITS = FIXTURES / "noisy" / "digits" / "data.parquet"
ENSEMBLE = FIXTURES / "noisy" / "digits-ensemble" / "data.parquet"


@pytest.mark.parametrize("path", [DIGITS, ENSEMBLE], ids=lambda path: path.parent.name)
def test_the_posterior_agrees_with_quality_and_suggestion(path) -> None:
    names = (
        ("pred_probs*",)
        if path == DIGITS
        else tuple(name for name in pq.read_schema(path).names if name not in ("id", "label"))
    )
    source = open_labels([str(path)], ReadOptions(probs=names))
    audited = audited_rows(source, AuditSettings(), 1, None, None)
    assert audited.model is not None
    for partition in source.partitions:
        for block in partition.blocks():
            out = block.leaving_out(np.array([block.first_row + 3]))
            soft, scored = block_posteriors(audited.model, out), score_block(audited.model, out)
            assert np.isnan(soft[3]).all()
            valid = out.labels >= 0
            np.testing.assert_allclose(soft[valid].sum(axis=1), 1.0, rtol=1e-12)
            given = soft[np.flatnonzero(valid), out.labels[valid]]
            np.testing.assert_allclose(given, scored.label_quality[valid], rtol=1e-9)
            assert (soft[valid].argmax(axis=1) == scored.suggested[valid]).all()


def test_lists_and_wide_columns_say_the_same() -> None:
    one = export_labels(DIGITS, policy="flag", soft="list").table()
    wide = export_labels(DIGITS, policy="flag", soft="wide").table()
    matrix = np.array(one["label_soft"].to_pylist())
    assert matrix.shape == (1797, 10)
    names = [f"label_soft_{k}" for k in range(10)]
    assert np.array_equal(matrix, np.stack([wide[name].to_numpy() for name in names], axis=1))


def test_a_weight_is_the_posterior_of_the_label_that_is_written() -> None:
    done = export_labels(DIGITS, policy="relabel", soft="list", weights=True).table()
    soft, weight = np.array(done["label_soft"].to_pylist()), done["label_weight"].to_numpy()
    labels = done["label"].to_numpy()
    np.testing.assert_allclose(weight, soft[np.arange(1797), labels], rtol=1e-6)
    changed = np.array(done["label_source"].to_pylist()) == "suggested"
    assert changed.sum() > 50
    assert weight[changed].mean() > 0.9
    kept = ~changed
    quality = done["label_quality"].to_numpy()
    np.testing.assert_allclose(weight[kept], quality[kept], rtol=1e-9)


def test_what_was_reviewed_is_certain(tmp_path) -> None:
    (tmp_path / "d.csv").write_text(
        "key,given_label,decision,new_label\n1000,0,fix,3\n1001,1,keep,\n1002,2,unsure,\n"
    )
    plan = {"policy": "reviewed", "soft": "list", "weights": True}
    first = export_labels(DIGITS, tmp_path / "o.parquet", decisions=tmp_path / "d.csv", **plan)
    done = first.table().slice(0, 3).to_pylist()
    assert [row["label_weight"] for row in done[:2]] == [1.0, 1.0]
    assert done[0]["label_soft"] == [float(k == 3) for k in range(10)]
    assert done[1]["label_soft"] == [float(k == 1) for k in range(10)]
    assert 0.0 < done[2]["label_weight"] < 1.0
    again = export_labels(
        tmp_path / "o.parquet",
        labels="label",
        probs="pred_probs",
        policy="flag",
        soft="list",
        weights=True,
    )
    later = again.table().slice(0, 2).to_pylist()
    assert [row["label_weight"] for row in later] == [1.0, 1.0]
    assert later[0]["label_soft"] == done[0]["label_soft"]


def test_rows_that_are_left_out_have_no_posterior(tmp_path) -> None:
    table = pq.read_table(DIGITS)
    labels = table["label"].to_pylist()
    labels[5] = None
    import pyarrow as pa

    table = table.set_column(1, "label", pa.array(labels))
    done = labelaudit.export_labels(
        table, policy="drop", soft="wide", weights=True, skip_invalid=True
    ).table()
    row = next(row for row in done.to_pylist() if row["id"] == 1005)
    assert (row["label"], row["label_quality"], row["label_weight"]) == (None, None, None)
    assert row["label_soft_0"] is None


def test_soft_needs_the_channel() -> None:
    with pytest.raises(UsageError, match="rcp"):
        export_labels(DIGITS, policy="drop", weights=True, method="both")
    assert export_labels(DIGITS, policy="drop", weights=True, method="both", score="rcp").dropped
