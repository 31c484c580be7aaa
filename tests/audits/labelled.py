"""Labelled rows for audits: made up, read, and what comes of them compared."""

from dataclasses import fields
from types import SimpleNamespace

import numpy as np

from labelaudit.audits.rows import Rows
from labelaudit.findings import IssueRows
from tests.naive import channel as naive
from tests.strategies import blocks_of

__all__ = ["FactsOf", "kept", "mixture", "rows_of", "same"]


def mixture(n, n_classes, seed=0, noise=0.2, members=1, sharpness=4.0):
    """Labels of which some are moved on by one class, and probabilities of the true class."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, n_classes, n)
    labels = true.copy()
    moved = rng.random(n) < noise
    labels[moved] = (true[moved] + 1) % n_classes
    probs = []
    for _ in range(members):
        logits = rng.normal(0, 1, (n, n_classes))
        logits[np.arange(n), true] += sharpness
        probs.append(naive.softmax(logits))
    return labels.astype(np.int32), probs, moved


def rows_of(labels, *members, places=None, **more):
    names = tuple(f"c{k}" for k in range(members[0].shape[1]))
    partitions = blocks_of(labels, members, places or [0, len(labels)])
    return Rows(partitions, len(labels), names, len(members), **more)


def same(first, second):
    """Byte for byte."""
    for field in fields(IssueRows):
        one, other = getattr(first.issues, field.name), getattr(second.issues, field.name)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes(), field.name
    assert first.error_rate == second.error_rate
    assert first.thresholds.tobytes() == second.thresholds.tobytes()
    assert first.class_quality.tobytes() == second.class_quality.tobytes()
    assert first.mean_quality == second.mean_quality
    assert first.calibration == second.calibration


def kept(labels, probs):
    """What a first reading keeps of rows."""
    order = np.argsort(-probs, axis=1, kind="stable")[:, :3]
    leading = np.take_along_axis(probs, order, axis=1)
    missing = ((0, 0), (0, 3 - order.shape[1]))
    own = probs[np.arange(len(labels)), np.maximum(labels, 0)]
    return FactsOf(
        labels=labels,
        given_prob=np.where(labels >= 0, own, 0.0),
        classes=np.pad(order, missing, constant_values=-1).astype(np.int16),
        leading=np.pad(leading, missing, constant_values=-1.0),
    )


class FactsOf(SimpleNamespace):
    def __len__(self):
        return len(self.labels)
