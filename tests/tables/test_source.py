import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv

from labelaudit.tables.keys import key_problem
from tests.tables.read_back import fixed, opened, probs_of, read, saved, small


def big(n=3_000, k=100, **columns):
    rng = np.random.default_rng(1)
    table = {"y": rng.integers(0, k, n), "probs": fixed(probs_of(n, k)), **columns}
    return pa.table(table)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.sets(st.integers(0, 99), max_size=20),
    group=st.integers(1, 60),
    parts=st.integers(1, 4),
    encoded=st.booleans(),
)
def test_take(tmp_path_factory, rows, group, parts, encoded):
    folder = tmp_path_factory.mktemp("parts")
    name = pa.array([f"k{i // 3}" for i in range(100)])
    table = small(np.arange(100) % 3, name=name.dictionary_encode() if encoded else name)
    table = table.append_column("big", pa.array([2**60 + i if i % 7 else None for i in range(100)]))
    for part in range(parts):
        low, high = part * 100 // parts, (part + 1) * 100 // parts
        saved(folder / f"{part}.parquet", table.slice(low, high - low), row_group_size=group)
    source = opened(folder)
    wanted = np.array(sorted(rows), np.int64)
    taken = source.take(wanted, ["big", "name", "label"])
    assert taken.schema.types == [table.schema.field(c).type for c in ("big", "name", "label")]
    assert taken.to_pylist() == table.select(["big", "name", "label"]).take(wanted).to_pylist()


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_take_without_columns_keeps_the_rows(tmp_path, suffix):
    path = tmp_path / f"t.{suffix}"
    table = pa.table({"label": [0, 1, 1], "p_0": [0.9, 0.2, 0.3], "p_1": [0.1, 0.8, 0.7]})
    csv.write_csv(table, path) if suffix == "csv" else saved(path, table)
    taken = opened(path).take(np.array([0, 2]), [])
    assert (taken.num_rows, taken.num_columns) == (2, 0)


def test_take_reads_only_the_row_groups_it_needs(tmp_path):
    path = tmp_path / "t.parquet"
    ids = np.arange(300)
    saved(
        path, small(ids % 3, id=ids), row_group_size=100, use_dictionary=False, compression="none"
    )
    source = opened(path)
    data = bytearray(path.read_bytes())
    place = data.index(ids[200:300].tobytes())
    data[place] ^= 1
    stat = path.stat()
    path.write_bytes(bytes(data))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert source.take(np.array([0, 199]), ["id"]).column("id").to_pylist() == [0, 199]
    with pytest.raises(Exception, match="row group 2"):
        source.take(np.array([200]), ["id"])


def test_one_file_has_no_file_column(tmp_path):
    assert opened(saved(tmp_path / "t.parquet")).file_of(np.array([0])) is None


def test_label_values_have_the_type_of_the_input(tmp_path):
    labels = pa.array([0, 1, 2, 1], pa.int8())
    source = opened(saved(tmp_path / "t.parquet", small(labels)))
    assert source.label_value(1) == pa.scalar(1, pa.int8())
    encoded = pa.array(["a", "b", "c", "b"]).dictionary_encode()
    source = opened(saved(tmp_path / "u.parquet", small(encoded)))
    assert source.label_value(1) == pa.scalar("b", pa.string())


def test_held_blocks_are_read_once(tmp_path):
    path = tmp_path / "t.parquet"
    source = opened(saved(path, big())).held(10_000_000)
    first = read(source)
    path.unlink()
    again = read(source)
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])


def test_held_within_the_budget(tmp_path):
    path = tmp_path / "t.parquet"
    table = big(24_000)
    source = opened(saved(path, table, row_group_size=12_000))
    assert [each.first_row for each in source.partitions] == [0, 12_000]
    kept = source.held(12_000 * source.decoder.row_bytes)
    read(kept)
    path.unlink()
    assert sum(map(len, kept.partitions[0].blocks())) == 12_000
    with pytest.raises(Exception, match="gone away"):
        list(kept.partitions[1].blocks())


def test_a_reading_that_stops_gives_its_budget_back(tmp_path):
    source = opened(saved(tmp_path / "t.parquet", big()))
    kept = source.held(source.rows * source.decoder.row_bytes)
    blocks = kept.partitions[0].blocks()
    next(blocks)
    blocks.close()
    read(kept)
    (tmp_path / "t.parquet").unlink()
    assert len(read(kept)[0]) == 3_000


def test_held_by_several_threads(tmp_path):
    source = opened(saved(tmp_path / "t.parquet", big()))
    expected = read(source)
    kept = source.held(10_000_000)
    barrier = threading.Barrier(4)

    def both(_):
        barrier.wait()
        return read(kept)

    with ThreadPoolExecutor(4) as pool:
        for labels, probs in pool.map(both, range(4)):
            assert np.array_equal(labels, expected[0])
            assert np.array_equal(probs, expected[1])


def test_held_partitions_are_pickled_as_recipes(tmp_path):
    kept = opened(saved(tmp_path / "t.parquet", big())).held(10_000_000)
    read(kept)
    assert len(pickle.dumps(kept.partitions)) < 20_000


def keys(*batches):
    kind = pa.array([key for batch in batches for key in batch]).type
    return key_problem(lambda: (pa.array(batch, kind) for batch in batches), "id")


@pytest.mark.parametrize(
    "batches",
    [
        ([1, 2, 3], [4, 5]),
        ([5, 2, 3], [4, 1]),
        (["b", "a"], ["c"]),
        ([2**53, 2**53 + 1], [2**53 + 2]),
        ([b"a", b"b"],),
        ([], [1], []),
        ([1.5, 0.5],),
    ],
)
def test_sound_keys(batches):
    assert keys(*batches) is None


def test_repeated_keys():
    problem = keys(["b", "a", "b"], ["c", "a", "b"])
    assert problem.kind == "duplicate_key"
    assert problem.sentence == "The key column id repeats an earlier key in 3 rows."
    assert (problem.count, problem.rows) == (3, (2, 4, 5))
    assert problem.remedy == "Give each row a key of its own, or name another column with --key."


def test_missing_keys_beside_large_ones():
    problem = keys([2**53, 2**53 + 1, None])
    assert problem.kind == "null_key"
    assert problem.sentence == "The key column id is null in 1 row."
    assert (problem.count, problem.rows) == (1, (2,))


def test_missing_and_repeated_keys():
    problem = keys([3, None, 3], [None, 1, 1])
    assert problem.sentence == (
        "The key column id is null in 2 rows and repeats an earlier key in 2 rows."
    )
    assert (problem.count, problem.rows) == (4, (1, 2, 3, 5))


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=12),
    text=st.booleans(),
    cut=st.integers(0, 12),
)
def test_repeats_by_the_obvious_way(values, text, cut):
    typed = [None if v is None else str(v) for v in values] if text else values
    kind = pa.string() if text else pa.int64()
    seen, wrong = set(), []
    for row, value in enumerate(typed):
        if value is None or value in seen:
            wrong.append(row)
        seen.add(value)
    batches = [pa.array(typed[:cut], kind), pa.array(typed[cut:], kind)]
    problem = key_problem(lambda: iter(batches), "id")
    assert (problem.count if problem else 0) == len(wrong)
    assert (problem.rows if problem else ()) == tuple(wrong[:5])


def test_keys_of_a_dictionary_column(tmp_path):
    ids = pa.array(["a", "b", "a", "c"]).dictionary_encode()
    source = opened(saved(tmp_path / "t.parquet", small(id=ids)))
    assert source.check_keys().rows == (2,)
    assert source.without_key().check_keys() is None


def test_bytes_to_read_leaves_other_columns_out(tmp_path):
    noise = np.random.default_rng(0).bytes(800_000)
    ballast = [noise[i * 800 : i * 800 + 800] for i in range(1_000)]
    table = big(1_000, 10, ballast=ballast)
    path = tmp_path / "t.parquet"
    source = opened(saved(path, table))
    assert 40_000 < source.bytes_to_read < 60_000
    assert path.stat().st_size > 500_000
