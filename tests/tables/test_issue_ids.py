from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from labelaudit.tables import issue_ids as module
from labelaudit.tables.issue_ids import issue_ids

KINDS = [("label_error", "", "cat"), ("label_error", "", "ü" * 200)]


@pytest.mark.parametrize(
    "keys",
    [
        pa.array(range(500)),
        pa.array([f"key {i}" * (i % 40) for i in range(501)])[1:],
        pa.array([None, "", "a", "a", None] * 100),
        pa.array([b"\xff\x00", b""] * 250),
    ],
)
def test_many_are_named_as_few_are(keys: pa.Array, monkeypatch: pytest.MonkeyPatch) -> None:
    which = np.arange(500) % 2
    few = issue_ids(KINDS, which, keys)
    monkeypatch.setattr(module, "MANY", 1)
    monkeypatch.setattr(module, "AT_ONCE", 77)
    assert issue_ids(KINDS, which, keys).equals(few)
    assert len(set(few.to_pylist())) == 500


def test_names_stay_what_they_are() -> None:
    found = issue_ids([("label_error", "", "cat")], [0, 0], pa.array([7, 7]))
    assert found.to_pylist() == ["7424e64d9c7debf4", "226c44aed1ccb66c"]
