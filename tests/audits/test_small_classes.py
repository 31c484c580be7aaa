"""A class of a row or two does not make the rest of a small table look wrong."""

from __future__ import annotations

import numpy as np
import pytest

from labelaudit import find_issues


def table(rows: int, few: int, known: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two clean classes, and a third of ``few`` rows to which the model gives ``known``."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([rng.integers(0, 2, rows), np.full(few, 2)])
    logits = rng.normal(size=(len(labels), 2))
    kept = labels < 2
    logits[kept, labels[kept]] += 4.0
    probs = np.zeros((len(labels), 3))
    probs[:, :2] = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True) * (1.0 - known)
    probs[:, 2] = known
    return labels, probs


@pytest.mark.parametrize("few", [1, 2, 4])
@pytest.mark.parametrize("known", [0.0, 1e-6, 0.01])
@pytest.mark.parametrize("rows", [40, 80, 200])
def test_a_class_the_model_does_not_know(few: int, known: float, rows: int) -> None:
    for seed in range(3):
        labels, probs = table(rows, few, known, seed)
        against = int(np.count_nonzero(probs.argmax(axis=1) != labels))
        assert find_issues(labels, probs).audit.n_issues <= against, seed


def test_where_every_class_is_small_thresholds_stay() -> None:
    labels = np.repeat([0, 1, 2], 3)
    probs = np.full((9, 3), 0.04)
    probs[np.arange(9), labels] = 0.92
    labels[0] = 2
    assert find_issues(labels, probs).table["row"].to_pylist() == [0]
