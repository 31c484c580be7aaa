from __future__ import annotations

import numpy as np
import pytest

from labelaudit.audits.tags.row_lines import fit_row_lines

LOGITS = np.linspace(-6.0, 6.0, 61)


def expit(x):
    return 1 / (1 + np.exp(-x))


def counted(given, logits):
    """(K, 2, B) counts of cells; logits are those of bins."""
    place = np.rint((logits - LOGITS[0]) / 0.2).astype(int)
    counts = np.zeros((given.shape[1], 2, len(LOGITS)), np.int64)
    for k in range(given.shape[1]):
        np.add.at(counts[k], (given[:, k], place[:, k]), 1)
    return counts


def made(n=20_000, k=3, spread=3.0, missing=0.2, extra=0.02, seed=0):
    rng = np.random.default_rng(seed)
    logits = np.clip(np.rint(spread * rng.normal(size=(n, k)) / 0.2) * 0.2 - 1.0, -6, 6)
    truly = rng.random((n, k)) < expit(logits)
    given = np.where(truly, rng.random((n, k)) >= missing, rng.random((n, k)) < extra)
    return truly, given.astype(int), logits


def quality(found, given, logits):
    k = np.arange(given.shape[1])
    line = found.lines[k, given]
    return expit(line[..., 0] * logits + line[..., 1])


def test_quality_ranks_as_the_true_channel_would():
    truly, given, logits = made()
    found = fit_row_lines(counted(given, logits), LOGITS)
    assert found.weight == 1.0
    assert found.temperature == pytest.approx(0.3)
    assert found.discrimination > 0.4
    f = expit(logits)
    right = np.where(
        given == 1,
        f * 0.8 / (f * 0.8 + (1 - f) * 0.02),
        (1 - f) * 0.98 / ((1 - f) * 0.98 + f * 0.2),
    )
    wrong = truly != given

    def at_truth(score):
        order = np.argsort(score.ravel(), kind="stable")
        return wrong.ravel()[order[: wrong.sum()]].mean()

    plain = np.where(given == 1, f, 1 - f)
    assert at_truth(quality(found, given, logits)) > at_truth(plain) + 0.01
    assert at_truth(quality(found, given, logits)) > at_truth(right) - 0.02


def test_with_probabilities_that_tell_little_quality_is_the_probability_itself():
    rng = np.random.default_rng(0)
    given = (rng.random((1000, 2)) < 0.2).astype(int)
    logits = np.rint(rng.normal(size=(1000, 2)) / 0.2) * 0.2 - 1.4
    found = fit_row_lines(counted(given, logits), LOGITS)
    assert (found.weight, found.lines.tolist()) == (0.0, [[[-1.0, 0.0], [1.0, 0.0]]] * 2)
    assert found.temperature == 0.1
    p = expit(logits)
    np.testing.assert_allclose(
        quality(found, given, logits), np.where(given == 1, p, 1 - p), atol=1e-12
    )


def test_in_between_both_are_mixed():
    _, given, logits = made(spread=1.0)
    found = fit_row_lines(counted(given, logits), LOGITS)
    assert 0.0 < found.weight < 1.0
    assert np.all(found.lines[:, 0, 0] < 0.0)
    assert np.all(found.lines[:, 1, 0] > 0.0)


@pytest.mark.parametrize("kind", [0, 1])
def test_classes_with_one_kind_of_rows_do_no_harm(kind):
    _, given, logits = made(n=2000)
    given[:, 1] = kind
    found = fit_row_lines(counted(given, logits), LOGITS)
    assert np.isfinite(found.lines).all()
    assert found.weight > 0.0


def test_without_any_row_nothing_is_told():
    found = fit_row_lines(np.zeros((2, 2, len(LOGITS)), np.int64), LOGITS)
    assert (found.weight, found.discrimination) == (0.0, 0.0)
    assert np.isfinite(found.lines).all()


def test_classes_keep_their_lines_in_another_order():
    _, given, logits = made(n=3000, k=4)
    counts = counted(given, logits)
    order = np.array([2, 0, 3, 1])
    one, other = fit_row_lines(counts, LOGITS), fit_row_lines(counts[order], LOGITS)
    np.testing.assert_allclose(other.lines, one.lines[order], rtol=1e-9)
