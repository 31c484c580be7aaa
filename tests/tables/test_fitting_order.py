"""Dictionaries whose order is left over from another table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import labelaudit
from labelaudit.errors import ClassOrderError

NAMES = ["dog", "bird", "fish", "cat"]
SORTED = sorted(NAMES)


def frame(order, model, strength=0.8, n=2000, seed=1):
    """Labels as a categorical in an order; probabilities of a model with classes in another."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 4, n)
    probs = strength * np.eye(4)[true] + (1 - strength) * rng.dirichlet(np.ones(4), n)
    given = np.where(rng.random(n) < 0.1, rng.integers(0, 4, n), true)
    labels = pd.Categorical([model[k] for k in given], categories=order)
    return pd.DataFrame({"label": labels, "pred_probs": list(probs.astype(np.float32))})


@pytest.mark.parametrize("strength", [0.8, 0.15])
def test_an_order_that_is_left_over_gives_way_to_the_sorted_one(strength):
    found = labelaudit.find_issues(frame(NAMES, SORTED, strength))
    assert list(found.understanding.classes) == SORTED
    assert found.understanding.class_order == "assumed: sorted labels"
    assert any("fit better than the order of the dictionary" in said for said in found.warnings)
    plain = frame(NAMES, SORTED, strength).assign(label=lambda d: d["label"].astype(str))
    assert found.table.equals(labelaudit.find_issues(plain).table)


@pytest.mark.parametrize("strength", [0.8, 0.15])
def test_an_order_that_fits_stays(strength):
    found = labelaudit.find_issues(frame(NAMES, NAMES, strength))
    assert list(found.understanding.classes) == NAMES
    assert found.understanding.class_order == "dictionary categories"
    assert not any("dictionary" in said for said in found.warnings)


def test_an_order_that_is_marked_stays():
    table = frame(NAMES, SORTED)
    table["label"] = table["label"].cat.as_ordered()
    with pytest.raises(ClassOrderError, match="another class order"):
        labelaudit.find_issues(table)


def test_only_the_first_rows_are_looked_at(monkeypatch):
    from labelaudit.tables import fitting_order

    table = pd.concat([frame(NAMES, NAMES, n=500), frame(NAMES, SORTED, n=1500)])
    table["label"] = pd.Categorical(table["label"], categories=NAMES)
    monkeypatch.setattr(fitting_order, "HEAD_ROWS", 500)
    with pytest.raises(ClassOrderError):
        labelaudit.find_issues(table)
    monkeypatch.setattr(fitting_order, "HEAD_ROWS", 2000)
    assert list(labelaudit.find_issues(table, skip_invalid=True).understanding.classes) == SORTED


def test_rows_of_an_audited_table_can_be_audited_again(tmp_path):
    path = tmp_path / "table.parquet"
    table = frame(NAMES[::-1], SORTED)
    table["label"] = pd.Categorical(table["label"], categories=table["label"].unique())
    table.to_parquet(path)
    whole = labelaudit.find_issues(path)
    out = tmp_path / "cleaned.parquet"
    labelaudit.export_labels(path, out, policy="drop")
    again = labelaudit.find_issues(out)
    assert again.understanding.classes == whole.understanding.classes
    shuffled = labelaudit.find_issues(table.sample(frac=1.0, random_state=0))
    assert shuffled.audit.n_issues == whole.audit.n_issues
