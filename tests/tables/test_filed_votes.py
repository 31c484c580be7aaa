"""Votes that are grouped by task in files are those that are grouped in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelaudit.errors import LabelauditError
from labelaudit.shelves import TemporaryFolder
from labelaudit.tables import filed_votes as module
from labelaudit.tables.filed_votes import filed_votes
from labelaudit.tables.vote_options import VoteOptions
from labelaudit.tables.vote_runs import Costs
from labelaudit.tables.votes_memory import memory_votes

if TYPE_CHECKING:
    from labelaudit.tables.votes import VoteSource

BLOCK = ("worker", "label", "gold")
IDS: dict[str, st.SearchStrategy[list[Any]]] = {
    "text": st.lists(st.sampled_from(["b", "a", "", "é", "z", None]), max_size=40),
    "integers": st.lists(st.sampled_from([3, -1, 2**60, 0, None]), max_size=40),
    "whole floats": st.lists(st.sampled_from([3.0, -1.0, float("nan"), None]), max_size=40),
    "floats": st.lists(st.sampled_from([3.5, -1.0, 2.0, float("nan")]), max_size=40),
    "flags": st.lists(st.sampled_from([True, False, None]), max_size=40),
    "dates": st.lists(st.dates(), max_size=40),
    "bytes": st.lists(st.sampled_from([b"\xff", b"a", b""]), max_size=40),
}


def votes_of(data: Any, **options: Any) -> VoteSource:
    return memory_votes(data, None, None, VoteOptions(**options))


def what_is_wrong(source: VoteSource, memory: int, most: int) -> str:
    with TemporaryFolder() as folder, pytest.raises(LabelauditError) as error:
        filed_votes(source, folder.path, memory, lambda _w, _k: Costs(1, 1, most), lambda: None)
    return str(error.value)


def check(source: VoteSource, memory: int, most: int) -> None:
    """Read votes both ways, and compare everything; or the errors, if there are any."""
    wrong = None
    try:
        held = source.read()
    except LabelauditError as error:
        wrong = str(error)
    if wrong is not None:
        assert what_is_wrong(source, memory, most) == wrong
        return
    with TemporaryFolder() as folder:
        filed = filed_votes(
            source, folder.path, memory, lambda _w, _k: Costs(1, 1, most), lambda: None
        )
        assert (filed.counts, filed.warnings) == (held.counts, held.warnings)
        assert filed.workers.equals(held.workers)
        assert filed.classes.names == held.classes.names
        assert filed.classes.values.equals(held.classes.values)
        assert pa.concat_arrays(list(filed.task_ids)).equals(held.tasks)
        blocks = [each.block() for each in filed.blocks]
        for name in BLOCK:
            whole = np.concatenate([getattr(block, name) for block in blocks])
            np.testing.assert_array_equal(whole, getattr(held.block, name))
        lengths = np.concatenate([np.diff(block.task_start) for block in blocks])
        np.testing.assert_array_equal(lengths, np.diff(held.block.task_start))
        assert {(block.n_workers, block.n_classes) for block in blocks} == {filed.sizes}


@pytest.mark.parametrize("ids", IDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_ids_of_any_type(ids: str, data: st.DataObject) -> None:
    tasks = data.draw(IDS[ids])
    n = len(tasks)
    if not n:
        return
    table = pa.table(
        {
            "task": pa.chunked_array([pa.array(tasks, from_pandas=False)]),
            "worker": data.draw(st.lists(st.sampled_from([1, 2, None]), min_size=n, max_size=n)),
            "label": data.draw(st.lists(st.sampled_from("xy-"), min_size=n, max_size=n)),
        }
    )
    options = {
        "duplicates": data.draw(st.sampled_from(["last", "first", "all", "error"])),
        "abstain": data.draw(st.sampled_from([(), ("-",)])),
    }
    check(votes_of(table, **options), data.draw(st.sampled_from([1, 10**9])), 1)


def many(n: int = 9000, tasks: int = 4000) -> pa.Table:
    rng = np.random.default_rng(0)
    task = rng.integers(0, tasks, n)
    return pa.table(
        {
            "task": pa.array([f"t{i}" for i in task]),
            "worker": pa.array([f"w{i}" for i in rng.integers(0, 12, n)]),
            "label": pa.array(rng.choice(["a", "b", "c", "-", None], n).tolist()),
            "known": pa.array([("a", "b", None)[i % 3] for i in task]),
        }
    )


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_ROWS", 1)  # batches of 4096 rows, the fewest


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("most", [1, 3000, 10**9])
@pytest.mark.parametrize("memory", [1, 10**9])
@pytest.mark.parametrize("duplicates", ["last", "first", "all", "error"])
def test_runs_are_merged(duplicates: str, memory: int, most: int) -> None:
    check(votes_of(many(), duplicates=duplicates, abstain=("-",), gold="known"), memory, most)


@pytest.mark.usefixtures("small_batches")
def test_wide_votes() -> None:
    rng = np.random.default_rng(0)
    wide = {f"w{i}": pa.array(rng.choice(["a", "b", None], 9000).tolist()) for i in range(3)}
    check(votes_of(pa.table(wide), workers=("*",)), 1, 1)
    named = pa.table({"task": rng.integers(0, 6000, 9000), **wide})
    check(votes_of(named), 1, 1)
    check(votes_of(named, duplicates="all", where="task > 70"), 1, 1)


def test_gold_in_a_table_of_its_own() -> None:
    known = pa.table({"task": ["t1", "t2", "t1", None], "label": ["a", "b", "a", "c"]})
    check(votes_of(many(), abstain=("-",), known=known), 1, 1)
    for task, label in (("t1", "b"), ("nobody", "a"), ("t2", "strange")):
        wrong = pa.concat_tables([known, pa.table({"task": [task], "label": [label]})])
        check(votes_of(many(), abstain=("-",), known=wrong), 1, 1)


def test_what_is_wrong_is_said_alike() -> None:
    table = many(300, 20)
    check(votes_of(table, classes=("a", "b")), 1, 1)
    check(votes_of(table, gold="known", classes=("a", "b", "c", "-")), 1, 1)
    torn = table.set_column(3, "known", pa.array(["a", "b"] * 150))
    check(votes_of(torn, gold="known"), 1, 1)
    check(votes_of(table.set_column(2, "label", pa.array(["-"] * 300)), abstain=("-",)), 1, 1)
    texts = pa.table({"id": range(9), "a": list("xyxyxyxyx"), "b": [f"text {i}" for i in range(9)]})
    check(votes_of(texts), 1, 1)


def test_labels_without_number_are_no_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_LABELS", 3)
    assert "more than 3 different labels" in what_is_wrong(votes_of(many()), 1, 1)


def test_parts_have_about_the_size_that_is_asked_for() -> None:
    source = votes_of(many())
    with TemporaryFolder() as folder:
        filed = filed_votes(
            source, folder.path, 10**9, lambda _w, _k: Costs(1, 0, 3000), lambda: None
        )
        sizes = [each.block().n_votes for each in filed.blocks]
    assert len(sizes) == 3
    assert max(sizes) <= 3000
