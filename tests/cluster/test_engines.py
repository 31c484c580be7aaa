"""Tables that another engine holds: the same answers from whatever batches it brings."""

import pickle
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labelaudit
from labelaudit.cluster.engines import ANSWER, EngineTable
from labelaudit.cluster.numbering import Numbering, runs_of
from labelaudit.cluster.parcels import unpacked
from labelaudit.errors import InputError, InvalidDataError, NothingToAuditError, UsageError
from tests.in_process import FIXTURES
from tests.tables.read_back import small

CLASSES = list(map(str, range(10)))


def digits():
    table = pq.read_table(FIXTURES / "noisy" / "digits" / "data.parquet")
    return table.append_column("row", pa.array(np.arange(len(table))))


class Engine:
    """Brings a table in partitions and batches, each call to the step in a process of its own."""

    def __init__(self, table, cuts=(), batch_rows=1000, shuffle=0):
        bounds = [0, *sorted(cuts), len(table)]
        self.parts = [table.slice(a, b - a) for a, b in pairwise(bounds)]
        np.random.default_rng(shuffle).shuffle(self.parts)
        self.schema, self.batch_rows, self.steps = table.schema, batch_rows, []

    def __call__(self, step):
        self.steps.append(step)
        sent = pickle.dumps(step)
        for part in self.parts:
            yield from unpacked(sent)(part.to_batches(max_chunksize=self.batch_rows))


def audited(engine, **options):
    return labelaudit.find_issues(EngineTable(engine.schema, engine), **options)


def same(found, expected):
    assert found.table.equals(expected.table)
    assert repr(found.audit) == repr(expected.audit)
    for name in ("classes", "joint", "pairs", "problems", "groups"):
        mine, theirs = getattr(found, name), getattr(expected, name)
        assert mine.equals(theirs) if isinstance(mine, pa.Table) else mine == theirs


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"method": "prune_by_noise_rate", "every_row": True, "score": "self_confidence"},
        {"method": "both", "compat": True},
        {"adjust": True, "method": "predicted_neq_given", "key": "id", "keep": ["row"]},
        {"classes": CLASSES, "top": 10},
    ],
)
def test_methods(options):
    table = digits()
    same(
        audited(Engine(table, (500, 501, 1200)), **options),
        labelaudit.find_issues(table, **options),
    )


@settings(max_examples=8, deadline=None)
@given(
    cuts=st.sets(st.integers(1, 1796), max_size=5),
    batch_rows=st.integers(40, 2000),
    shuffle=st.integers(0, 9),
)
def test_partitions_and_batches(cuts, batch_rows, shuffle):
    table = digits()
    engine = Engine(table, cuts, batch_rows, shuffle)
    same(audited(engine), labelaudit.find_issues(table))


def test_numbers_with_gaps_between_partitions():
    table = digits()
    gaps = np.arange(1797) + (np.arange(1797) // 600 << 33)
    table = table.set_column(table.schema.get_field_index("row"), "row", pa.array(gaps))
    found = audited(Engine(table, (600, 1200), shuffle=3), key="row")
    expected = labelaudit.find_issues(table, key="row")
    same(found, expected)
    assert set(found.table["key"].to_pylist()) <= set(gaps.tolist())


def test_rows_that_cannot_be_used():
    table = digits()
    labels = table["label"].to_pylist()
    labels[7] = None
    table = table.set_column(table.schema.get_field_index("label"), "label", pa.array(labels))
    with pytest.raises(InvalidDataError) as raised:
        audited(Engine(table, (900,)))
    assert raised.value.problems == ("1 row has no label (row 7).",)
    same(
        audited(Engine(table, (900,)), skip_invalid=True),
        labelaudit.find_issues(table, skip_invalid=True),
    )


def test_partitions_without_rows():
    table = digits()
    engine = Engine(table, (900, 900, 1797))
    assert sum(len(part) == 0 for part in engine.parts) == 2
    same(audited(engine), labelaudit.find_issues(table))


def test_no_rows():
    assert refused(NothingToAuditError, Engine(digits().slice(0, 0))) == (
        "the engine's table has no rows."
    )


def test_groups():
    table = digits().append_column("half", pa.array(np.arange(1797) // 900))
    same(audited(Engine(table, (900,)), group="half"), labelaudit.find_issues(table, group="half"))


def test_lists_of_any_length_are_looked_at_first():
    table = digits()
    at = table.schema.get_field_index("pred_probs")
    table = table.set_column(at, "pred_probs", table["pred_probs"].cast(pa.list_(pa.float32())))
    engine = Engine(table, (700,))
    same(audited(engine), labelaudit.find_issues(table))
    sent = [
        step.work for step in engine.steps if getattr(step.work, "columns", ()) == ("pred_probs",)
    ]
    assert [len(work.rows) for work in sent] == [1024]


def test_what_is_answered_is_small():
    table = digits()
    engine = Engine(table, (900,))
    audited(engine, classes=CLASSES)
    answers = list(engine(engine.steps[-1]))
    assert all(batch.schema == ANSWER for batch in answers)
    assert sum(batch.nbytes for batch in answers) < table.nbytes


def refused(kind, engine, **options):
    with pytest.raises(kind) as raised:
        audited(engine, **options)
    return raised.value.found


def renumbered(numbers):
    table = digits()
    return table.set_column(table.schema.get_field_index("row"), "row", numbers)


def test_numbers_that_are_none():
    twice = pa.array([*range(1796), 3])
    assert refused(InputError, Engine(renumbered(twice))) == (
        "Column row holds the row number 3 twice."
    )
    assert refused(InputError, Engine(renumbered(pa.array([*range(1796), None])))) == (
        "Column row holds no number in some rows."
    )
    backwards = pa.array(np.arange(1797)[::-1])
    assert refused(InputError, Engine(renumbered(backwards))) == (
        "The numbers in column row do not go up by one from row to row."
    )
    assert refused(UsageError, Engine(digits().drop_columns(["row"]))) == (
        "There is no column row of integers to number the rows."
    )


def test_an_engine_that_gives_other_rows():
    table = digits()
    engine = Engine(table, (900,))

    def forgets(step):
        if len(engine.steps) == 3:
            engine.parts = engine.parts[:1]
        yield from engine(step)

    with pytest.raises(InputError) as raised:
        labelaudit.find_issues(EngineTable(table.schema, forgets))
    assert raised.value.found.startswith("The engine gives ")
    assert raised.value.found.endswith(" rows, and gave 1,797 before.")


def test_an_engine_that_gives_something_else():
    with pytest.raises(UsageError) as raised:
        labelaudit.find_issues(EngineTable(digits().schema, lambda _: [3]))
    assert raised.value.found == "run= gave int, not what the step gives."


def test_conditions_are_the_engines():
    assert refused(UsageError, Engine(digits()), where="id < 3") == (
        "where= is for files, and the engine's table is held by another engine."
    )


def test_no_cluster_beside_the_engine():
    assert "an engine that works on a cluster of its own" in refused(
        UsageError, Engine(digits()), cluster="dask"
    )


def test_several_labels_a_row():
    table = small([[0], [1, 2]], np.full((2, 3), 0.1), row=[0, 1])
    assert "has to have one label a row" in refused(UsageError, Engine(table))


def test_numbering():
    runs = [np.array([[100, 110], [0, 5]]), np.array([[5, 7]])]
    found = Numbering.of(runs, "row")
    assert (found.starts.tolist(), found.ends.tolist()) == ([0, 100], [7, 110])
    assert found.rows == 17
    assert [found.dense(number) for number in (0, 6, 100, 109)] == [0, 6, 7, 16]
    for absent in (-1, 7, 110):
        with pytest.raises(InputError):
            found.dense(absent)
    assert runs_of(np.array([4, 5, 9]), "row").tolist() == [[4, 6], [9, 10]]


@pytest.mark.parametrize(
    ("given", "advice"), [(None, "A return may be missing in it. Return"), (3, "Return")]
)
def test_an_engine_that_gives_nothing_to_go_through(given, advice):
    with pytest.raises(UsageError) as raised:
        labelaudit.find_issues(EngineTable(digits().schema, lambda _: given))
    assert raised.value.found == f"run= gave {type(given).__name__}, not what the step gives."
    assert raised.value.remedy.startswith(f"{advice} the batches that the step yields")
