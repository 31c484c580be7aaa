from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from labelaudit.audits import find_issues, preparing, selection
from labelaudit.audits.find_issues import audit_labels
from labelaudit.audits.settings import METHODS, SCORES, AuditSettings
from labelaudit.errors import (
    ClassOrderError,
    InvalidDataError,
    NothingToAuditError,
    UsageError,
)
from labelaudit.findings import FILTERS, IssueRows
from tests.audits.labelled import rows_of, same
from tests.naive import confident_learning as naive
from tests.strategies import cuts, label_tables


def flagged(labels, probs, method, **settings):
    chosen = AuditSettings(method=method, skip_invalid=True, **settings)
    return set(audit_labels(rows_of(labels, probs), chosen).flagged.tolist())


def tried(labels, probs, settings):
    """Audit a table that hypothesis made up, unless it is one to be refused."""
    assume(len(set(labels[labels >= 0].tolist())) > 1)
    try:
        return audit_labels(rows_of(labels, probs), settings).audit
    except ClassOrderError:
        reject()


@pytest.fixture(scope="module")
def digits():
    """600 rows of 5 classes with planted errors, and two models' probabilities."""
    rng = np.random.default_rng(3)
    true = rng.integers(0, 5, 600)
    labels = np.where(rng.random(600) < 0.1, rng.integers(0, 5, 600), true).astype(np.int32)
    members = []
    for _ in range(2):
        z = rng.normal(size=(600, 5)) + 3 * np.eye(5)[true]
        members.append((np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)).astype(np.float32))
    return labels, true, members


@given(table=label_tables(most_rows=16, most_classes=5))
def test_filters_as_exact_fractions_say(table):
    labels, probs = table
    audit = tried(labels, probs, AuditSettings(method="both", skip_invalid=True, every_row=True))
    bits = np.zeros(len(labels), np.uint8)
    bits[audit.issues.row] = audit.issues.flagged_by
    for name, wanted in naive.filters(labels, probs).items():
        found = set(np.flatnonzero(bits >> FILTERS.index(name) & 1).tolist())
        assert found == wanted, name
    k = probs.shape[1]
    table = np.zeros((k, k), int)
    table[audit.confident_joint.given, audit.confident_joint.true] = audit.confident_joint.count
    np.testing.assert_array_equal(table, naive.confident_joint(labels, probs))


@pytest.mark.parametrize("method", METHODS)
@given(data=st.data())
def test_layout_and_threads_do_not_show(method, digits, data):
    labels, _, members = digits
    settings = AuditSettings(method=method, every_row=True)
    whole = audit_labels(rows_of(labels, *members), settings).audit
    places = data.draw(cuts(len(labels)))
    with ThreadPoolExecutor(3) as pool:
        cut = audit_labels(rows_of(labels, *members, places=places, on=pool), settings).audit
    same(whole, cut)


@pytest.mark.parametrize("misleading", [False, True])
def test_guessed_cuts_of_margins_do_not_show(misleading, digits, monkeypatch):
    labels, _, members = digits
    labels, probs = np.tile(labels, 10), np.tile(members[0], (10, 1)).copy()
    if misleading:  # the rows that are guessed from have the lowest margins of all
        labels[::10] = (probs[::10].argmax(axis=1) + 1) % 5
        probs[::10] *= 0.01
        probs[::10] += 0.99 * (probs[::10] == probs[::10].max(axis=1, keepdims=True))
    settings = AuditSettings(method="prune_by_noise_rate", every_row=True)
    plain = audit_labels(rows_of(labels, probs), settings).audit
    guesses = []
    find = find_issues.guessed
    monkeypatch.setattr(
        find_issues, "guessed", lambda *given: guesses.append(find(*given)) or guesses[-1]
    )
    monkeypatch.setattr(selection, "SKETCHED", len(labels) // 10)
    same(plain, audit_labels(rows_of(labels, probs), settings).audit)
    assert np.isfinite(guesses[0].brackets[0].high).any()


@given(label_tables(most_rows=16, least_rows=2), st.data())
def test_any_table_any_layout(table, data):
    labels, probs = table
    settings = AuditSettings(skip_invalid=True, every_row=True)
    places = data.draw(cuts(len(labels)))
    whole = tried(labels, probs, settings)
    same(whole, audit_labels(rows_of(labels, probs, places=places), settings).audit)
    for field in fields(IssueRows):
        assert np.isfinite(getattr(whole.issues, field.name).astype(float)).all(), field.name


def test_further_classes_spare_a_second_reading(monkeypatch):
    rng = np.random.default_rng(0)
    true = rng.integers(0, 20, 4000)
    z = rng.normal(scale=1.5, size=(4000, 20)) + 4 * np.eye(20)[true]
    probs = (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)).astype(np.float32)
    labels = np.where(rng.random(4000) < 0.3, rng.integers(0, 20, 4000), true).astype(np.int32)
    settings = AuditSettings(method="prune_by_noise_rate", every_row=True)
    once = audit_labels(rows_of(labels, probs), settings).audit
    monkeypatch.setattr(preparing, "MANY_CLASSES", 0)
    twice = audit_labels(rows_of(labels, probs), settings).audit
    assert (once.readings, twice.readings) == (1, 2)
    same(once, replace(twice, readings=1))


@pytest.mark.parametrize("method", METHODS)
def test_row_order_moves_rows_only(method, digits):
    labels, _, (probs, _) = digits
    order = np.random.default_rng(0).permutation(len(labels))
    moved = flagged(labels[order], probs[order], method)
    assert {int(order[i]) for i in moved} == flagged(labels, probs, method)


@pytest.mark.parametrize("method", METHODS)
def test_class_order_does_not_show(method, digits):
    labels, _, (probs, _) = digits
    order = np.array([3, 0, 4, 1, 2])
    renamed = np.argsort(order)[labels].astype(np.int32)
    moved = np.ascontiguousarray(probs[:, order])
    assert flagged(renamed, moved, method) == flagged(labels, probs, method)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "rcp"])
def test_impossible_classes_do_not_show(method, digits):
    labels, _, (probs, _) = digits
    wider = np.concatenate([probs, np.zeros((len(probs), 2), probs.dtype)], axis=1)
    assert flagged(labels, wider, method) == flagged(labels, probs, method)


@pytest.mark.parametrize("method", ["confident_learning", "predicted_neq_given"])
def test_doubling_the_rows_doubles_the_flags(method, digits):
    labels, _, (probs, _) = digits
    twice = flagged(np.tile(labels, 2), np.tile(probs, (2, 1)), method)
    once = flagged(labels, probs, method)
    assert twice == once | {i + len(labels) for i in once}


def test_planted_errors_are_found(digits):
    labels, true, members = digits
    wrong = set(np.flatnonzero(labels != true).tolist())
    found = set(audit_labels(rows_of(labels, *members), AuditSettings()).flagged.tolist())
    assert len(found & wrong) >= 0.8 * len(wrong)
    assert len(found & wrong) >= 0.7 * len(found)
    rate = audit_labels(rows_of(labels, *members), AuditSettings()).audit.error_rate
    assert rate.low <= len(wrong) / len(labels) <= rate.high
    assert 0 <= rate.low <= rate.face_value.value <= rate.most.value <= rate.high <= 1


def test_ranks_are_stable_and_top_cuts(digits):
    labels, _, (probs, _) = digits
    all_rows = audit_labels(rows_of(labels, probs), AuditSettings(every_row=True)).audit
    assert len(all_rows.issues.row) == len(labels)
    assert (np.diff(all_rows.issues.label_quality) >= 0).all()
    few = audit_labels(rows_of(labels, probs), AuditSettings(every_row=True, top=7)).audit
    assert few.issues.row.tolist() == all_rows.issues.row[:7].tolist()
    assert few.n_issues == all_rows.n_issues


@pytest.mark.parametrize("score", SCORES)
def test_every_score_ranks(score, digits):
    labels, true, (probs, _) = digits
    settings = AuditSettings(method="both", score=score, every_row=True)
    rows = audit_labels(rows_of(labels, probs), settings).audit.issues.row
    wrong = labels[rows] != true[rows]
    assert wrong[:20].mean() > 0.7
    assert wrong[100:].mean() < 0.2


def test_severity_is_high_where_face_value_flags_too(digits):
    labels, _, (probs, _) = digits
    audit = audit_labels(rows_of(labels, probs), AuditSettings(every_row=True)).audit
    issues = audit.issues
    assert set(issues.severity[issues.is_issue].tolist()) <= {1, 2}
    rest = ~issues.is_issue
    disagrees = probs[issues.row].argmax(axis=1) != issues.given
    assert (issues.severity[rest & disagrees] == 0).all()
    assert (issues.severity[rest & ~disagrees] == -1).all()
    high = round(audit.error_rate.face_value.value * len(labels))
    assert (issues.severity == 2).sum() <= high


def test_rows_that_cannot_be_used_are_refused_or_left_out(digits):
    labels, _, (probs, _) = digits
    probs, labels = probs.copy(), labels.copy()
    probs[3, 1] = np.nan
    labels[7] = -2
    with pytest.raises(InvalidDataError) as refused:
        audit_labels(rows_of(labels, probs), AuditSettings())
    assert refused.value.problems == (
        "1 row has no label (row 7).",
        "1 row has a NaN among its probabilities (row 3).",
    )
    found = audit_labels(rows_of(labels, probs), AuditSettings(skip_invalid=True, every_row=True))
    assert found.left_out.tolist() == [3, 7]
    assert found.audit.valid_rows == len(labels) - 2
    assert not {3, 7} & set(found.audit.issues.row.tolist())
    assert [problem.count for problem in found.problems] == [1, 1]
    kept = np.delete(np.arange(len(labels)), [3, 7])
    alone = audit_labels(rows_of(labels[kept], probs[kept]), AuditSettings(every_row=True)).audit
    assert kept[alone.issues.row].tolist() == found.audit.issues.row.tolist()


def test_nothing_left_and_one_label_are_refused():
    probs = np.full((4, 2), 0.5)
    with pytest.raises(NothingToAuditError):
        audit_labels(rows_of(np.full(4, -2, np.int32), probs), AuditSettings(skip_invalid=True))
    with pytest.raises(InvalidDataError, match="only one label"):
        audit_labels(rows_of(np.zeros(4, np.int32), probs), AuditSettings())


def test_a_permuted_class_order_is_noticed(digits):
    labels, _, (probs, _) = digits
    turned = np.ascontiguousarray(probs[:, [1, 2, 3, 4, 0]])
    with pytest.raises(ClassOrderError) as noticed:
        audit_labels(rows_of(labels, turned), AuditSettings())
    assert "c1,c2,c3,c4,c0" in noticed.value.found


def test_two_swapped_classes_are_noticed(digits):
    labels, _, (probs, _) = digits
    rare = (labels > 1) | (np.arange(len(labels)) % 3 == 0)  # a whole pair is below 20 points
    labels, probs = labels[rare], probs[rare]
    turned = np.ascontiguousarray(probs[:, [1, 0, 2, 3, 4]])
    warnings = audit_labels(rows_of(labels, turned), AuditSettings(method="both")).warnings
    assert any("Most rows labelled c0 are predicted to be c1" in warning for warning in warnings)
    calm = audit_labels(rows_of(labels, probs), AuditSettings(method="both")).warnings
    assert not any("predicted to be" in warning for warning in calm)


def test_probabilities_that_say_nothing_flag_nothing():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 600).astype(np.int32)
    probs = rng.dirichlet(np.ones(3), 600)
    found = audit_labels(rows_of(labels, probs), AuditSettings())
    assert found.audit.n_issues == 0
    assert any("say nothing about the labels" in warning for warning in found.warnings)


def test_in_sample_probabilities_are_noticed():
    labels = np.tile(np.arange(3, dtype=np.int32), 50)
    probs = np.where(labels[:, None] == np.arange(3), 0.98, 0.01)
    found = audit_labels(rows_of(labels, probs), AuditSettings(method="both"))
    assert any("look in-sample" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"method": "prune_by_clas"}, "Did you mean prune_by_class?"),
        ({"score": "nope"}, "Choose one of rcp"),
        ({"frac_noise": 1.5}, "Give 0 to 1."),
        ({"min_examples_per_class": -1}, "0 or more"),
        ({"top": 0}, "1 or more"),
        ({"adjust": True}, "self_confidence"),
        ({"collision": "x"}, "paper, cleanlab"),
    ],
)
def test_settings_are_checked(settings, words):
    with pytest.raises(UsageError) as refused:
        AuditSettings(**settings)
    assert words in refused.value.remedy


def test_progress_is_told(digits):
    labels, _, (probs, _) = digits
    told = []
    rows = rows_of(labels, probs, places=[0, 100, 600], progress=lambda *step: told.append(step))
    audit_labels(rows, AuditSettings())
    assert told == [
        *(("reading", done, 2) for done in range(3)),
        *(("scoring", done, 2) for done in range(3)),
    ]
