"""Parity with cleanlab 2.9 on multi-label data: its recorded output, and live where installed."""

from __future__ import annotations

import json

import numpy as np
import pytest

import labelaudit
from tests import realdata
from tests.peers.theirs import FILTERS

pytestmark = [
    pytest.mark.peer,
    # The peer calls a part of itself that it has given up.
    pytest.mark.filterwarnings("ignore:The multi_label argument:DeprecationWarning"),
]
SCORES = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")


@pytest.fixture(scope="module")
def recorded():
    path = realdata.path("peers/cleanlab_fixtures.json")
    return json.loads(path.read_text("utf-8"))["multilabel"]


def audited(labels, probs, **settings):
    names = [str(k) for k in range(probs.shape[1])]
    chosen = {"method": "prune_by_noise_rate", **settings}
    return labelaudit.find_issues(labels, probs, classes=names, compat=True, **chosen)


def flagged_cells(found, shape):
    cells = np.zeros(shape, np.int64)
    issues = found.audit.issues
    cells[issues.row, issues.tag] = 1
    return cells


@pytest.mark.parametrize("method", FILTERS)
def test_recorded_rows(recorded, method):
    found = audited(recorded["labels"], np.array(recorded["pred_probs"]), method=method)
    wanted = np.array(recorded["issues"][method], np.bool_)
    np.testing.assert_array_equal(found.audit.row_results.is_issue, wanted)


def test_recorded_cells_thresholds_joints_and_ranking(recorded):
    probs = np.array(recorded["pred_probs"])
    found = audited(recorded["labels"], probs)
    cells = flagged_cells(found, probs.shape)
    np.testing.assert_array_equal(cells, recorded["per_class"])
    by_class = [row["flagged_extra"] + row["flagged_missing"] for row in found.classes.to_pylist()]
    assert by_class == cells.sum(axis=0).tolist()
    classes = found.audit.classes
    np.testing.assert_allclose(classes.thresholds, recorded["thresholds"], atol=1e-9)
    np.testing.assert_array_equal(classes.calibrated, recorded["cj_cal"])
    assert found.rows["row"].to_pylist() == recorded["ranked"]
    assert found.audit.health == pytest.approx(recorded["health"], abs=1e-12)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("row_score", ["ema", "softmin"])
@pytest.mark.parametrize("adjust", [False, True])
def test_recorded_row_scores(recorded, score, row_score, adjust):
    if adjust and score == "confidence_weighted_entropy":
        pytest.skip("no such score")
    shown = {"ema": "ema0.8", "softmin": "softmin0.1"}[row_score]
    wanted = recorded["scores"][f"{score}|{shown}|{'adj' if adjust else 'raw'}"]
    probs = np.array(recorded["pred_probs"])
    found = audited(recorded["labels"], probs, score=score, row_score=row_score, adjust=adjust)
    np.testing.assert_allclose(found.audit.row_results.quality, wanted, atol=1e-9)


def made(seed):
    """A table with 2 to 12 classes, single or double, tags rare or common."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(60, 400)), int(rng.choice([2, 3, 5, 12]))
    true = rng.random((n, k)) < rng.uniform(0.1, 0.6, k)
    logits = 2.5 * (2 * true - 1) + rng.normal(0, 1.5, (n, k))
    given = np.where(rng.random((n, k)) < 0.1, ~true, true)
    given[0], given[1] = True, False
    probs = (1 / (1 + np.exp(-logits))).astype([np.float32, np.float64][seed % 2])
    return [np.flatnonzero(row).tolist() for row in given], probs


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("method", FILTERS)
def test_live_rows_and_cells(seed, method):
    peer = pytest.importorskip("cleanlab.multilabel_classification.filter")
    labels, probs = made(seed)
    found = audited(labels, probs, method=method)
    rows = peer.find_label_issues(labels, probs, filter_by=method)
    np.testing.assert_array_equal(found.audit.row_results.is_issue, rows)
    cells = peer.find_multilabel_issues_per_class(labels, probs, filter_by=method)
    np.testing.assert_array_equal(flagged_cells(found, probs.shape), cells.astype(np.int64))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("frac_noise", "least"), [(0.5, 1), (1.0, 10), (0.7, 20)])
@pytest.mark.parametrize("method", ["prune_by_class", "prune_by_noise_rate", "both"])
def test_live_pruning_settings(seed, frac_noise, least, method):
    peer = pytest.importorskip("cleanlab.multilabel_classification.filter")
    labels, probs = made(seed)
    found = audited(
        labels, probs, method=method, frac_noise=frac_noise, min_examples_per_class=least
    )
    cells = peer.find_multilabel_issues_per_class(
        labels, probs, filter_by=method, frac_noise=frac_noise, min_examples_per_class=least
    )
    np.testing.assert_array_equal(flagged_cells(found, probs.shape), cells.astype(np.int64))


@pytest.mark.parametrize("seed", range(4))
def test_live_scores_and_health(seed):
    rank = pytest.importorskip("cleanlab.multilabel_classification.rank")
    dataset = pytest.importorskip("cleanlab.multilabel_classification.dataset")
    labels, probs = made(seed)
    for row_score, name, setting in (
        ("ema", "exponential_moving_average", {"alpha": 0.8}),
        ("softmin", "softmin", {"temperature": 0.1}),
    ):
        found = audited(labels, probs, score="self_confidence", row_score=row_score)
        wanted = rank.get_label_quality_scores(
            labels, probs, aggregator_kwargs={"method": name, **setting}
        )
        np.testing.assert_allclose(found.audit.row_results.quality, wanted, atol=2e-7)
    health = dataset.overall_multilabel_health_score(labels, probs)
    assert audited(labels, probs).audit.health == pytest.approx(health, abs=1e-12)
