from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from labelaudit.audits.tags.missing import estimate_missing, missing_probability
from labelaudit.errors import UsageError
from labelaudit.summaries.tag_logits import LogitCounts
from labelaudit.tag_statistics import PropensitySource
from tests.audits.tags.tagged import PROPENSITIES, expit, given_in_part


def estimated(given, probs, group=None, source=None, **options):
    n_groups = 1 if group is None else int(group.max()) + 1
    counts = LogitCounts.of(given, probs, group, n_groups)
    return estimate_missing(counts, source or PropensitySource.groups(), **options)


@pytest.mark.parametrize("how", ["exact", "of given tags", "sharpened", "float32"])
def test_propensities_of_groups_are_recovered(how):
    truly, given, f, group = given_in_part()
    probs = {
        "exact": f,
        "of given tags": f * PROPENSITIES.mean(),
        "sharpened": expit(2.0 * np.log(f / (1 - f)) - 0.5),
        "float32": f.astype(np.float32),
    }[how]
    found = estimated(given, probs, group)
    np.testing.assert_allclose(found.propensity, np.tile(PROPENSITIES, (2, 1)), atol=0.04)
    missing = (truly & (given == 0)).sum(axis=0)
    assert np.all(found.class_missing_low <= missing)
    assert np.all(missing <= found.class_missing_high)
    np.testing.assert_allclose(found.class_missing, missing, rtol=0.08)
    np.testing.assert_allclose(found.missing.sum(axis=1), found.class_missing)
    assert found.total_low <= missing.sum() <= found.total_high
    assert found.identified.all()
    assert found.notes == ()


def test_candidates_rank_better_than_by_p_alone():
    truly, given, f, group = given_in_part(k=1)
    found = estimated(given, f, group)
    r = missing_probability(found, f, group, given)
    rest = given[:, 0] == 0
    assert np.isnan(r[~rest]).all()
    np.testing.assert_allclose(np.nansum(r), found.total, rtol=0.02)
    wanted = truly[rest, 0]

    def precision(score):
        return wanted[np.argsort(-score[rest, 0], kind="stable")[: wanted.sum()]].mean()

    exact = f * (1 - PROPENSITIES[group])[:, None] / (1 - f * PROPENSITIES[group][:, None])
    assert precision(r) > precision(exact) - 0.01
    assert precision(r) > precision(f) + 0.02


def test_probability_of_cells_without_an_estimate():
    _, given, f, group = given_in_part(n=2000)
    given[:, 1] = 0
    found = estimated(given, f, group)
    assert found.reason == ("", "fewer than 10 rows with the tag and a probability")
    assert found.estimable.tolist() == [True, False]
    assert np.isnan(found.missing[1]).all()
    cells = np.array([[0, 0], [1, 0], [-1, 0], [0, 0], [0, 0]], np.int8)
    probs = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [np.nan, 0.5], [0.0, 1.0]])
    r = missing_probability(found, probs, np.array([0, 0, 0, 0, -1], np.int32), cells)
    assert np.isfinite(r[0, 0])
    assert np.isnan(r[1:, 0]).all()
    assert np.isnan(r[:, 1]).all()


def test_selected_completely_at_random():
    truly, given, f, _ = given_in_part(propensities=np.array([0.5]))
    missing = (truly & (given == 0)).sum(axis=0)
    for source in (
        PropensitySource.known(np.array([0.5, 0.5])),
        PropensitySource.prior(truly.mean(axis=0)),
    ):
        found = estimated(given, 0.5 * f, source=source)
        np.testing.assert_allclose(found.class_missing, missing, rtol=0.06)
        assert np.all(found.class_missing_low <= missing)
        assert np.all(missing <= found.class_missing_high)
        assert "selected completely at random" in found.assumption


def test_elkan_noto_is_right_when_probabilities_tell_all_and_says_when_not():
    _, given, f, _ = given_in_part(propensities=np.array([0.5]), slope=200.0)
    found = estimated(given, 0.5 * f, source=PropensitySource.elkan_noto())
    np.testing.assert_allclose(found.propensity, 0.5, atol=0.02)
    _, given, f, _ = given_in_part(propensities=np.array([0.5]), slope=2.0)
    found = estimated(given, 0.5 * f, source=PropensitySource.elkan_noto())
    assert np.all(found.propensity < 0.45)
    assert "too low" in found.assumption
    assert np.all(found.missing_low < found.missing)
    assert np.all(found.missing < found.missing_high)


def test_a_prior_below_the_given_share_means_nothing_is_missing():
    _, given, f, _ = given_in_part(propensities=np.array([0.5]))
    found = estimated(given, f, source=PropensitySource.prior(np.array([0.01, 0.01])))
    np.testing.assert_allclose(found.class_missing, 0.0, atol=0.01)


def test_an_anchor_holds_the_best_group():
    _, given, f, group = given_in_part()
    found = estimated(given, f, group, PropensitySource.groups(anchor=0.8))
    np.testing.assert_allclose(found.propensity[:, 0], 0.8, atol=1e-6)
    np.testing.assert_allclose(found.propensity[:, 1], 0.6 * 0.8 / 0.9, atol=0.04)
    assert "0.8" in found.assumption


def test_groups_that_do_not_differ_are_named():
    _, given, f, group = given_in_part(propensities=np.array([0.6, 0.6]), k=3)
    found = estimated(given, f, group)
    assert not found.identified.all()
    assert "do not clearly differ" in found.notes[0]
    one_group = estimated(given, f)
    assert not one_group.identified.any()


def test_results_repeat_and_ignore_the_order_of_rows():
    _, given, f, group = given_in_part(n=3000)
    given[::7, 0] = -1
    f[::11, 1] = np.nan
    order = np.random.default_rng(1).permutation(len(given))
    one = estimated(given, f, group, replicates=20)
    other = estimated(given[order], f[order], group[order], replicates=20)
    for field in dataclasses.fields(one):
        np.testing.assert_array_equal(
            np.asarray(getattr(one, field.name)), np.asarray(getattr(other, field.name))
        )
    assert one.annotated.sum() == (given >= 0).sum()
    assert one.given.sum() == (given == 1).sum()
    assert one.unknown.sum() == np.isnan(f).sum()
    assert "without a probability" in one.notes[-1]


def test_dropping_rows_not_annotated_changes_nothing():
    _, given, f, group = given_in_part(n=3000, k=1)
    some = np.arange(3000) % 3 > 0
    given[~some] = -1
    one = estimated(given, f, group, replicates=10)
    other = estimated(given[some], f[some], group[some], replicates=10)
    np.testing.assert_array_equal(one.missing, other.missing)
    np.testing.assert_array_equal(one.missing_high, other.missing_high)


@pytest.mark.parametrize(
    ("tags", "probs", "reason"),
    [
        ([1, 1, 1, 0] * 2, 0.5, "fewer than 10 rows with the tag"),
        ([1] * 20, 0.5, "fewer than 10 rows without the tag"),
        ([0, 1] * 20, 0.5, "the probabilities are all the same"),
        ([0, 1] * 20, np.nan, "fewer than 10 rows with the tag and a probability"),
    ],
)
def test_classes_that_are_not_estimable(tags, probs, reason):
    given = np.array(tags, np.int8)[:, None]
    found = estimated(given, np.full(given.shape, probs), source=PropensitySource.elkan_noto())
    assert reason in found.reason[0]
    assert np.isnan(found.class_missing[0])
    assert found.total == 0.0
    assert "1 of 1 classes are not estimable." in found.notes


def test_probabilities_of_zero_and_one_do_no_harm():
    truly, given, _, group = given_in_part(n=4000)
    found = estimated(given, truly.astype(float), group)
    np.testing.assert_allclose(found.propensity, np.tile(PROPENSITIES, (2, 1)), atol=0.05)


@pytest.mark.parametrize(
    "source",
    [
        PropensitySource.groups(anchor=0.0),
        PropensitySource.groups(anchor=1.5),
        PropensitySource.known(np.array([0.5])),
        PropensitySource.prior(np.array([0.5, 2.0])),
        PropensitySource("known"),
    ],
)
def test_sources_that_cannot_be(source):
    _, given, f, group = given_in_part(n=100)
    with pytest.raises(UsageError):
        estimated(given, f, group, source)


def test_a_value_that_is_not_known_leaves_its_class_out():
    _, given, f, _ = given_in_part(n=2000)
    found = estimated(given, f, source=PropensitySource.known(np.array([np.nan, 0.5])))
    assert found.reason == ("no value was given for this class", "")
