from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.summaries.self_confidence import SelfConfidence
from tests.naive import confident_learning as naive
from tests.strategies import label_tables


@given(label_tables(), st.integers(0, 24))
def test_thresholds_are_means_and_parts_add_up(table, cut):
    labels, probs = table
    k = probs.shape[1]
    own = np.where(labels >= 0, probs[np.arange(len(labels)), labels], 0)
    whole = SelfConfidence.of(labels, own, k)
    parts = SelfConfidence.of(labels[:cut], own[:cut], k) + SelfConfidence.of(
        labels[cut:], own[cut:], k
    )
    assert whole.thresholds().tobytes() == parts.thresholds().tobytes()
    for found, wanted in zip(whole.thresholds(), naive.thresholds(labels, probs), strict=True):
        if wanted is None:
            assert np.isnan(found)
        else:
            np.testing.assert_allclose(found, float(wanted), rtol=1e-12, atol=2**-50)


def test_a_threshold_is_never_zero():
    nothing = SelfConfidence.of(np.zeros(3, np.int32), np.zeros(3), 1)
    assert nothing.thresholds().tolist() == [2e-6]
