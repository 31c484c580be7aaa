import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from labelaudit.errors import NothingToAuditError, UsageError
from labelaudit.tables import ReadOptions, memory_labels
from tests.tables.read_back import NAMES, fixed, probs_of, read

P = probs_of(9)
CODES = np.array([0, 1, 2, 2, 1, 0, 0, 1, 2])
WORDS = [NAMES[c] for c in CODES]


@pytest.mark.parametrize(
    "labels",
    [
        CODES,
        CODES.astype(np.uint8),
        CODES.astype(">i4"),
        CODES[::-1][::-1],
        CODES.tolist(),
        tuple(WORDS),
        np.array(WORDS),
        np.array(WORDS, object),
        pd.Series(WORDS),
        pd.Series(WORDS, dtype="category"),
        pd.Series(CODES, dtype="Int64"),
        pl.Series(WORDS),
        pl.Series(WORDS, dtype=pl.Categorical),
        pa.array(WORDS).dictionary_encode(),
        pa.chunked_array([WORDS[:4], WORDS[4:]]),
    ],
    ids=lambda labels: f"{type(labels).__module__}-{getattr(labels, 'dtype', '')}",
)
def test_labels(labels):
    source = memory_labels(labels, P)
    found, probs = read(source)
    assert found.tolist() == CODES.tolist()
    assert np.array_equal(probs, P)
    assert source.paths == ()


def test_missing_labels():
    assert read(memory_labels([0, None, 2], P[:3]))[0].tolist() == [0, -2, 2]
    assert read(memory_labels(np.array([0, np.nan, 2]), P[:3]))[0].tolist() == [0, -2, 2]
    assert read(memory_labels(["cat", None, "dog"], P[:3, :2].copy()))[0].tolist() == [0, -2, 1]
    with_gap = pd.Series([0, None, 2], dtype="Int64")
    assert read(memory_labels(with_gap, P[:3]))[0].tolist() == [0, -2, 2]


@pytest.mark.parametrize(
    ("probs", "dtype"),
    [
        (P, np.float32),
        (P.astype(np.float64), np.float64),
        (P.astype(np.float16), np.float32),
        (np.asfortranarray(P), np.float32),
        (P.astype(">f4"), np.float32),
        (np.eye(3, dtype=int)[CODES], np.float64),
        (P.tolist(), np.float64),
        (pd.DataFrame(P), np.float32),
        (pd.DataFrame(P, columns=["x", "y", "z"]), np.float32),
        (pl.DataFrame(P, schema=["0", "1", "2"]), np.float32),
        (fixed(P), np.float32),
    ],
    ids=lambda value: type(value).__name__,
)
def test_probabilities(probs, dtype):
    found = read(memory_labels(CODES, probs))[1]
    assert found.dtype == dtype
    assert np.array_equal(
        found, np.array(probs.to_pylist() if isinstance(probs, pa.Array) else probs)
    )


def test_arrays_are_not_copied():
    block = next(memory_labels(CODES, P).partitions[0].blocks())
    assert np.shares_memory(block.members[0], P)


def test_a_data_frame_of_probabilities_is_read_by_its_names():
    frame = pd.DataFrame(P[:, [2, 0, 1]], columns=["emu", "cat", "dog"])
    source = memory_labels(WORDS, frame)
    assert source.classes == ("emu", "cat", "dog")
    source = memory_labels(WORDS, frame, ReadOptions(classes=NAMES))
    labels, found = read(source)
    assert labels.tolist() == CODES.tolist()
    assert np.array_equal(found, P)


@pytest.mark.parametrize("models", [[P, P[::-1]], (P, P[::-1].copy()), np.stack([P, P[::-1]])])
def test_ensembles(models):
    source = memory_labels(CODES, models)
    assert np.array_equal(read(source, 0)[1], P)
    assert np.array_equal(read(source, 1)[1], P[::-1])


def columns():
    return {"id": list(range(2**53, 2**53 + 9)), "label": WORDS}


def arrow():
    return pa.table({**columns(), "probs": fixed(P)})


def pandas_frame():
    wide = {f"p_{name}": P[:, k] for k, name in enumerate(NAMES)}
    return pd.DataFrame({**columns(), **wide})


def polars_lists():
    frame = pl.DataFrame({**columns(), "probs": P.tolist()})
    return frame.cast({"probs": pl.List(pl.Float32)})


FRAMES = {
    "pandas": pandas_frame,
    "polars": lambda: pl.DataFrame({**columns(), "probs": P}),
    "polars lists": polars_lists,
    "pyarrow": arrow,
    "stream": lambda: arrow().to_reader(max_chunksize=4),
    "batch": lambda: arrow().combine_chunks().to_batches()[0],
}


def check_frame(frame):
    source = memory_labels(frame)
    for _ in range(2):
        labels, probs = read(source)
        assert labels.tolist() == CODES.tolist()
        assert np.array_equal(probs, P)
    assert source.understanding.key_column == "id"
    assert source.take(np.array([1, 8]), ["id"]).column("id").to_pylist() == [2**53 + 1, 2**53 + 8]
    assert source.check_keys() is None


@pytest.mark.parametrize("kind", FRAMES)
def test_data_frames(kind):
    check_frame(FRAMES[kind]())


def test_a_duckdb_relation():
    with duckdb.connect() as connection:
        check_frame(connection.from_arrow(arrow()))


def test_empty_chunks():
    table = arrow()
    chunks = pa.concat_tables(
        [table.slice(0, 0), table.slice(0, 4), table.slice(4, 0), table.slice(4)]
    )
    check_frame(chunks)


def test_many_rows_are_several_partitions():
    n = 600_000
    probs = np.full((n, 2), 0.5, np.float32)
    source = memory_labels(np.arange(n) % 2, probs)
    assert [each.first_row for each in source.partitions] == [0, 524_288]
    assert len(read(source)[0]) == n


@pytest.mark.parametrize(
    ("labels", "probs", "found"),
    [
        ([0, 1], P, "There are 2 labels, but 9 rows in pred_probs."),
        (CODES, P[:, 0], "The probabilities have the shape (9,), not (rows, classes)."),
        (P[None], P, "The labels have the shape (1, 9, 3)."),
        (CODES, None, "Data of type ndarray is no table, and there are no probabilities."),
    ],
)
def test_shapes_that_do_not_fit(labels, probs, found):
    with pytest.raises(UsageError) as caught:
        memory_labels(labels, probs)
    assert caught.value.found == found


def test_nothing():
    with pytest.raises(NothingToAuditError, match="the table in memory has no rows"):
        memory_labels(pa.table({"label": pa.array([], pa.int64()), "p_0": [], "p_1": []}))
