"""Multi-label findings sorted on disk: the same bytes as in memory, whatever is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelaudit import api, naming, tag_extras
from labelaudit.audits.settings import AuditSettings
from labelaudit.errors import EnvironmentalError, ExitCode
from labelaudit.tables import issue_sorting
from labelaudit.tables.memory import memory_labels
from labelaudit.tables.options import ReadOptions
from labelaudit.tables.ranked_kinds import CELLS, SCORED_ROWS
from labelaudit.tables.source import open_labels
from labelaudit.tables.spilled_issues import SpilledTable, in_one_table
from labelaudit.tables.tag_spill import TagSpill
from labelaudit.tag_findings import TagCells, TagChunk, TagIssues, TagRows
from tests.tables.on_disk import full_disk, written

if TYPE_CHECKING:
    from pathlib import Path

    from labelaudit.tables.ranked_spill import RankedSpill
    from labelaudit.tables.source import LabelSource

ROWS, CLASSES = 500, 6
FORMATS = ("parquet", "arrow", "csv", "jsonl")


pytestmark = pytest.mark.usefixtures("nothing_is_left", "small_pieces")


def data(keys: Any = None) -> pa.Table:
    """Some rows: one tag in fifteen is turned round, and many have the same probabilities."""
    rng = np.random.default_rng(0)
    true = rng.random((ROWS, CLASSES)) < 0.3
    sure = rng.choice([0.02, 0.1, 0.4], (ROWS, CLASSES))
    probs = np.where(true, 1 - sure, sure).astype(np.float32)
    tags = true ^ (rng.random((ROWS, CLASSES)) < 0.07)
    words = [[f"tag {k}" for k in np.flatnonzero(row)] for row in tags]
    holes = [None if i % 7 == 0 else ["ant", "böse", "x\ny", '"q"'][i % 4] for i in range(ROWS)]
    return pa.table(
        {
            "id": rng.permutation(ROWS) if keys is None else keys,
            "labels": words,
            "pred_probs": pa.FixedSizeListArray.from_arrays(pa.array(probs.ravel()), CLASSES),
            "text": holes,
            "kind": pa.array(holes).dictionary_encode(),
            "list": [None if i % 9 == 0 else [i] * (i % 4) for i in range(ROWS)],
            "split": pa.array(np.arange(ROWS) % 3),
        }
    )


def source_in(form: str, folder: Path, table: pa.Table, **options: Any) -> LabelSource:
    chosen = ReadOptions(**({"task": "multilabel", "classes": CHOSEN} | options))
    if form == "memory":
        return memory_labels(table, None, chosen)
    paths = []
    for i, part in enumerate([table.slice(0, 180), table.slice(180)]):
        path = folder / f"{i}.{form}"
        pq.write_table(part, path, row_group_size=70)
        paths.append(str(path))
    return open_labels(paths, chosen)


CHOSEN = tuple(f"tag {k}" for k in range(CLASSES))


def audited(
    source: LabelSource, most: int | None, monkeypatch: pytest.MonkeyPatch, **chosen: Any
) -> TagIssues:
    """Audit a source with so many issues held in memory."""
    with monkeypatch.context() as patch:
        if most is not None:
            patch.setattr(naming, "BYTES_PER_ISSUE", 1 << 20)
            patch.setattr(naming, "room_for_issues", lambda _: most << 20)
        found: Any = api.audit(source, AuditSettings(**chosen))
    return found


def both(
    source: LabelSource, monkeypatch: pytest.MonkeyPatch, most: int = 8, **chosen: Any
) -> tuple[TagIssues, TagIssues]:
    whole = audited(source, None, monkeypatch, **chosen)
    spilled = audited(source, most, monkeypatch, **chosen)
    assert isinstance(whole.table, pa.Table)
    assert isinstance(whole.rows, pa.Table)
    assert isinstance(spilled.table, SpilledTable)
    assert isinstance(spilled.rows, SpilledTable)
    return whole, spilled


def assert_same(whole: TagIssues, spilled: TagIssues) -> None:
    for name in ("table", "rows", "classes"):
        one, other = getattr(whole, name), getattr(spilled, name)
        for form in FORMATS:
            assert written(other, form) == written(one, form), (name, form)
        assert other.schema == one.schema
    assert written(spilled.table, "csv", excel=True) == written(whole.table, "csv", excel=True)
    for field, kind in (("issues", TagCells), ("row_results", TagRows)):
        one, other = getattr(whole.audit, field), getattr(spilled.audit, field)
        for name in kind.__slots__:
            ours, theirs = getattr(other, name), getattr(one, name)
            assert ours.dtype == theirs.dtype, name
            np.testing.assert_array_equal(ours, theirs)
    assert spilled.groups == whole.groups
    assert whole.audit.temporary_bytes == 0
    assert spilled.audit.temporary_bytes > 50 * whole.table.num_rows


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"every_row": True},
        {"top": 40},
        {"top": 30, "every_row": True, "method": "both"},
        {"score": "confidence_weighted_entropy", "row_score": "ema"},
        {"compat": True, "method": "low_self_confidence"},
    ],
    ids=str,
)
@pytest.mark.parametrize("form", ["parquet", "memory"])
def test_the_bytes_are_those_of_the_tables_in_memory(
    form: str, chosen: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_in(form, tmp_path, data(), keep=("text", "kind", "list"), group="kind")
    whole, spilled = both(source, monkeypatch, **chosen)
    assert whole.table.num_rows >= 30
    assert whole.rows.num_rows >= 30
    assert_same(whole, spilled)


@pytest.mark.parametrize(
    "options",
    [{}, {"keep": ("id",)}, {"key": "text"}, {"where": "split = 1"}],
    ids=str,
)
def test_keys_and_conditions(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_in("parquet", tmp_path, data(), **options)
    assert_same(*both(source, monkeypatch, skip_invalid=True))


def test_rows_without_a_key_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_in("parquet", tmp_path, data().drop_columns("id"))
    assert_same(*both(source, monkeypatch))


def test_equal_keys_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issue_sorting, "_MOST_REPEATED", 3)
    monkeypatch.setattr(issue_sorting, "_ID_ROWS", 50)
    keys = pa.array([f"key {i % 9}" for i in range(ROWS)])
    source = source_in("parquet", tmp_path, data(keys), key="id")
    whole, spilled = both(source, monkeypatch, skip_invalid=True)
    assert_same(whole, spilled)
    assert len(set(whole.table["issue_id"].to_pylist())) == whole.table.num_rows


def test_rows_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probs = np.array(data()["pred_probs"].to_pylist(), np.float32)
    probs[[3, 77, 300]] = 2.0
    broken = pa.FixedSizeListArray.from_arrays(pa.array(probs.ravel()), CLASSES)
    table = data().set_column(2, "pred_probs", broken)
    source = source_in("parquet", tmp_path, table, group="split")
    whole, spilled = both(source, monkeypatch, skip_invalid=True)
    assert_same(whole, spilled)
    assert sum(whole.groups["rows"].to_pylist()) == ROWS - 3


def test_what_fits_stays_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_in("parquet", tmp_path, data())
    found = audited(source, 4 * ROWS, monkeypatch)
    assert isinstance(found.table, pa.Table)
    assert isinstance(found.rows, pa.Table)
    assert not isinstance(found.audit.row_results.quality, np.memmap)


def test_the_worst_of_many_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_in("parquet", tmp_path, data())
    few = audited(source, 100, monkeypatch, top=10, every_row=True)
    assert isinstance(few.table, pa.Table)
    assert isinstance(few.rows, pa.Table)
    assert isinstance(few.audit.row_results.quality, np.memmap)
    whole = audited(source, None, monkeypatch, top=10, every_row=True)
    assert few.table.equals(whole.table)
    assert few.rows.equals(whole.rows)


def test_a_caller_from_python_gets_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_in("parquet", tmp_path, data())
    whole, spilled = both(source, monkeypatch)
    found = in_one_table(spilled)
    for name in ("table", "rows"):
        assert isinstance(getattr(found, name), pa.Table)
        assert getattr(found, name).equals(getattr(whole, name))
    assert found.audit is spilled.audit


def chunk(orders: list[float], first: int) -> TagChunk:
    """A row of each quality, with two cells of that order."""
    row = np.arange(first, first + len(orders))
    n = len(orders)
    columns = {name: np.zeros(2 * n, kind) for name, kind in CELLS.numbers.items()}
    columns["row"], columns["tag"] = np.repeat(row, 2), np.tile(np.arange(2, dtype=np.int32), n)
    rows = TagRows(row, np.array(orders), np.ones(n, np.int32), np.ones(n, np.bool_))
    cells = TagCells(**columns)
    return TagChunk(cells, np.repeat(np.array(orders), 2), rows, np.empty(0, np.int64))


PARTS = st.lists(st.lists(st.sampled_from([-0.0, 0.0, 0.5, 1.0]), max_size=6), max_size=8)


@settings(deadline=None, max_examples=40)
@given(parts=PARTS, most=st.integers(0, 60), top=st.none() | st.integers(1, 20))
def test_the_worst_come_first_and_ties_by_row_and_class(
    parts: list[list[float]], most: int, top: int | None
) -> None:
    tags, probs = np.tile(np.array([[1, 0]]), (60, 1)), np.full((60, 2), 0.5)
    source = memory_labels(tags, probs, ReadOptions(task="multilabel"))
    spill, rows, first = TagSpill(most, top=top, every_row=False), [], 0
    for part in parts:
        spill.take(chunk(part, first))
        rows += [(order, first + i) for i, order in enumerate(part)]
        first += len(part)
    cells = [(row, k) for _, row in sorted(rows) for k in range(2)]
    found = lines(spill.cells, source, CELLS)
    assert list(zip(found["row"].tolist(), found["tag"].tolist(), strict=True)) == cells[:top]
    found = lines(spill.listed, source, SCORED_ROWS)
    assert found["row"].tolist() == [row for _, row in sorted(rows)][:top]
    scores = spill.scores()
    assert scores.row.tolist() == list(range(first))
    assert scores.quality.tolist() == [order for order, _ in rows]
    spill.close()


def lines(spill: RankedSpill, source: LabelSource, kind: Any) -> Any:
    if spill.files is None:
        return spill.ranked_columns()
    return issue_sorting.spilled_table(spill, source, 100, kind).mapped_numbers()


def test_a_full_disk_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nothing_is_left: Path
) -> None:
    source = source_in("parquet", tmp_path, data())
    with full_disk(), pytest.raises(EnvironmentalError) as caught:
        audited(source, 2, monkeypatch)
    assert caught.value.exit_code == ExitCode.ENVIRONMENT
    assert str(nothing_is_left) in caught.value.found
    assert "TMPDIR" in caught.value.remedy


def tied(rows: int = 900) -> pa.Table:
    """Rows in two groups with two tags that are one, a third never with them, and tags missing."""
    rng = np.random.default_rng(1)
    first = rng.random(rows) < 0.4
    true = np.stack([first, first, ~first & (rng.random(rows) < 0.5)], axis=1)
    probs = np.where(true, 0.9, 0.1) + rng.choice([-0.08, 0.0, 0.08], (rows, 3))
    given = true & (rng.random((rows, 3)) < 0.93)
    flags = {f"label_{k}": given[:, k].astype(np.int8) for k in range(3)}
    numbers = {f"p_{k}": probs[:, k] for k in range(3)}
    return pa.table({"id": rng.permutation(rows), **flags, **numbers, "group": np.arange(rows) % 2})


@pytest.mark.parametrize("group", [None, "group"])
@pytest.mark.parametrize("top", [None, 50])
def test_statistics_do_not_depend_on_it(
    group: str | None, top: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.parquet"
    pq.write_table(tied(), path, row_group_size=200)
    options = ReadOptions(task="multilabel", labels="label_*", probs=("p_*",), group=group)
    source = open_labels([str(path)], options)
    chosen: dict[str, Any] = {"missing": True, "candidates": True, "relations": True, "top": top}
    if group is None:
        chosen["propensity"] = 0.8
    whole, spilled = both(source, monkeypatch, **chosen)
    assert_same(whole, spilled)
    for name in ("candidates", "violations"):
        one, other = getattr(whole, name), getattr(spilled, name)
        assert one.num_rows >= 20, name
        assert isinstance(one, pa.Table)
        assert isinstance(other, SpilledTable)
        assert other.schema == one.schema
        for form in FORMATS:
            assert written(other, form) == written(one, form), (name, form)
    for name in ("missing", "relations"):
        assert getattr(spilled, name).equals(getattr(whole, name))


def test_pairs_that_do_not_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_extras, "LEAST_FOR_PAIRS", 100)
    source = source_in("parquet", tmp_path, data())
    assert api.audit(source, AuditSettings(relations=True), memory=1_000).relations is not None
    with pytest.raises(EnvironmentalError) as caught:
        api.audit(source, AuditSettings(relations=True), memory=1)
    assert caught.value.exit_code == ExitCode.ENVIRONMENT
    assert "15 different pairs" in caught.value.found
    assert "--memory" in caught.value.remedy
