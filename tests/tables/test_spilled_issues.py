"""Issues sorted on disk: the same bytes as in memory, whatever is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelaudit import api, naming
from labelaudit.audits.settings import AuditSettings
from labelaudit.errors import EnvironmentalError, ExitCode
from labelaudit.findings import IssueChunk
from labelaudit.tables import issue_sorting, issue_spill, pieces
from labelaudit.tables.issue_spill import NUMBERS, IssueSpill, issues_fit, rows_of
from labelaudit.tables.memory import memory_labels
from labelaudit.tables.options import ReadOptions
from labelaudit.tables.source import open_labels
from labelaudit.tables.spilled_issues import SpilledTable
from tests.tables.on_disk import full_disk, written

if TYPE_CHECKING:
    from pathlib import Path

    from labelaudit.findings import LabelIssues
    from labelaudit.tables.source import LabelSource

ROWS = 600
FORMATS = ("parquet", "arrow", "csv", "jsonl", "label-studio", "argilla")


pytestmark = pytest.mark.usefixtures("nothing_is_left", "small_pieces")


def data(seed: int = 0, keys: Any = None) -> pa.Table:
    """Some rows: one in eight is wrong, and many have the same probabilities."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, ROWS)
    probs = np.full((ROWS, 3), 0.1) + rng.choice([0.0, 0.05], (ROWS, 1)) * [1, 0, 0]
    probs[np.arange(ROWS), true] += rng.choice([0.3, 0.6], ROWS)
    probs /= probs.sum(axis=1, keepdims=True)
    given = np.where(rng.random(ROWS) < 0.125, (true + 1) % 3, true)
    words = np.array(["ant", "böse", "", "x\ny", '"q"'])[rng.integers(0, 5, ROWS)].tolist()
    holes = [None if i % 7 == 0 else word for i, word in enumerate(words)]
    halves = [pa.array(holes[:250]).dictionary_encode(), pa.array(holes[250:]).dictionary_encode()]
    return pa.table(
        {
            "id": rng.permutation(ROWS) if keys is None else keys,
            "label": np.array(["a", "b", "c"])[given],
            "pred_probs": pa.FixedSizeListArray.from_arrays(pa.array(probs.ravel()), 3),
            "text": holes,
            "kind": pa.chunked_array(halves),
            "number": pa.array([None if i % 5 == 0 else i for i in range(ROWS)], pa.int16()),
            "list": [None if i % 9 == 0 else [i] * (i % 4) for i in range(ROWS)],
            "struct": [{"a": i % 3, "b": word} for i, word in enumerate(words)],
            "day": pa.array(range(ROWS), pa.date32()),
            "map": pa.array([[("a", i)] for i in range(ROWS)], pa.map_(pa.string(), pa.int64())),
        }
    )


KEEP = ("text", "kind", "number", "list", "struct", "day", "map", "label")


def source_in(form: str, folder: Path, table: pa.Table, **options: Any) -> LabelSource:
    if form == "memory":
        return memory_labels(table, None, ReadOptions(**options))
    paths = []
    for i, part in enumerate([table.slice(0, 210), table.slice(210, 0), table.slice(210)]):
        path = folder / f"{i}.{form}"
        if form == "parquet":
            pq.write_table(part, path, row_group_size=90)
        elif form == "arrow":
            with pa.ipc.new_file(path, part.schema) as writer:
                writer.write_table(part.unify_dictionaries(), max_chunksize=80)
        paths.append(str(path))
    return open_labels(paths, ReadOptions(**options))


def audited(
    source: LabelSource, most: int | None, monkeypatch: pytest.MonkeyPatch, **chosen: Any
) -> LabelIssues:
    """Audit a source with so many issues held in memory."""
    if most is not None:
        monkeypatch.setattr(naming, "BYTES_PER_ISSUE", 1 << 20)
        monkeypatch.setattr(naming, "room_for_issues", lambda _: most << 20)
    found: Any = api.audit(source, AuditSettings(**chosen))
    monkeypatch.undo()
    return found


def both(
    source: LabelSource, monkeypatch: pytest.MonkeyPatch, most: int = 10, **chosen: Any
) -> tuple[LabelIssues, LabelIssues]:
    with monkeypatch.context() as patch:
        whole = audited(source, None, patch, **chosen)
    with monkeypatch.context() as patch:
        spilled = audited(source, most, patch, **chosen)
    assert isinstance(whole.table, pa.Table)
    assert isinstance(spilled.table, SpilledTable)
    return whole, spilled


def assert_same(whole: LabelIssues, spilled: LabelIssues) -> None:
    for form in FORMATS:
        assert written(spilled.table, form) == written(whole.table, form), form
    assert written(spilled.table, "csv", excel=True) == written(whole.table, "csv", excel=True)
    assert spilled.table.num_rows == whole.table.num_rows
    assert spilled.table.schema == whole.table.schema
    for name in NUMBERS:
        ours, theirs = getattr(spilled.audit.issues, name), getattr(whole.audit.issues, name)
        assert ours.dtype == theirs.dtype
        assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("chosen", [{}, {"every_row": True}, {"top": 40}], ids=str)
@pytest.mark.parametrize("form", ["parquet", "arrow", "memory"])
def test_the_bytes_are_those_of_the_table_in_memory(
    form: str, chosen: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_in(form, tmp_path, data(), keep=KEEP, group="kind")
    whole, spilled = both(source, monkeypatch, **chosen)
    assert whole.table.num_rows >= 40
    assert_same(whole, spilled)
    assert spilled.groups.equals(whole.groups)


@pytest.mark.parametrize(
    "options",
    [{}, {"keep": ("id", "day")}, {"key": "text"}, {"where": "day >= 100 and number > 3"}],
    ids=str,
)
def test_keys_and_conditions(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = data()
    table = table.set_column(8, "day", pa.array(range(ROWS), pa.int64()))
    source = source_in("parquet", tmp_path, table, **options)
    assert_same(*both(source, monkeypatch, skip_invalid=True))


def test_rows_without_a_key_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_in("parquet", tmp_path, data().drop_columns("id"))
    assert_same(*both(source, monkeypatch))


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_equal_keys_are_numbered(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issue_sorting, "_MOST_REPEATED", at_once)
    monkeypatch.setattr(issue_sorting, "_ID_ROWS", 50)
    keys = pa.array([f"key {i % 9}" for i in range(ROWS)])
    source = source_in("parquet", tmp_path, data(keys=keys), key="id")
    whole, spilled = both(source, monkeypatch, skip_invalid=True)
    assert_same(whole, spilled)
    assert len(set(whole.table["issue_id"].to_pylist())) == whole.table.num_rows


def test_wide_rows_are_cut_into_smaller_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_PIECE_BYTES", "_GROUP_BYTES"):
        monkeypatch.setattr(pieces, name, 5_000)
    monkeypatch.setattr(issue_sorting, "_BLOCK_BYTES", 2_000)
    table = data().append_column("wide", [["w" * (i % 900) for i in range(ROWS)]])
    source = source_in("parquet", tmp_path, table, keep=("wide",))
    with monkeypatch.context() as patch:
        whole, spilled = both(source, patch)
        sizes = [piece.num_rows for piece in spilled.table.pieces()]
        assert sizes == [piece.num_rows for piece in pieces.in_pieces(whole.table)]
        assert max(sizes) < 32
    assert_same(whole, spilled)


def test_what_fits_stays_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_in("parquet", tmp_path, data())
    found = audited(source, ROWS, monkeypatch)
    assert isinstance(found.table, pa.Table)
    worst = audited(source, 50, monkeypatch, top=20, every_row=True)
    assert isinstance(worst.table, pa.Table)
    assert worst.table.equals(audited(source, None, monkeypatch, top=20, every_row=True).table)


def test_few_rows_with_wide_columns_do_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = data().append_column("wide", [["w" * 3_000] * ROWS])
    source = source_in("parquet", tmp_path, table, keep=("wide",))
    monkeypatch.setattr(issue_spill, "_LEAST_ROOM", 500_000)
    whole, narrow = api.audit(source, AuditSettings()), source.roles
    spilled = api.audit(source, AuditSettings(), memory=1)
    assert isinstance(whole.table, pa.Table)
    assert isinstance(spilled.table, SpilledTable)
    assert spilled.table.mapped().equals(whole.table)
    without = replace(source, roles=replace(narrow, keep=()))
    assert isinstance(api.audit(without, AuditSettings(), memory=1).table, pa.Table)


def test_dictionaries_inside_of_lists_stay_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = pa.array([f"word {i % 50}" for i in range(ROWS)]).dictionary_encode()
    lists = pa.ListArray.from_arrays(pa.array(range(ROWS + 1), pa.int32()), words)
    source = source_in("memory", tmp_path, data().append_column("lists", lists), keep=("lists",))
    assert isinstance(audited(source, 0, monkeypatch).table, pa.Table)


def test_a_caller_from_python_gets_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source_in("parquet", tmp_path, data())
    pattern = str(tmp_path / "*.parquet")
    whole = api.find_issues(pattern)
    monkeypatch.setattr(naming, "BYTES_PER_ISSUE", 1 << 50)
    found = api.find_issues(pattern)
    assert isinstance(found.table, pa.Table)
    assert found.table.equals(whole.table)
    assert len(found) == len(whole)
    assert found.audit.issues.row.tolist() == whole.audit.issues.row.tolist()


def chunk(orders: list[float], first: int) -> IssueChunk:
    columns = {name: np.zeros(len(orders), kind) for name, kind in NUMBERS.items()}
    columns["row"] = np.arange(first, first + len(orders))
    return IssueChunk(rows_of(columns), np.array(orders))


PARTS = st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=6), max_size=8)


@settings(deadline=None, max_examples=50)
@given(parts=PARTS, most=st.integers(0, 40), top=st.none() | st.integers(1, 20))
def test_the_worst_come_first_and_ties_by_row(
    parts: list[list[float]], most: int, top: int | None
) -> None:
    labels = ["a", "b"] * 20
    source = memory_labels(labels, np.array([[0.9, 0.1], [0.1, 0.9]] * 20))
    spill, rows, first = IssueSpill(most, top), [], 0
    for part in (part[:5] for part in parts):
        spill.take(chunk(part, first))
        rows += [(order, first + i) for i, order in enumerate(part)]
        first += len(part)
    if spill.files is None:
        found = spill.ranked().row.tolist()
    else:
        found = issue_sorting.spilled_table(spill, source, 100).mapped_numbers()["row"].tolist()
    spill.close()
    assert found == [row for _, row in sorted(rows)][:top]


def test_a_full_disk_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nothing_is_left: Path
) -> None:
    source = source_in("parquet", tmp_path, data())
    monkeypatch.setattr(naming, "BYTES_PER_ISSUE", 1 << 50)
    with full_disk(), pytest.raises(EnvironmentalError) as caught:
        api.audit(source, AuditSettings())
    assert caught.value.exit_code == ExitCode.ENVIRONMENT
    assert str(nothing_is_left) in caught.value.found
    assert "TMPDIR" in caught.value.remedy


@pytest.mark.parametrize(
    ("n_issues", "memory", "fits"),
    [
        (10_000_000, 2 << 30, False),
        (1_000_000, 2 << 30, True),
        (100_000, 1, True),
        (1_000_000, 1, False),
    ],
)
def test_what_fits(n_issues: int, memory: int, fits: bool) -> None:
    assert issues_fit(n_issues, 400, memory) is fits
