from __future__ import annotations

import itertools
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelaudit.audits.channel import fit, fitting, gate, sample, score_block, soft_counts
from labelaudit.audits.channel.discriminant import solved
from labelaudit.audits.channel.sample import affine, floor_of, sample_bound, sample_size
from labelaudit.blocks import LabelBlock
from labelaudit.kernels.channel import sample_hash
from tests.audits.labelled import mixture
from tests.naive import channel as naive


def fitted(labels, members, seed=0, on=None, rows=None):
    n, n_classes = members[0].shape
    rows = np.arange(n) if rows is None else rows
    counts = np.bincount(labels[labels >= 0], minlength=n_classes)
    return fit(labels, members, rows, seed, counts, int(counts.sum()), on)


def scored(model, labels, members, first_row=0):
    return score_block(model, LabelBlock(first_row, labels, tuple(members)))


def raw(rows):
    """Every byte of scored rows."""
    return [getattr(rows, name).tobytes() for name in rows.__slots__]


def finite(rows):
    return all(np.isfinite(getattr(rows, name)).all() for name in rows.__slots__)


def agrees_with_twin(labels, members, seed=0, **choices):
    model = fitted(labels, members, seed)
    rows = scored(model, labels, members)
    slow = naive.rcp(labels, members, seed, **choices)
    chosen = (model.sharpening, model.recalibration, model.concentration, model.informative)
    assert chosen == (slow["a"], slow["b"], slow["concentration"], slow["informative"])
    for name in ("score", "label_quality", "quality2"):
        np.testing.assert_allclose(getattr(rows, name), slow[name], rtol=1e-4, atol=1e-6)
    at = np.arange(len(labels))
    np.testing.assert_allclose(rows.given, slow["probs"][at, labels], atol=1e-5)
    np.testing.assert_allclose(rows.leading[:, 0], slow["probs"].max(axis=1), atol=1e-5)
    assert rows.suggested.tolist() == slow["suggested"].tolist()
    return model


@pytest.mark.parametrize(
    ("n", "n_classes", "members", "folds"),
    [(700, 4, 1, 1), (150, 3, 1, 5), (500, 3, 2, 1), (120, 3, 2, 5), (25, 6, 1, 0), (400, 2, 1, 1)],
)
def test_the_whole_method_equals_its_twin(n, n_classes, members, folds):
    labels, probs, _ = mixture(n, n_classes, members=members)
    model = agrees_with_twin(labels, probs)
    assert len(model.weights) in (0, folds)


def test_the_discriminant_is_used_and_equals_the_twin():
    rng = np.random.default_rng(3)
    labels, (probs,), _ = mixture(600, 3, seed=3, sharpness=2.0)
    skewed = naive.softmax(np.log(probs) @ np.diag([3.0, 1.0, 0.3]) + rng.normal(0, 0.1, (600, 3)))
    model = agrees_with_twin(labels, [skewed])
    assert model.recalibration > 0
    assert len(model.weights) == 1


@pytest.mark.parametrize(("n", "n_classes"), [(700, 4), (150, 3)])
def test_flat_probabilities_say_as_much_as_sharp_ones_do(n, n_classes):
    labels, (probs,), _ = mixture(n, n_classes)
    flat = naive.softmax(1e-4 * np.log(probs))
    for members in ([flat], [flat, probs]):
        rows = scored(fitted(labels, members), labels, members)
        expected = naive.rcp(labels, members)["label_quality"]
        np.testing.assert_allclose(rows.label_quality, expected, atol=1e-4)


def test_many_flat_classes_in_single_precision():
    rng = np.random.default_rng(4)
    true = rng.integers(0, 100, 4000)
    z = rng.normal(size=(4000, 100))
    z[np.arange(4000), true] += 6.0
    wrong = rng.random(4000) < 0.1
    labels = np.where(wrong, (true + rng.integers(1, 100, 4000)) % 100, true).astype(np.int32)
    flat = naive.softmax(1e-6 * z).astype(np.float32)
    rows = scored(fitted(labels, [flat]), labels, [flat])
    assert (rows.label_quality[wrong] < 0.5).mean() > 0.95
    assert (rows.label_quality[~wrong] > 0.5).mean() > 0.99


def test_constant_probabilities_say_nothing_of_single_rows():
    labels = (np.arange(1000) % 10).astype(np.int32)
    probs = np.tile(np.eye(10)[0], (1000, 1))
    rows = scored(fitted(labels, [probs]), labels, [probs])
    for label in range(10):
        assert np.unique(rows.score[labels == label]).size == 1
    assert np.ptp(rows.label_quality[labels > 0]) < 1e-3


def overlapping(n, n_classes, noise, seed):
    """Gaussian classes that overlap, their exact probabilities, labels some of which are wrong."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 0.8, (n_classes, 5))
    true = rng.integers(0, n_classes, n)
    points = centres[true] + rng.normal(0, 1, (n, 5))
    probs = naive.softmax(-((points[:, None] - centres) ** 2).sum(axis=2) / 2)
    labels = np.where(rng.random(n) < noise, (true + 1) % n_classes, true)
    return labels.astype(np.int32), probs, labels != true


def test_noise_of_overlapping_classes_is_found_again_and_equals_the_twin(monkeypatch):
    labels, probs, wrong = overlapping(2000, 5, 0.1, seed=0)
    model = agrees_with_twin(labels, [probs])
    found = float(-np.expm1(scored(model, labels, [probs]).score).sum())
    assert 0.7 * wrong.sum() < found < 1.4 * wrong.sum()
    monkeypatch.setattr(gate, "LIKELIER", np.inf)
    held = scored(fitted(labels, [probs]), labels, [probs])
    assert -np.expm1(held.score).sum() < 0.5 * found


def test_even_noise_is_found_with_one_error_rate(monkeypatch):
    monkeypatch.setattr(fitting, "MOST_SQUARE", 3)
    monkeypatch.setattr(sample, "MOST_FEATURES", 3)
    labels, probs, _ = overlapping(2000, 5, 0.1, seed=4)
    agrees_with_twin(labels, [probs], one_rate=True, wide=3)


@given(st.integers(1, 40), st.integers(2, 9), st.integers(0, 10**6))
def test_even_rate(n, n_classes, seed):
    rng = np.random.default_rng(seed)
    own, other = rng.random(n), rng.random(n)
    expected = naive.even_rate(own, other, n_classes)
    assert gate.even_rate(own, other, n_classes) == pytest.approx(expected, abs=1e-8)


def test_even_rate_of_labels_that_are_all_certain_or_all_wrong():
    assert gate.even_rate(np.ones(5), np.zeros(5), 3) == 1e-9
    assert gate.even_rate(np.zeros(5), np.full(5, 0.5), 4) == pytest.approx(0.75, abs=1e-6)


def test_one_error_rate_for_many_classes(monkeypatch):
    monkeypatch.setattr(fitting, "MOST_SQUARE", 3)
    monkeypatch.setattr(sample, "MOST_FEATURES", 3)
    labels, probs, _ = mixture(300, 5)
    model = agrees_with_twin(labels, probs, one_rate=True, wide=3)
    assert model.others.shape == (2, 1, 5)
    assert len(model.notes) == 2


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_float32_and_float64_agree(seed):
    labels, (probs,), _ = mixture(60, 3, seed=seed)
    single = probs.astype(np.float32)
    double = single.astype(np.float64)
    one, other = fitted(labels, [single]), fitted(labels, [double])
    assert raw(scored(one, labels, [single])) == raw(scored(other, labels, [double]))


@given(st.lists(st.integers(0, 90), max_size=4), st.sampled_from([3, 40, 300]))
def test_a_row_does_not_depend_on_its_batch(cuts, n_classes):
    labels, probs, _ = mixture(91, n_classes, seed=1)
    model = fitted(labels, probs)
    whole = scored(model, labels, probs)
    places = sorted({0, 91, *cuts})
    for low, high in itertools.pairwise(places):
        part = scored(model, labels[low:high], [probs[0][low:high]], first_row=low)
        for name in whole.__slots__:
            assert getattr(part, name).tobytes() == getattr(whole, name)[low:high].tobytes()


@pytest.mark.parametrize("n", [900, 200])
def test_neither_threads_nor_pickling_change_a_byte(n, monkeypatch):
    monkeypatch.setattr(sample, "CHUNK_NUMBERS", 64)
    labels, probs, _ = mixture(n, 4)
    alone = fitted(labels, probs)
    with ThreadPoolExecutor(3) as pool:
        together = fitted(labels, probs, on=pool)
    assert pickle.dumps(alone) == pickle.dumps(together)
    assert raw(scored(alone, labels, probs)) == raw(scored(together, labels, probs))


@pytest.mark.parametrize("n", [500, 100, 20])
def test_order_of_rows_does_not_matter(n):
    labels, (probs,), _ = mixture(n, 3)
    order = np.random.default_rng(1).permutation(n)
    straight = fitted(labels, [probs])
    shuffled = fitted(labels[order], [probs[order]], rows=order)
    assert shuffled.sharpening == straight.sharpening
    np.testing.assert_allclose(
        scored(shuffled, labels, [probs]).score,
        scored(straight, labels, [probs]).score,
        rtol=1e-4,
        atol=1e-9,
    )


def test_names_of_classes_do_not_matter():
    labels, (probs,), _ = mixture(600, 4)
    new = np.array([2, 0, 3, 1])
    renamed = np.empty_like(probs)
    renamed[:, new] = probs
    before = scored(fitted(labels, [probs]), labels, [probs])
    moved = new[labels].astype(np.int32)
    after = scored(fitted(moved, [renamed]), moved, [renamed])
    np.testing.assert_allclose(after.score, before.score, rtol=1e-4, atol=1e-9)
    assert after.suggested.tolist() == new[before.suggested].tolist()


def test_rows_left_out_change_nothing():
    labels, (probs,), _ = mixture(400, 3)
    spoilt = np.concatenate([probs, np.full((1, 3), np.nan), np.full((1, 3), np.inf)])
    longer = np.concatenate([labels, np.array([-1, -1], np.int32)])
    before, after = fitted(labels, [probs]), fitted(longer, [spoilt])
    assert pickle.dumps(before) == pickle.dumps(after)
    rows = scored(after, longer, [spoilt])
    assert rows.score[:400].tobytes() == scored(before, labels, [probs]).score.tobytes()
    assert rows.score[400:].tolist() == [0.0, 0.0]
    assert rows.suggested[400:].tolist() == [-1, -1]
    assert rows.classes[400:].tolist() == [[-1] * 3] * 2
    assert rows.leading[400:].tolist() == [[-1.0] * 3] * 2


def test_a_class_that_never_is_changes_no_ranking():
    labels, (probs,), _ = mixture(900, 3)
    wider = np.concatenate([probs, np.zeros((900, 1))], axis=1)
    before = scored(fitted(labels, [probs]), labels, [probs])
    after = scored(fitted(labels, [wider]), labels, [wider])
    assert after.suggested.tolist() == before.suggested.tolist()
    worst = set(np.argsort(before.score, kind="stable")[:150].tolist())
    assert len(worst & set(np.argsort(after.score, kind="stable")[:150].tolist())) > 140


@pytest.mark.parametrize(
    ("labels", "probs"),
    [
        ([0, 1] * 30, [[0.3, 0.7]] * 60),
        ([0, 1] * 30, [[0.5, 0.5]] * 60),
        ([0, 1, 2] * 40, np.tile(np.eye(3), (40, 1))),
        ([0, 1, 1] * 40, np.tile(np.eye(3), (40, 1))),
        ([2] * 40, np.tile(np.eye(3), (14, 1))[:40]),
        ([0], [[0.9, 0.1]]),
        ([1], [[1.0, 0.0]]),
        ([0, 1], [[1.0, 0.0], [0.0, 1.0]]),
        ([0] * 50 + [1] * 50, [[1e-300, 1.0]] * 50 + [[1.0, 1e-300]] * 50),
    ],
)
def test_degenerate_tables_stay_finite(labels, probs):
    labels = np.array(labels, np.int32)
    probs = np.array(probs, np.float64)
    rows = scored(fitted(labels, [probs]), labels, [probs])
    assert finite(rows)
    assert ((rows.label_quality >= 0) & (rows.label_quality <= 1)).all()
    assert (rows.score <= 0).all()


def test_the_gate_looks_at_the_rows_with_the_smallest_hashes(monkeypatch):
    labels, (probs,), _ = mixture(600, 3)
    everything = fitted(labels, [probs])
    monkeypatch.setattr(gate, "GATE_NUMBERS", 3 * 200)
    monkeypatch.setattr(sample, "CHUNK_NUMBERS", 90)
    seen = []
    losses = gate._losses

    def spy(channel, pairs, fit):
        seen.extend(fit.chunk.hashes.tolist())
        return losses(channel, pairs, fit)

    monkeypatch.setattr(gate, "_losses", spy)
    few = fitted(labels, [probs])
    assert sorted(set(seen)) == sorted(sample_hash(0, 600, 0).tolist())[:200]
    assert abs(few.sharpening - everything.sharpening) <= 1.0


def test_a_sample_stands_for_the_whole_table():
    labels, (probs,), _ = mixture(6000, 3)
    whole = scored(fitted(labels, [probs]), labels, [probs])
    rows = np.flatnonzero(sample_hash(0, 6000, 0) < np.uint64(2**62))
    model = fit(labels[rows], [probs[rows]], rows, 0, np.bincount(labels), 6000)
    assert model.sample_rows == len(rows) < 1700
    part = scored(model, labels, [probs])
    assert np.abs(part.label_quality - whole.label_quality).mean() < 0.02


def test_a_label_that_the_sample_lacks_is_scored():
    labels, (probs,), _ = mixture(300, 3)
    here = labels != 2
    counts = np.bincount(labels)
    model = fit(labels[here], [probs[here]], np.flatnonzero(here), 0, counts, 300)
    assert finite(scored(model, labels, [probs]))
    assert model.notes[-1].endswith(f"a sample of {here.sum()} rows.")


def test_what_tells_nothing_is_called_uninformative():
    labels, (probs,), _ = mixture(600, 4)
    assert fitted(labels, [probs]).informative
    assert not fitted(np.random.default_rng(0).permutation(labels), [probs]).informative
    assert not fitted(labels, [np.full_like(probs, 0.25)]).informative
    assert not fitted(labels, [probs[:, ::-1].copy()]).informative
    assert not fitted(np.zeros_like(labels), [probs]).informative


def test_planted_errors_come_first():
    labels, probs, wrong = mixture(2000, 5, sharpness=6.0)
    rows = scored(fitted(labels, probs), labels, probs)
    worst = np.argsort(rows.score, kind="stable")[: wrong.sum()]
    assert wrong[worst].mean() > 0.95
    assert (rows.suggested[worst] != labels[worst]).mean() > 0.95


def test_clean_overlapping_classes_have_few_errors_at_the_low_end():
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 0.6, (10, 5))
    true = rng.integers(0, 10, 10_000)
    points = centres[true] + rng.normal(0, 1, (10_000, 5))
    away = ((points[:, None] - centres) ** 2).sum(axis=2)
    probs = naive.softmax(-away / 2)
    labels = true.astype(np.int32)
    assert 0.25 < np.mean(probs.argmax(axis=1) == true) < 0.5
    rows = scored(fitted(labels, [probs]), labels, [probs])
    assert 0 <= -np.expm1(rows.score).sum() < 10


def test_floor():
    labels = np.array([0, 1], np.int32)
    assert floor_of(labels, [np.array([[1.0, 0.0], [0.01, 0.99]])]) == 0.005
    assert floor_of(labels, [np.array([[1.0, 0.0], [0.5, 0.5]])]) == 0.01
    assert floor_of(labels, [np.array([[1.0, 1e-9], [0.5, 0.5]])]) == 1e-6
    assert floor_of(labels, [np.array([[1e-30, 1.0], [0.5, 0.5]])]) == 1e-12


def test_sample_sizes():
    assert [sample_size(k) for k in (2, 10, 100, 257, 1000, 10_000)] == [
        200_000,
        200_000,
        50_000,
        25_700,
        8000,
        800,
    ]
    assert sample_bound(200_000, 10) == np.uint64(2**64 - 1)
    inside = sample_hash(0, 1_000_000, 7) <= sample_bound(1_000_000, 10)
    assert 198_000 < inside.sum() < 202_000


@given(st.integers(1, 12), st.integers(1, 40), st.integers(0, 99))
def test_affine(n, width, seed):
    rng = np.random.default_rng(seed)
    shapes = (7, n), (width, 7), (width,)
    x, weights, offsets = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
    expected = np.tile(offsets[:, None], (1, n))
    naive.add_product(weights, x, expected)
    assert affine(weights, offsets, x).tobytes() == expected.tobytes()


@given(st.integers(1, 9), st.integers(0, 99))
def test_solved(size, seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size))
    matrix, right = root @ root.T + np.eye(size), rng.normal(size=(size, 3))
    np.testing.assert_allclose(matrix @ solved(matrix, right), right, atol=1e-9)


@pytest.mark.parametrize("even", [True, False])
def test_concentration_is_high_for_even_noise_and_low_for_pairs(even):
    noise = np.full((6, 6), 40.0) if even else 200.0 * np.roll(np.eye(6), 1, axis=0)
    np.fill_diagonal(noise, 800.0)
    own, true, n = np.diagonal(noise).copy(), noise.sum(axis=0), int(noise.sum())
    np.fill_diagonal(noise, 0.0)
    counts = soft_counts.SoftCounts(noise, own, true, float(noise.sum()), n)
    found = soft_counts.concentration(counts, np.full(6, 1 / 6))
    assert found == (2000.0 if even else 20.0)
