"""Parity with cleanlab 2.9 on its own recorded output."""

from __future__ import annotations

import json

import numpy as np
import pytest

import labelaudit
from tests import realdata
from tests.peers.theirs import FILTERS

pytestmark = pytest.mark.peer
SETS = ["base", "binary", "missing_class", "many_classes_few_examples", "weak_model"]


@pytest.fixture(params=SETS)
def recorded(request):
    document = json.loads(realdata.path("peers/cleanlab_fixtures.json").read_text())
    return next(each for each in document["multiclass"] if each["name"] == request.param)


def audit(recorded, **settings):
    probs = np.array(recorded["pred_probs"])
    labels = np.array(recorded["labels"])
    names = [str(k) for k in range(probs.shape[1])]
    return labelaudit.find_issues(labels, probs, classes=names, compat=True, **settings)


def dense(cells):
    table = np.zeros((cells.n_classes, cells.n_classes))
    table[cells.given, cells.true] = cells.count
    return table


def test_thresholds_and_joints(recorded):
    found = audit(recorded, method="both", collision="cleanlab").audit
    wanted = np.array(recorded["thresholds"])
    seen = ~np.isnan(found.thresholds)
    np.testing.assert_allclose(found.thresholds[seen], wanted[seen], atol=1e-9)
    assert (wanted[~seen] == 2).all()
    np.testing.assert_array_equal(dense(found.confident_joint), recorded["cj_uncal"])
    np.testing.assert_array_equal(dense(found.calibrated_joint), recorded["cj_cal"])


def test_joint_table(recorded):
    found = audit(recorded, method="both")
    table = np.zeros_like(np.array(recorded["joint"]))
    for cell in found.joint.to_pylist():
        table[int(cell["given"]), int(cell["true"])] = cell["joint"]
    np.testing.assert_allclose(table, recorded["joint"], atol=1e-9)


@pytest.mark.parametrize("method", FILTERS)
def test_masks(recorded, method):
    cases = 0
    for name, mask in recorded["issues"].items():
        base, _, option = name.partition("|")
        if base != method or option.startswith("num"):
            continue
        settings = {}
        if option.startswith("frac"):
            settings["frac_noise"] = float(option[4:])
        if option.startswith("min"):
            settings["min_examples_per_class"] = int(option[3:])
        found = audit(recorded, method=method, **settings)
        assert sorted(found.table["row"].to_pylist()) == np.flatnonzero(mask).tolist(), name
        cases += 1
    assert cases >= 1


@pytest.mark.parametrize(
    "score",
    [
        "self_confidence",
        "self_confidence+adj",
        "normalized_margin",
        "normalized_margin+adj",
        "confidence_weighted_entropy",
    ],
)
def test_scores(recorded, score):
    wanted = np.array(recorded["scores"][score])
    base, _, adjusted = score.partition("+")
    found = audit(recorded, method="both", score=base, adjust=bool(adjusted), every_row=True).table
    quality = np.empty(len(wanted))
    quality[found["row"].to_numpy()] = found["label_quality"].to_numpy()
    np.testing.assert_allclose(quality, wanted, atol=1e-9)


@pytest.mark.parametrize(
    "score", ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
)
def test_ranking(recorded, score):
    wanted = recorded["ranked"].get(score)
    found = audit(recorded, method="prune_by_noise_rate", score=score)
    assert found.table["row"].to_pylist() == wanted


def test_the_ensemble_averages_models(recorded):
    probs = [np.array(recorded["pred_probs"]), np.array(recorded["pred_probs_2"])]
    labels = np.array(recorded["labels"])
    names = [str(k) for k in range(probs[0].shape[1])]
    found = labelaudit.find_issues(
        labels, probs, classes=names, method="both", score="self_confidence", every_row=True
    ).table
    quality = np.empty(len(labels))
    quality[found["row"].to_numpy()] = found["label_quality"].to_numpy()
    np.testing.assert_allclose(quality, recorded["ensemble"]["uniform"], atol=1e-9)
