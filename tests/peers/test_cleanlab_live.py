"""Parity with cleanlab where it is installed, on tables without ties."""

from __future__ import annotations

import numpy as np
import pytest

import labelaudit
from tests.peers.theirs import FILTERS

cleanlab_filter = pytest.importorskip("cleanlab.filter")
count = pytest.importorskip("cleanlab.count")
rank = pytest.importorskip("cleanlab.rank")

pytestmark = pytest.mark.peer


def made(seed):
    """A table with 2 to 30 classes, some of them perhaps without rows; single or double."""
    rng = np.random.default_rng(seed)
    k = int(rng.choice([2, 3, 4, 7, 12, 30]))
    n = int(rng.integers(60, 500))
    true = rng.integers(0, k, n)
    z = rng.normal(size=(n, k)) + rng.uniform(0.5, 4) * np.eye(k)[true]
    labels = np.where(rng.random(n) < 0.15, rng.integers(0, k, n), true)
    if k > 3 and seed % 3 == 0:
        labels[labels == k - 2] = 0
    labels[0] = k - 1
    probs = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return labels, probs.astype([np.float32, np.float64][seed % 2])


def ours(labels, probs, **settings):
    names = [str(k) for k in range(probs.shape[1])]
    return labelaudit.find_issues(labels, probs, classes=names, compat=True, **settings)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.filterwarnings("ignore")  # the peer's own, about classes without rows
def test_all_filters_flag_the_same_rows(seed):
    labels, probs = made(seed)
    for name in FILTERS:
        wanted = np.flatnonzero(
            cleanlab_filter.find_label_issues(labels, probs, filter_by=name, n_jobs=1)
        )
        found = sorted(ours(labels, probs, method=name).table["row"].to_pylist())
        assert found == wanted.tolist(), (seed, name)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.filterwarnings("ignore")
def test_calibrated_joint(seed):
    labels, probs = made(seed)
    cells = ours(labels, probs, method="both").audit.calibrated_joint
    table = np.zeros((cells.n_classes, cells.n_classes))
    table[cells.given, cells.true] = cells.count
    np.testing.assert_array_equal(table, count.compute_confident_joint(labels, probs))


@pytest.mark.filterwarnings("ignore")
def test_the_collision_rules_differ_and_each_is_kept():
    """Where the most probable class misses its threshold, the paper and the peer part ways."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, 300)
    # Class 0 is always given 0.8 where it is given, and 0.45 elsewhere: below its threshold, but
    # above the other classes, which do reach theirs.
    sure = np.array([[0.8, 0.12, 0.08], [0.45, 0.28, 0.27], [0.45, 0.27, 0.28]])[labels]
    probs = sure + rng.uniform(-0.02, 0.02, sure.shape)
    probs /= probs.sum(axis=1, keepdims=True)
    peer = count.compute_confident_joint(labels, probs, calibrate=False)

    def joint(**settings):
        cells = labelaudit.find_issues(labels, probs, method="both", **settings).audit
        table = np.zeros((3, 3))
        table[cells.confident_joint.given, cells.confident_joint.true] = cells.confident_joint.count
        return table

    np.testing.assert_array_equal(joint(collision="cleanlab"), peer)
    assert (joint(collision="paper") != peer).any()


@pytest.mark.parametrize("adjust", [False, True])
@pytest.mark.parametrize("score", ["self_confidence", "normalized_margin"])
def test_scores(score, adjust):
    labels, probs = made(1)
    found = ours(labels, probs, method="both", score=score, adjust=adjust, every_row=True).table
    quality = np.empty(len(labels))
    quality[found["row"].to_numpy()] = found["label_quality"].to_numpy()
    wanted = rank.get_label_quality_scores(labels, probs, method=score, adjust_pred_probs=adjust)
    np.testing.assert_allclose(quality, wanted, atol=1e-9)
