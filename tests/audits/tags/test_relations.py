from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.stats

from labelaudit.audits.tags import relations as module
from labelaudit.audits.tags.relations import find_relations, violations
from labelaudit.summaries import tag_pairs
from labelaudit.summaries.tag_pairs import TagPairs
from labelaudit.tag_statistics import RELATION_KINDS


def table(n=5000, k=14, seed=0):
    """Labels 0, 1 are duplicates; 2 is part of 3; 4 and 5 exclude each other; 6, 7 are synonyms."""
    rng = np.random.default_rng(seed)
    tags = rng.random((n, k)) < 0.1
    tags[:, 1] = tags[:, 0] ^ (rng.random(n) < 0.002)
    tags[:, 3] |= tags[:, 2]
    tags[:, 5] &= ~tags[:, 4]
    concept, word = rng.random(n) < 0.2, rng.random(n) < 0.5
    tags[:, 6], tags[:, 7] = concept & word, concept & ~word
    chance = np.where(concept, 0.5, 0.05)[:, None]
    tags[:, 8:13] = rng.random((n, 5)) < chance
    return tags.astype(np.int8)


def listed(found):
    return [
        (RELATION_KINDS[kind], int(a), int(b))
        for kind, a, b in zip(found.kind, found.first, found.second, strict=True)
    ]


PLANTED = [("duplicate", 0, 1), ("synonym", 6, 7), ("subsumption", 2, 3), ("exclusion", 4, 5)]


@pytest.mark.parametrize("nulls", [0.0, 0.15])
def test_planted_relations_are_found_and_no_others(nulls):
    tags = table()
    tags[np.random.default_rng(1).random(tags.shape) < nulls] = -1
    found = find_relations(TagPairs.of(tags))
    assert listed(found) == PLANTED
    assert len(found) == 4
    assert (found.left_out, found.dropped, found.notes) == (0, 0, ())
    for i in range(4):
        there = (tags[:, found.first[i]] >= 0) & (tags[:, found.second[i]] >= 0)
        one, other = (tags[there, k] == 1 for k in (found.first[i], found.second[i]))
        assert found.rows[i] == there.sum()
        assert found.n_first[i] == one.sum()
        assert found.n_second[i] == other.sum()
        assert found.n_both[i] == (one & other).sum()
        np.testing.assert_allclose(found.expected[i], one.sum() * other.sum() / there.sum())


def test_evidence_is_what_the_formulas_say():
    found = find_relations(TagPairs.of(table()))
    both, one, other = (found.n_both[0], found.n_first[0], found.n_second[0])
    assert found.statistic[0] == both / (one + other - both)
    low = scipy.stats.binomtest(int(found.n_both[2]), int(found.n_first[2])).proportion_ci(
        method="wilson"
    )
    np.testing.assert_allclose(found.statistic[2], low.low)
    assert found.statistic[3] == 0.0
    assert np.isnan(found.q[[0, 2]]).all()
    assert np.all(found.q[[1, 3]] < 0.01)


def test_q_of_exclusions_is_benjamini_and_hochbergs():
    rng = np.random.default_rng(3)
    tags = (rng.random((3000, 12)) < 0.3).astype(np.int8)
    tags[:, 0] &= 1 - tags[:, 1]
    tags[:, 2] &= 1 - tags[:, 3]
    found = find_relations(TagPairs.of(tags))
    assert listed(found) == [("exclusion", 2, 3), ("exclusion", 0, 1)] or listed(found) == [
        ("exclusion", 0, 1),
        ("exclusion", 2, 3),
    ]
    chances = []
    for a in range(12):
        for b in range(a + 1, 12):
            n_a, n_b = tags[:, a].sum(dtype=int), tags[:, b].sum(dtype=int)
            assert n_a * n_b / 3000 >= 10
            n_both = (tags[:, a] & tags[:, b]).sum(dtype=int)
            chances.append(((a, b), scipy.stats.poisson.cdf(n_both, n_a * n_b / 3000)))
    q = scipy.stats.false_discovery_control([chance for _, chance in chances])
    expected = {pair: value for (pair, _), value in zip(chances, q, strict=True)}
    for i in range(2):
        np.testing.assert_allclose(found.q[i], expected[found.first[i], found.second[i]])


def test_independent_labels_have_no_relation():
    rng = np.random.default_rng(5)
    tags = (rng.random((4000, 20)) < np.linspace(0.01, 0.95, 20)).astype(np.int8)
    assert listed(find_relations(TagPairs.of(tags))) == []


def test_few_rows_prove_nothing():
    tags = np.zeros((50, 4), np.int8)
    tags[:9, :2] = 1
    tags[:15, 2] = 1
    assert listed(find_relations(TagPairs.of(tags))) == []
    tags[:10, :2] = 1
    assert listed(find_relations(TagPairs.of(tags))) == [("duplicate", 0, 1)]


@pytest.mark.parametrize("n", [0, 1])
def test_no_rows_or_no_tags(n):
    found = find_relations(TagPairs.of(np.zeros((n, 3), np.int8)))
    assert len(found) == 0


def test_nothing_depends_on_partitions_or_the_size_of_chunks(monkeypatch):
    tags = table()
    tags[::5, 3] = -1
    whole = find_relations(TagPairs.of(tags))
    monkeypatch.setattr(module, "_CHUNK", 7)
    parts = find_relations(TagPairs.of(tags[4000:]) + TagPairs.of(tags[:4000]))
    for field in dataclasses.fields(whole):
        np.testing.assert_array_equal(getattr(whole, field.name), getattr(parts, field.name))


def test_with_many_classes_incomplete_rows_are_left_out_and_named(monkeypatch):
    monkeypatch.setattr(tag_pairs, "MOST_DENSE", 5)
    tags = table()
    tags[:100, 9] = -1
    tags[100:130] = -1
    found = find_relations(TagPairs.of(tags))
    assert listed(found) == PLANTED
    assert set(found.rows.tolist()) == {4870}
    assert found.notes == ("100 rows annotated for some classes only are left out of the counts.",)


def test_the_weakest_beyond_the_most_are_counted(monkeypatch):
    monkeypatch.setattr(module, "MOST_RELATIONS", 1)
    tags = np.kron(np.eye(6, dtype=np.int8), np.ones((200, 1), np.int8))
    found = find_relations(TagPairs.of(tags))
    assert len(found) == 1
    assert found.dropped == 14
    assert "14 more relations" in found.notes[0]


def test_rows_that_contradict_relations():
    found = find_relations(TagPairs.of(table()))
    assert listed(found) == PLANTED
    rows = np.zeros((7, 14), np.int8)
    rows[0, 0] = 1  # one of two duplicates
    rows[1, [0, 1]] = 1
    rows[2, 2] = 1  # the part without the whole
    rows[3, 2], rows[3, 3] = 1, -1  # the whole is not annotated
    rows[4, [4, 5, 1]] = 1  # both of two that exclude each other, and the other duplicate
    rows[5, [6, 7]] = 1  # both of two synonyms
    rows[6] = -1
    row, relation = violations(rows, found)
    assert list(zip(row.tolist(), relation.tolist(), strict=True)) == [
        (0, 0),
        (2, 2),
        (4, 0),
        (4, 3),
        (5, 1),
    ]


def test_a_large_vocabulary_is_counted_sparsely():
    rng = np.random.default_rng(0)
    k = 10_000
    tags = np.zeros((400, k), np.int8)
    tags[np.arange(400)[:, None], rng.integers(0, k, (400, 5))] = 1
    tags[:100, 17] = tags[:100, 4711] = 1
    pairs = TagPairs.of(tags[:200]) + TagPairs.of(tags[200:])
    assert len(pairs.both.keys) < 400 * 21
    assert ("duplicate", 17, 4711) in listed(find_relations(pairs))
