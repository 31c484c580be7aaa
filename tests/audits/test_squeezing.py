"""Ranked rows travel in few bytes and arrive as they were."""

import pickle
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.audits.find_issues import audit_labels
from labelaudit.audits.settings import SCORES, AuditSettings
from labelaudit.audits.squeezing import Squeezed, joined_chunks
from labelaudit.findings import IssueChunk, IssueRows
from tests.audits.labelled import rows_of


def same(found, expected):
    assert found.order.dtype == expected.order.dtype
    assert found.order.tobytes() == expected.order.tobytes()
    for each in fields(IssueRows):
        one, other = getattr(found.rows, each.name), getattr(expected.rows, each.name)
        assert one.dtype == other.dtype, each.name
        assert one.tobytes() == other.tobytes(), each.name


def chunk_of(rows, quality, issue):
    n, rng = len(rows), np.random.default_rng(len(rows))
    probs = rng.choice([0.0, 0.25, 0.5], (3, n)).astype(np.float32)
    order = -rng.random(n)
    return IssueChunk(
        IssueRows(
            row=np.array(rows, np.int64),
            given=rng.integers(0, 70_000, n).astype(np.int32),
            suggested=rng.integers(-1, 3, n).astype(np.int32),
            label_quality={"exp": np.exp(order), "own": order, "other": order + 1}[quality],
            is_issue=np.ones(n, bool) if issue else rng.random(n) < 0.5,
            given_prob=probs[0],
            suggested_prob=probs[1],
            margin=probs[0] - probs[2],
            entropy=probs[2],
            flagged_by=rng.integers(0, 255, n).astype(np.uint8),
            severity=rng.integers(-1, 3, n).astype(np.int8),
        ),
        order,
    )


@given(
    st.sets(st.integers(0, 2**40), max_size=20),
    st.sampled_from(["exp", "own", "other"]),
    st.booleans(),
)
def test_any_chunk(rows, quality, issue):
    chunk = chunk_of(sorted(rows), quality, issue)
    same(pickle.loads(pickle.dumps(Squeezed.of(chunk))).whole(), chunk)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("every_row", [False, True])
def test_chunks_of_audits(score, every_row):
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 4, 300).astype(np.int32)
    probs = rng.dirichlet(np.full(4, 0.4), 300).astype(np.float32)
    taken = []

    class Sink:
        def take(self, chunk):
            taken.append(chunk)

    settings = AuditSettings(score=score, every_row=every_row)
    audit_labels(rows_of(labels, probs, places=[0, 120, 300]), settings, Sink())
    whole = joined_chunks(taken)
    squeezed = Squeezed.of(whole)
    same(squeezed.whole(), whole)
    assert (squeezed.is_issue is None) is not every_row
    assert squeezed.quality is None
