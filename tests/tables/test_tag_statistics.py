from __future__ import annotations

import numpy as np
import pyarrow as pa

from labelaudit.audits.tags.missing import estimate_missing
from labelaudit.audits.tags.relations import find_relations, violations
from labelaudit.summaries.tag_logits import LogitCounts
from labelaudit.summaries.tag_pairs import TagPairs
from labelaudit.tables.tag_statistics import missing_table, relations_table, violations_table
from labelaudit.tag_statistics import PropensitySource


def test_missing_positives_by_class_and_group():
    rng = np.random.default_rng(0)
    probs = rng.random((600, 2))
    given = (rng.random((600, 2)) < probs).astype(np.int8)
    given[:, 1] = 0
    group = rng.integers(0, 2, 600).astype(np.int32)
    counts = LogitCounts.of(given, probs, group, 2)
    found = estimate_missing(counts, PropensitySource.groups(), replicates=5)
    table = missing_table(found, pa.array(["cat", "dog"]), pa.array(["web", "app"]))
    assert table.column_names == [
        "class",
        "group",
        "annotated",
        "given",
        "unknown",
        "propensity",
        "propensity_low",
        "propensity_high",
        "missing",
        "missing_low",
        "missing_high",
        "not_estimable",
    ]
    assert table["class"].to_pylist() == ["cat", "cat", "dog", "dog"]
    assert table["group"].to_pylist() == ["web", "app"] * 2
    assert table["given"].to_pylist()[:2] == found.given[0].tolist()
    assert table["missing"].to_pylist()[:2] == found.missing[0].tolist()
    assert table["missing"].to_pylist()[2:] == [None, None]
    assert table["not_estimable"].to_pylist() == [None, None, *[found.reason[1]] * 2]
    alone = LogitCounts.of(given, probs)
    found = estimate_missing(alone, PropensitySource.elkan_noto(), replicates=5)
    table = missing_table(found, pa.array(["cat", "dog"]))
    assert "group" not in table.column_names
    assert table.num_rows == 2


def test_relations_and_the_rows_that_contradict_them():
    tags = np.zeros((60, 3), np.int8)
    tags[:30, :2] = 1
    tags[7, 1] = 0
    found = find_relations(TagPairs.of(tags))
    names = pa.array(["car", "automobile", "tree"])
    assert relations_table(found, names).to_pylist() == [
        {
            "relation": "duplicate",
            "first": "car",
            "second": "automobile",
            "rows": 60,
            "n_first": 30,
            "n_second": 29,
            "n_both": 29,
            "expected": 14.5,
            "statistic": 29 / 30,
            "q": None,
        }
    ]
    row, relation = violations(tags, found)
    assert violations_table(row + 1000, relation, found, names).to_pylist() == [
        {"row": 1007, "relation": "duplicate", "first": "car", "second": "automobile"}
    ]
    nothing = find_relations(TagPairs.of(tags[:0]))
    assert relations_table(nothing, names).num_rows == 0
