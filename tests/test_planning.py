"""What a dry run expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelaudit.audits.settings import AuditSettings
from labelaudit.errors import EnvironmentalError
from labelaudit.planning import expected
from labelaudit.tables.options import ReadOptions
from labelaudit.tables.source import LabelSource, open_labels

if TYPE_CHECKING:
    from pathlib import Path


def source_of(path: Path, rows: int, keep: tuple[str, ...] = ()) -> LabelSource:
    labels = np.arange(rows) % 10
    probs = np.full((rows, 10), 0.1, np.float32)
    lists = pa.FixedSizeListArray.from_arrays(probs.ravel(), 10)
    columns = {"label": labels, "pred_probs": lists, "text": pa.array(["t" * 96] * rows)}
    pq.write_table(pa.table(columns), path / "t.parquet", row_group_size=100_000)
    return open_labels([str(path / "t.parquet")], ReadOptions(keep=keep))


@pytest.mark.parametrize(
    ("rows", "memory", "measured"),
    [
        (2_000, None, 242e6),
        (2_000, 10_000_000, 221e6),
        (1_000_000, None, 482e6),
        (1_000_000, 1_000_000_000, 474e6),
        (1_000_000, 10_000_000, 436e6),
    ],
)
def test_memory_is_expected_as_it_was_measured(
    tmp_path: Path, rows: int, memory: int | None, measured: float
) -> None:
    found = expected(source_of(tmp_path, rows), memory)
    assert 0.75 * measured < found.memory < 1.3 * measured
    assert found.held == (memory == 1_000_000_000 or (rows < 10_000 and memory is None))
    assert (found.spilled > 0) == (rows == 1_000_000 and memory == 10_000_000)
    assert bool(found.folder) == bool(found.spilled)


def test_issues_and_kept_columns_take_room_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = AuditSettings(every_row=True)
    bare = expected(source_of(tmp_path, 300_000), 1_000_000, every)
    kept = expected(source_of(tmp_path, 300_000, ("text",)), 1_000_000, every)
    assert bare.spilled == 2 * 100 * 300_000
    assert kept.spilled == 2 * (100 + 96 + 4) * 300_000
    monkeypatch.setenv("TMPDIR", str(tmp_path / "absent"))
    with pytest.raises(EnvironmentalError, match="TMPDIR"):
        expected(source_of(tmp_path, 300_000), 1_000_000, every)
    assert expected(source_of(tmp_path, 2_000)).folder == ""
