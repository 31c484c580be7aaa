"""One rule for cutting tables."""

from __future__ import annotations

import pyarrow as pa
import pytest

from labelaudit.tables import pieces
from labelaudit.tables.coded import Coded
from labelaudit.tables.pieces import copied, in_pieces, payload, piece_rows, row_groups


@pytest.mark.parametrize(
    ("column", "size"),
    [
        (pa.array(["a", None, "böse"]), 6),
        (pa.array([b"a", b"bc"], pa.large_binary()), 3),
        (pa.array([], pa.string()), 0),
        (pa.array([1, 2], pa.int8()), 16),
        (pa.array([["ab"], None, []]), 14),
        (pa.array([[1, 2]], pa.list_(pa.int8(), 2)), 20),
        (pa.array([{"a": "xyz", "b": 1}]), 11),
        (pa.array(["a", "a"]).dictionary_encode(), 16),
        (pa.array([b"." * 16], pa.uuid()), 8),
    ],
    ids=str,
)
def test_bytes_of_values(column: pa.Array, size: int) -> None:
    table = pa.table({"column": column})
    assert payload(table) == size
    longer = pa.concat_tables([table, table, table]).combine_chunks()
    assert payload(longer.slice(len(column), len(column))) == size


@pytest.mark.parametrize(("size", "rows"), [(0, 65_536), (32 << 20, 65_536), (33 << 20, 32_768)])
def test_rows_of_a_piece(size: int, rows: int) -> None:
    assert piece_rows(size) == rows
    assert piece_rows(1 << 60) == 1


def test_pieces_and_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE_ROWS", 8)
    monkeypatch.setattr(pieces, "_PIECE_BYTES", 100)
    monkeypatch.setattr(pieces, "_GROUP_BYTES", 300)
    monkeypatch.setattr(pieces, "GROUP_ROWS", 16)
    table = pa.table({"text": ["." * 5] * 20 + ["." * 50] * 10})
    sizes = [piece.num_rows for piece in in_pieces(table)]
    assert sizes == [8, 8, *[2] * 7]
    groups = [sum(piece.num_rows for piece in group) for group in row_groups(table)]
    assert groups == [16, 10, 4]
    assert pa.concat_tables(in_pieces(table)).equals(table)
    assert [piece.num_rows for piece in in_pieces(table.slice(0, 0))] == [0]


def test_a_copy_has_nothing_of_what_stood_beside_it() -> None:
    table = pa.table({"text": ["abc", "defg", "hi"], "list": [["a"], ["b"], []]})
    copy = copied(table.slice(1, 1))
    assert copy.equals(table.slice(1, 1))
    assert copy["text"].num_chunks == 1
    assert copy["text"].chunk(0).offset == 0
    assert copy["text"].chunk(0).buffers()[2].to_pybytes()[:4] == b"defg"


def test_dictionaries_that_grow() -> None:
    schema = pa.table({"kind": pa.array(["a"]).dictionary_encode(), "n": [1]}).schema
    coded = Coded(schema)
    parts = [pa.array(["b", None, "a"]), pa.array(["c", "a"]), pa.array(["a", "c", "b"])]
    tables = [pa.table({"kind": part.dictionary_encode(), "n": [1] * len(part)}) for part in parts]
    stored = [coded.encoded(table) for table in tables]
    assert all(table.schema == coded.stored for table in stored)
    back = [coded.decoded(table) for table in stored]
    assert [table.to_pydict() for table in back] == [table.to_pydict() for table in tables]
    assert {tuple(table["kind"].chunk(0).dictionary.to_pylist()) for table in back} == {
        ("b", "a", "c")
    }
