"""The tables that benchmarks are run on are what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.benchmarks.sizes import Size
from tests.benchmarks.tables import NOISE, some_rows, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "rows", "classes"), [("1Mx10", 10**6, 10), ("50kx1000", 50_000, 1000), ("7x3", 7, 3)]
)
def test_sizes(text: str, rows: int, classes: int) -> None:
    assert Size.parse(text) == Size(rows, classes)
    assert str(Size(rows, classes)) == text


def test_a_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match="1Gx10"):
        Size.parse("1Gx10")


def test_rows_are_the_same_each_time() -> None:
    one, other = (some_rows(Size(1000, 5), 3, 1000) for _ in range(2))
    assert np.array_equal(one[0], other[0])
    assert np.array_equal(one[1], other[1])
    assert not np.array_equal(one[0], some_rows(Size(1000, 5), 4, 1000)[0])


def test_a_table(tmp_path: Path) -> None:
    path = written(Size(20_000, 10), tmp_path)
    table = pq.read_table(path)
    probs = np.stack(table.column("pred_probs").to_numpy())
    labels = table.column("label").to_numpy()
    assert table.column("id").to_pylist() == list(range(20_000))
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-5)
    agreement = (probs.argmax(axis=1) == labels).mean()
    assert 0.5 < agreement < 1 - NOISE
    assert list(tmp_path.iterdir()) == [path]
