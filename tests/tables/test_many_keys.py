"""Keys compared on disk, against keys compared in memory."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelaudit.tables import many_keys
from labelaudit.tables.keys import key_problem

if TYPE_CHECKING:
    from labelaudit.findings import Problem


pytestmark = pytest.mark.usefixtures("nothing_is_left")


def on_disk(batches: list[pa.Array]) -> Problem | None:
    rows = sum(map(len, batches))
    return key_problem(lambda: iter(batches), "id", rows, memory=0)


def in_memory(batches: list[pa.Array]) -> Problem | None:
    return key_problem(lambda: iter(batches), "id")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int64(), [3, 1, 2, 1, -5, 3, 3, None]),
        (pa.uint8(), [3, 1, 2, 1]),
        (pa.string(), ["b", "a", "", "b", None, "c", "b"]),
        (pa.large_string(), ["b", "a", "c"]),
        (pa.binary(), [b"\xff", b"a", b"\xff"]),
        (pa.binary(2), [b"zz", b"aa", b"zz"]),
        (pa.float64(), [2.5, 1.5, float("nan"), 1.5, float("nan"), 0.0, -0.0]),
        (pa.bool_(), [True, False, True]),
        (pa.date32(), [date(2020, 1, 2), date(2019, 1, 1), date(2020, 1, 2)]),
        (pa.timestamp("us"), [*map(datetime.fromisoformat, ("2020-01-02", "2019-01-01")), None]),
        (pa.decimal128(5, 2), [Decimal("2.50"), Decimal("1.00"), Decimal("2.50")]),
        (pa.dictionary(pa.int8(), pa.string()), ["b", "a", "b"]),
        (pa.null(), [None, None]),
    ],
    ids=str,
)
def test_keys_of_every_type(kind: pa.DataType, values: list[Any]) -> None:
    batches = [pa.array(values[:2], kind), pa.array([], kind), pa.array(values[2:], kind)]
    assert on_disk(batches) == in_memory(batches)


KEYS = st.lists(st.lists(st.none() | st.sampled_from("abcdefgh"), max_size=9), max_size=5)


@settings(max_examples=40, deadline=None)
@given(parts=KEYS, listed=st.sampled_from([1, 100]))
def test_both_ways_say_the_same(parts: list[list[str | None]], listed: int) -> None:
    batches = [pa.array(part, pa.string()) for part in parts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(many_keys, "_LISTED", listed)
        patch.setattr(many_keys, "_AT_ONCE", 3)
        assert on_disk(batches) == in_memory(batches)


def test_equal_hashes_of_different_keys_are_no_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_keys, "_hashes", lambda keys: np.full(len(keys), 7, np.uint64))
    assert on_disk([pa.array(["b", "a", "c"])]) is None
    problem = on_disk([pa.array(["b", "a"]), pa.array(["c", "b"])])
    assert problem is not None
    assert problem.sentence == "The key column id repeats an earlier key in 1 row."
    assert problem.rows == (3,)


def test_the_first_five_rows_are_shown() -> None:
    problem = on_disk([pa.array(["z", *"abcabcabc", None])])
    assert problem is not None
    assert problem.sentence == (
        "The key column id is null in 1 row and repeats an earlier key in 6 rows."
    )
    assert (problem.count, problem.rows) == (7, (4, 5, 6, 7, 8))
