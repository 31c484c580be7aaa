import pickle
import threading
import time

import numpy as np
import pyarrow as pa
import pytest

from labelaudit.errors import InputError
from labelaudit.tables.head_start import head_start
from tests.tables.read_back import fixed, opened, probs_of, read, saved

ROWS, GROUP = 40_000, 12_000
ALL = 1 << 30


def source_of(folder, n=ROWS, group=GROUP):
    table = pa.table(
        {"y": np.random.default_rng(1).integers(0, 100, n), "probs": fixed(probs_of(n, 100))}
    )
    return opened(saved(folder / "t.parquet", table, row_group_size=group))


def decoding():
    return any(each.name == "labelaudit-head-start" for each in threading.enumerate())


def waiting(most=10.0):
    """Wait until nothing is decoded ahead any more."""
    end = time.monotonic() + most
    while decoding() and time.monotonic() < end:
        time.sleep(0.01)


@pytest.mark.parametrize("room", [0, 1, 5_000_000, ALL])
def test_the_rows_are_the_same(tmp_path, room):
    source = source_of(tmp_path)
    labels, probs = read(source)
    with head_start(source, room) as begun:
        assert [each.first_row for each in begun.partitions] == [0, 12_000, 24_000, 36_000]
        for _ in range(2):
            again = read(begun)
            assert np.array_equal(again[0], labels)
            assert np.array_equal(again[1], probs)


def test_what_is_decoded_by_then_needs_no_file(tmp_path):
    source = source_of(tmp_path)
    two = 2 * GROUP * source.decoder.row_bytes
    with head_start(source, two) as begun:
        waiting()
        (tmp_path / "t.parquet").unlink()
        assert sum(len(block) for block in begun.partitions[0].blocks()) == GROUP
        assert sum(len(block) for block in begun.partitions[1].blocks()) == GROUP
        with pytest.raises(InputError, match="gone away"):
            list(begun.partitions[2].blocks())


def test_no_more_waits_than_there_is_room_for(tmp_path):
    source = source_of(tmp_path, group=ROWS)
    block = source.decoder.block_rows * source.decoder.row_bytes
    assert 4 * source.decoder.block_rows < ROWS
    with head_start(source, 2 * block) as begun:
        time.sleep(0.2)
        (tmp_path / "t.parquet").write_bytes(b"something else")
        with pytest.raises(InputError):
            list(begun.partitions[0].blocks())


def test_an_error_is_raised_where_the_rows_are_read(tmp_path):
    source = source_of(tmp_path)
    (tmp_path / "t.parquet").unlink()
    with head_start(source, ALL) as begun:
        waiting()
        with pytest.raises(InputError, match="gone away"):
            list(begun.partitions[0].blocks())


def test_nothing_is_decoded_after_the_end(tmp_path):
    source = source_of(tmp_path)
    with head_start(source, 1) as begun:
        blocks = begun.partitions[0].blocks()
    assert not decoding()
    del blocks
    assert len(read(begun)[0]) == ROWS


def test_readers_in_threads_get_all_rows_once(tmp_path):
    source = source_of(tmp_path)
    found = []
    with head_start(source, ALL) as begun:
        threads = [
            threading.Thread(
                target=lambda part=part: found.extend(map(len, part.blocks())), daemon=True
            )
            for part in begun.partitions
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert sum(found) == ROWS


def test_pickled_it_is_the_recipe(tmp_path):
    source = source_of(tmp_path)
    with head_start(source, ALL) as begun:
        waiting()
        copies = pickle.loads(pickle.dumps(begun.partitions))
    assert copies == source.partitions
