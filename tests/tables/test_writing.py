"""Tables come back as they were written."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tables.on_disk import written

ODD = ["NA", "", None, "a\rb", "a\r\nb", 'say "hi"', "x,y", "猫", "null", "\u202e", "-1", " pad "]
UUIDS = {
    "csv": """\
"id","ids","raw","fixed","code"
"00112233-4455-6677-8899-aabbccddeeff","[""00112233445566778899aabbccddeeff""]","00ff","6162","61"
,,,,"62"
"ffffffff-0000-0000-0000-000000000001","[]","","ff00",
""",
    "jsonl": """\
{"id":"00112233-4455-6677-8899-aabbccddeeff","ids":["00112233445566778899aabbccddeeff"],\
"raw":"00ff","fixed":"6162","code":"61"}
{"id":null,"ids":null,"raw":null,"fixed":null,"code":"62"}
{"id":"ffffffff-0000-0000-0000-000000000001","ids":[],"raw":"","fixed":"ff00","code":null}
""",
}


def read_csv(data: bytes, **types: pa.DataType) -> pa.Table:
    options = pa_csv.ConvertOptions(
        column_types=types,
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    parse = pa_csv.ParseOptions(newlines_in_values=True)
    return pa_csv.read_csv(io.BytesIO(data), convert_options=options, parse_options=parse)


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_columnar_formats_keep_everything(form: str) -> None:
    table = pa.table(
        {
            "id": pa.array([2**53, None, 2**53 + 1]),
            "label": pa.array(["a", None, ""]).dictionary_encode(),
            "flagged_by": pa.array([["x", "y"], [], None]),
            "quality": pa.array([0.1, float("nan"), None], pa.float32()),
        }
    )
    data = written(table, form)
    back = (
        pq.read_table(io.BytesIO(data)) if form == "parquet" else pa.ipc.open_file(data).read_all()
    )
    assert back.schema.types == table.schema.types
    assert back.drop_columns("quality").equals(table.drop_columns("quality"))
    assert str(back["quality"].to_pylist()) == str(table["quality"].to_pylist())


def test_parquet_pages_carry_checksums() -> None:
    data = bytearray(written(pa.table({"a": pa.array(range(10_000))}), "parquet"))
    data[len(data) // 4] ^= 1
    with pytest.raises(OSError, match=r"(?i)crc|checksum"):
        pq.ParquetFile(io.BytesIO(bytes(data)), page_checksum_verification=True).read()


def test_arrow_dictionaries_that_differ_between_chunks() -> None:
    chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c"]).dictionary_encode()]
    data = written(pa.table({"x": pa.chunked_array(chunks)}), "arrow")
    assert pa.ipc.open_file(data).read_all()["x"].to_pylist() == ["a", "b", "c"]


def test_csv_of_odd_text() -> None:
    table = pa.table({"text": ODD, "n": pa.array(range(len(ODD)))})
    assert read_csv(written(table, "csv"), text=pa.string())["text"].to_pylist() == ODD


def test_csv_literally() -> None:
    table = pa.table(
        {
            "rank": [1, 2],
            'na"me': ["a,b", None],
            "flagged_by": [["rcp", "both"], []],
            "quality": pa.array([0.1, 1e-30], pa.float32()),
            "is_issue": [True, False],
            "kind": pa.array(["x", "y"]).dictionary_encode(),
        }
    )
    assert written(table, "csv").decode() == (
        '"rank","na""me","flagged_by","quality","is_issue","kind"\n'
        '1,"a,b","rcp|both",0.1,true,"x"\n'
        '2,,"",1e-30,false,"y"\n'
    )


def test_csv_of_types_that_people_keep() -> None:
    table = pa.table(
        {
            "when": pa.array([datetime(2024, 1, 2, tzinfo=UTC)]),
            "price": pa.array([Decimal("1.50")]),
            "raw": pa.array([b"\x00\xff"]),
            "vector": pa.array([[0.5, None, float("nan")]]),
            "box": pa.array([{"x": 1, "y": ["a"]}]),
            "nothing": pa.nulls(1),
        }
    )
    assert written(table, "csv").decode().split("\n")[1] == (
        '2024-01-02 00:00:00.000000Z,"1.50","00ff","[0.5,null,null]","{""x"":1,""y"":[""a""]}",'
    )


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_uuids_and_bytes_are_text_that_people_know(form: str) -> None:
    names = ["00112233-4455-6677-8899-aabbccddeeff", None, "ffffffff-0000-0000-0000-000000000001"]
    raw = [None if name is None else UUID(name).bytes for name in names]
    table = pa.table(
        {
            "id": pa.array(raw, pa.uuid()),
            "ids": pa.array([[raw[0]], None, []], pa.list_(pa.binary(16))),
            "raw": pa.chunked_array([[b"\x00\xff"], [None, b""]], pa.binary()),
            "fixed": pa.array([b"ab", None, b"\xff\x00"], pa.binary(2)),
            "code": pa.array([b"a", b"b", None]).dictionary_encode(),
        }
    )
    assert written(table, form).decode() == UUIDS[form]


def test_nan_and_infinity_are_nulls_in_text() -> None:
    table = pa.table({"x": [float("nan"), float("inf"), 0.1 + 0.2]})
    assert written(table, "csv").decode() == '"x"\n\n\n0.30000000000000004\n'
    lines = written(table, "jsonl").decode().splitlines()
    assert lines == ['{"x":null}', '{"x":null}', '{"x":0.30000000000000004}']


@pytest.mark.parametrize(
    ("form", "expected"),
    [("csv", b'"a","b"\n'), ("jsonl", b"")],
)
def test_no_rows(form: str, expected: bytes) -> None:
    table = pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.list_(pa.string()))})
    assert written(table, form) == expected


FORMULAS = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\uff1d1", "fine", "a=1", "", None]


def test_excel_guard() -> None:
    table = pa.table(
        {
            "=name": FORMULAS,
            "label": pa.array(FORMULAS).dictionary_encode(),
            "n": [-1] * len(FORMULAS),
        }
    )
    guarded = [f"'{t}" for t in FORMULAS[:7]] + FORMULAS[7:]
    back = read_csv(written(table, "csv", excel=True), label=pa.string())
    assert back.column_names == ["'=name", "label", "n"]
    assert back["'=name"].to_pylist() == guarded
    assert back["label"].to_pylist() == guarded
    assert back["n"].to_pylist() == [-1] * len(FORMULAS)
    unguarded = read_csv(written(table, "csv"), label=pa.string())
    assert unguarded["label"].to_pylist() == FORMULAS


def test_json_lines_literally() -> None:
    table = pa.table(
        {
            "id": pa.array([2**53 + 1, None]),
            'te"xt': ['a\n"b\\c\x01', "猫"],
            "flagged_by": [["rcp", None], []],
            "quality": pa.array([0.1, None], pa.float32()),
            "is_issue": [True, None],
            "kind": pa.array(["x", None]).dictionary_encode(),
            "box": pa.array([{"x": 1}, None]),
            "pair": pa.array([[1, 2], None], pa.list_(pa.int8(), 2)),
            "when": pa.array([datetime(2024, 1, 2, tzinfo=UTC), None]),
        }
    )
    assert written(table, "jsonl").decode() == (
        '{"id":9007199254740993,"te\\"xt":"a\\n\\"b\\\\c\\u0001","flagged_by":["rcp",null],'
        '"quality":0.1,"is_issue":true,"kind":"x","box":{"x":1},"pair":[1,2],'
        '"when":"2024-01-02 00:00:00.000000Z"}\n'
        '{"id":null,"te\\"xt":"猫","flagged_by":[],"quality":null,"is_issue":null,"kind":null,'
        '"box":null,"pair":null,"when":null}\n'
    )


TEXT = st.none() | st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(ODD)
FLOATS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
LISTS = st.none() | st.lists(st.none() | st.integers(-9, 9), max_size=3)


@given(st.lists(st.tuples(TEXT, FLOATS, LISTS), max_size=8), st.integers(0, 3))
def test_json_lines_come_back(rows: list[tuple[Any, Any, Any]], start: int) -> None:
    columns = [pa.string(), pa.float64(), pa.list_(pa.int64())]
    table = pa.table(
        [pa.array([row[i] for row in rows], kind) for i, kind in enumerate(columns)],
        names=["text", "x", "list"],
    ).slice(start)
    lines = written(table, "jsonl").decode().split("\n")[:-1]
    assert [json.loads(line) for line in lines] == table.to_pylist()


@given(st.lists(TEXT, min_size=1, max_size=8))
def test_csv_text_comes_back(texts: list[str | None]) -> None:
    table = pa.table({"n": pa.array(range(len(texts))), "text": pa.array(texts, pa.string())})
    assert read_csv(written(table, "csv"), text=pa.string())["text"].to_pylist() == texts


def test_rows_beyond_one_batch() -> None:
    n = 4 * 65_536 + 3
    table = pa.table({"n": pa.array(range(n)), "t": pa.array(["x"]).take(pa.array([0] * n))})
    assert read_csv(written(table, "csv"))["n"].equals(table["n"])
    assert written(table, "jsonl").count(b"\n") == n
