"""Small tables for tests, and what blocks say of them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from labelaudit.tables import ReadOptions, open_labels

NAMES = ("cat", "dog", "emu")


def probs_of(n, k=3, dtype=np.float32, seed=0):
    """Rows that sum to 1."""
    weights = np.random.default_rng(seed).random((n, k)) + 0.1
    return (weights / weights.sum(axis=1, keepdims=True)).astype(dtype)


def fixed(probs):
    return pa.FixedSizeListArray.from_arrays(pa.array(probs.ravel()), probs.shape[1])


def listed(probs, kind=None):
    return pa.array(list(probs), kind or pa.list_(pa.from_numpy_dtype(probs.dtype)))


def small(labels=None, probs=None, **columns):
    labels = [0, 1, 2, 1] if labels is None else labels
    probs = probs_of(len(labels)) if probs is None else probs
    table = {"label": labels, "pred_probs": fixed(probs), **columns}
    return pa.table(table)


def saved(path, table=None, **how):
    pq.write_table(small() if table is None else table, path, write_page_checksum=True, **how)
    return str(path)


def opened(*paths, **options):
    return open_labels([str(path) for path in paths], ReadOptions(**options))


def read(source, member=0):
    """Labels and one member's probabilities of the whole source, after a check of the blocks."""
    row, labels, members = 0, [], []
    for partition in source.partitions:
        assert partition.first_row == row
        for block in partition.blocks():
            assert block.first_row == row
            row += len(block)
            labels.append(block.labels)
            members.append(block.members[member])
            check_block(block, len(source.classes))
    assert row == source.rows
    return np.concatenate(labels), np.concatenate(members)


def check_block(block, n_classes):
    assert block.labels.dtype == np.int32
    assert not block.labels.flags.writeable
    for member in block.members:
        assert member.shape == (len(block), n_classes)
        assert member.flags.c_contiguous
        assert not member.flags.writeable
        assert member.dtype in (np.float32, np.float64)
