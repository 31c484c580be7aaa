from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given as example
from hypothesis import strategies as st

import labelaudit
from labelaudit.audits.tags.candidates import candidates_of, least_probable
from labelaudit.audits.tags.missing import estimate_missing, missing_probability
from labelaudit.blocks import TagBlock
from labelaudit.errors import UsageError
from labelaudit.summaries.tag_logits import LogitCounts
from labelaudit.tag_statistics import PropensitySource, most_probable
from tests.audits.tags.tagged import given_in_part


class Part:
    """Some rows, in blocks of a few."""

    def __init__(self, arrays, start, stop, size):
        self.arrays, self.first_row, self.stop, self.size = arrays, start, stop, size

    def blocks(self):
        given, probs, group = self.arrays
        for start in range(self.first_row, self.stop, self.size):
            rows = slice(start, min(start + self.size, self.stop))
            yield TagBlock(start, given[rows], probs[rows], group[rows])


@example(st.lists(st.sampled_from([0.1, 0.2, 0.5, 0.9]), max_size=12), st.integers(0, 14))
def test_the_most_probable_come_first_and_ties_stay_in_order(values, most):
    expected = sorted(range(len(values)), key=lambda i: (-values[i], i))[:most]
    assert most_probable(np.array(values), most).tolist() == expected


@pytest.mark.parametrize("size", [17, 500])
@pytest.mark.parametrize("cut", [100, 1999])
def test_candidates_are_the_most_probable_of_all_rows(size, cut):
    _, given, probs, group = given_in_part(n=2000)
    probs = np.round(probs, 2)
    counts = LogitCounts.of(given, probs, group, 4)
    model = estimate_missing(counts, PropensitySource.groups(), replicates=5)
    least = least_probable(counts, model, 70)
    arrays = given, probs, group
    parts = [Part(arrays, 0, cut, size), Part(arrays, cut, 2000, size)]
    found = reduce(add, candidates_of(parts, model, 70, least))
    every = missing_probability(model, probs, group, given)
    cells = [(-every[i, k], i, k) for i, k in zip(*np.nonzero(every > 0), strict=True)]
    expected = sorted(cells)[:70]
    assert 0 < least <= -expected[-1][0]
    assert 70 <= sum(-share >= least for share, _, _ in cells) < 200
    assert least_probable(counts, model, len(cells) + 1) == 0.0
    assert [(row, tag) for _, row, tag in expected] == list(
        zip(found.row.tolist(), found.tag.tolist(), strict=True)
    )
    np.testing.assert_array_equal(found.missing, [-r for r, _, _ in expected])
    np.testing.assert_array_equal(found.prob, probs[found.row, found.tag])
    np.testing.assert_array_equal(found.group, group[found.row])


def audited(**options):
    truly, given, probs, _ = given_in_part(n=3000, propensities=np.array([0.7]))
    found = labelaudit.find_issues(given, probs, classes=["cat", "dog"], candidates=True, **options)
    return found, truly & (given == 0)


def test_as_many_are_listed_as_are_expected_to_be_missing():
    found, missing = audited(propensity=0.7)
    table = found.candidates
    assert table.column_names == ["rank", "key", "row", "class", "missing_prob", "prob"]
    assert table.num_rows == round(sum(found.missing["missing"].to_pylist()))
    assert table.num_rows == pytest.approx(missing.sum(), rel=0.1)
    assert table["rank"].to_pylist() == list(range(1, table.num_rows + 1))
    columns = [["cat", "dog"].index(name) for name in table["class"].to_pylist()]
    right = missing[table["row"].to_numpy(), columns]
    by_chance = missing.mean()
    assert right[:50].mean() > right.mean() > 2 * by_chance
    assert "with the share that you stated." in found.audit.notes[0]
    assert found.audit.notes[1].startswith("Of all tags that apply about ")


def test_top_and_every_row_say_how_many_are_listed():
    few, missing = audited(propensity=0.7, top=10)
    every, _ = audited(propensity=0.7, every_row=True)
    assert few.candidates.num_rows == 10
    assert every.candidates.slice(0, 10).equals(few.candidates)
    assert every.candidates.num_rows > 2 * missing.sum()


def test_only_classes_with_a_value_are_estimated():
    found, _ = audited(prior={"dog": 0.5})
    assert set(found.candidates["class"].to_pylist()) == {"dog"}
    assert found.missing["not_estimable"].to_pylist() == [
        "no value was given for this class",
        None,
    ]
    everything, _ = audited(propensity={"cat": 1.0})
    assert everything.candidates.num_rows == 0


def test_the_best_group_is_an_anchor():
    _, given, probs, group = given_in_part(n=6000)
    import pyarrow as pa

    table = pa.table(
        {
            "label_a": given[:, 0],
            "label_b": given[:, 1],
            "p_a": probs[:, 0],
            "p_b": probs[:, 1],
            "source": pa.array(["u", "v", "w", "x"]).take(pa.array(group)),
        }
    )
    options = {"labels": "label_*", "probs": "p_*", "group": "source", "candidates": True}
    found = labelaudit.find_issues(table, propensity=0.9, **options)
    by_group = {row["group"]: row["propensity"] for row in found.missing.to_pylist()}
    assert by_group["u"] == pytest.approx(0.9, abs=0.01)
    assert by_group["w"] == pytest.approx(0.3, abs=0.05)
    assert "a share of 0.9 is given, as you stated" in found.audit.notes[0]
    assert found.candidates["group"].to_pylist()[0] in ("w", "x")
    with pytest.raises(UsageError, match="values by class, and rows are in groups"):
        labelaudit.find_issues(table, propensity={"a": 0.9}, **options)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"propensity": {"emu": 0.5}}, "names 'emu', which is no class"),
        ({"propensity": 0.5, "prior": 0.5}, "both say how many"),
        ({"prior": 1.5}, "not above 0 and at most 1"),
    ],
)
def test_what_cannot_be_is_refused(settings, says):
    with pytest.raises(UsageError, match=says):
        audited(**settings)
