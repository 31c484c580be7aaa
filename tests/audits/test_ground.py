from __future__ import annotations

import pickle

import numpy as np
import pytest

from labelaudit.audits import ground as grounds
from labelaudit.audits import reading
from labelaudit.audits.find_issues import audit_labels
from labelaudit.audits.ground import LocalGround, Stretch
from labelaudit.audits.settings import METHODS, AuditSettings
from labelaudit.blocks import LabelBlock
from labelaudit.running import Here
from labelaudit.shelves import MemoryShelf, SpillShelf
from tests.audits.labelled import rows_of, same
from tests.strategies import Rows as Partition


@pytest.fixture(scope="module")
def table():
    """Rows of nine classes, so that some are settled by their fourth class only."""
    rng = np.random.default_rng(5)
    true = rng.integers(0, 9, 900)
    labels = np.where(rng.random(900) < 0.15, rng.integers(0, 9, 900), true).astype(np.int32)
    z = rng.normal(size=(900, 9)) + 1.5 * np.eye(9)[true]
    probs = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return labels, probs.astype(np.float32)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pieces", [40, 333])
def test_pieces_and_their_shelf_do_not_show(method, pieces, table, monkeypatch, tmp_path):
    labels, probs = table
    settings = AuditSettings(method=method, every_row=True, compat=method == "both")
    whole = audit_labels(rows_of(labels, probs), settings).audit
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(grounds, "PIECE_ROWS", 2 * pieces)
    monkeypatch.setattr(reading, "SPILLED_ROWS", pieces)
    shelf = SpillShelf(budget=2000)
    places = list(range(0, 901, 30))
    cut = audit_labels(rows_of(labels, probs, places=places, shelf=shelf), settings).audit
    same(whole, cut)
    assert whole.quality.expected.tobytes() == cut.quality.expected.tobytes()
    assert list(tmp_path.glob("labelaudit-*"))
    shelf.close()


def test_a_sink_takes_the_rows_in_order(table):
    labels, probs = table
    taken = []

    class Sink:
        def take(self, chunk):
            taken.append(chunk)

    rows = rows_of(labels, probs, places=[0, 100, 500, 900])
    found = audit_labels(rows, AuditSettings(), Sink())
    kept = audit_labels(rows_of(labels, probs), AuditSettings())
    assert len(found.flagged) == len(found.audit.issues.row) == 0
    row = np.concatenate([chunk.rows.row for chunk in taken])
    assert row.tolist() == kept.flagged.tolist()
    order = np.concatenate([chunk.order for chunk in taken])
    assert row[np.argsort(order, kind="stable")].tolist() == kept.audit.issues.row.tolist()
    assert found.audit.n_issues == kept.audit.n_issues
    assert found.audit.error_rate == kept.audit.error_rate


def partition_of(first_row, *sizes):
    probs = np.full((sum(sizes), 2), 0.5, np.float32)
    labels = np.arange(first_row, first_row + sum(sizes), dtype=np.int32)
    parts, at = [], 0
    for size in sizes:
        part = slice(at, at + size)
        parts.append(LabelBlock(first_row + at, labels[part], (probs[part],)))
        at += size
    return Partition(tuple(parts))


def lay(stretch: Stretch):
    for block in stretch.blocks():
        if len(block):
            stretch.lay(block.first_row, len(block))
    return stretch.partition.first_row


def read_again(stretch: Stretch):
    return [
        (piece.first_row, place.start, block.labels.tolist())
        for piece, blocks in stretch.read()
        for place, block in blocks
    ]


def test_only_partitions_with_these_pieces_are_read():
    parts = [partition_of(0, 2, 3), partition_of(5, 0), partition_of(5, 4), partition_of(9, 1)]
    told = []

    def tell(stage, total):
        told.append((stage, total))
        return Here()

    ground = LocalGround(parts, MemoryShelf(), Here(), tell)
    assert list(ground.read(lay, "laying")) == [0, 5, 5, 9]
    assert list(ground.read(read_again, "again", (2, 9))) == [
        [(0, 0, [0, 1]), (2, 0, [2, 3, 4])],
        [(9, 0, [9])],
    ]
    assert told == [("laying", 4), ("again", 2)]


def test_a_stretch_without_a_partition_cannot_be_read():
    with pytest.raises(ValueError, match="no partition"):
        Stretch([], MemoryShelf()).blocks()


@pytest.mark.parametrize("method", ["rcp", "both"])
def test_steps_and_summaries_can_be_pickled(method, table):
    labels, probs = table

    class Pickling(LocalGround):
        def read(self, step, stage, only=None):
            again = pickle.loads(pickle.dumps(step))
            for found in LocalGround.read(self, again, stage, only):
                yield pickle.loads(pickle.dumps(found))

        def each(self, step):
            again = pickle.loads(pickle.dumps(step))
            for found in LocalGround.each(self, again):
                yield pickle.loads(pickle.dumps(found))

    def where(rows):
        return Pickling(rows.partitions, rows.shelf, rows.on, rows.told)

    settings = AuditSettings(method=method, every_row=True)
    whole = audit_labels(rows_of(labels, probs), settings).audit
    cut = audit_labels(rows_of(labels, probs, places=[0, 450, 900], where=where), settings).audit
    same(whole, cut)


def test_pieces_of_few_rows_are_looked_at_together(monkeypatch):
    monkeypatch.setattr(grounds, "PIECE_ROWS", 6)
    ground = LocalGround([partition_of(0, 2, 3, 7, 1, 6)], MemoryShelf(), Here(), lambda *_: Here())
    assert list(ground.read(lay, "laying")) == [0]
    runs = ground.each(lambda stretch: [piece.rows for piece in stretch.pieces])
    assert list(runs) == [[2, 3], [7], [1], [6]]


def test_a_partition_says_where_it_ends():
    ground = LocalGround(
        [partition_of(0, 5), partition_of(5, 4)], MemoryShelf(), Here(), lambda *_: Here()
    )
    assert list(ground.read(lambda stretch: stretch.stop, "looking")) == [5, None]
