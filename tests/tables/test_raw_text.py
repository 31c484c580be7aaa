"""Records and lines as they stand in the file, wherever the file is cut while it is read."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelaudit.errors import InputError
from labelaudit.tables import raw_csv, raw_jsonl
from labelaudit.tables.paths import find_files
from labelaudit.tables.raw_csv import RawCsv, cell
from labelaudit.tables.raw_jsonl import RawJsonl

if TYPE_CHECKING:
    from pathlib import Path

MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FIELDS = st.text(st.sampled_from('ab,;"\r\n é'), max_size=4)


def opened(path: Path, data: bytes, kind: Any) -> Any:
    path.write_bytes(data)
    (file,) = find_files([str(path)])
    return kind.of(file) if kind is RawCsv else kind(file)


@MANY
@given(
    st.lists(st.lists(FIELDS, min_size=2, max_size=2), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 9),
    st.booleans(),
)
def test_csv_records_are_whole(tmp_path, rows, line_end, piece, last_end) -> None:
    text = line_end.join(",".join(cell(field, ",").decode() for field in row) for row in rows)
    data = ("x,y" + line_end + text + line_end * last_end).encode()
    raw = opened(tmp_path / "d.csv", data, RawCsv)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_csv, "_PIECE", piece)
        records = list(raw.records())
    assert b"".join(each.body + each.end for each in records) == data
    read = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert [list(map(unquoted, raw.fields(each.body))) for each in records] == read
    assert raw.replaced(records[0].body, {1: b"z"}, [b"w"]) == b"x,z,w"


def unquoted(field: bytes) -> str:
    text = field.decode()
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


@pytest.mark.parametrize("text", ['a,b\n1,"open\n', 'a,b\n1,"open'])
def test_a_quote_that_does_not_end(tmp_path: Path, text: str) -> None:
    raw = opened(tmp_path / "d.csv", text.encode(), RawCsv)
    with pytest.raises(InputError, match="ends inside of a quoted field"):
        list(raw.records())


def test_odd_quotes_and_blank_lines(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbfa;b\n\n5" x;2\r\n\r\n"q"z;"r;s"\n'
    raw = opened(tmp_path / "d.csv", data, RawCsv)
    assert [each.body for each in raw.records()] == [b"\xef\xbb\xbfa;b", b'5" x;2', b'"q"z;"r;s"']
    assert raw.fields(b'"q"z;"r;s";') == [b'"q"z', b'"r;s"', b""]


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text('a"{}[],:\\\n é', max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=5,
)


@MANY
@given(
    st.dictionaries(st.sampled_from(["a", "b", 'c"d']), VALUES),
    VALUES,
    st.sampled_from([None, (",", ":"), (" , ", " : ")]),
)
def test_values_of_json_are_replaced(tmp_path, before, value, separators) -> None:
    line = json.dumps(before, separators=separators)
    lines = opened(tmp_path / "d.jsonl", line.encode(), RawJsonl)
    done = lines.replaced(line, {"a": json.dumps(value)}, {"new": "1"})
    assert json.loads(done) == before | ({"a": value} if "a" in before else {}) | {"new": 1}
    assert lines.replaced(line, {}, {}) == line


def test_lines_wherever_the_file_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = opened(tmp_path / "d.jsonl", b'\xef\xbb\xbf{"a":1}\r\n\n {"a":"\xc3\xa9"} ', RawJsonl)
    monkeypatch.setattr(raw_jsonl, "_PIECE", 1)
    assert list(lines.records()) == ['{"a":1}', '{"a":"é"}']


@pytest.mark.parametrize("line", ["[1]", '{"a":1} {"b":2}x', '{"a" 1}', "{a:1}", '{"a":1,,}'])
def test_what_is_no_object(tmp_path: Path, line: str) -> None:
    lines = opened(tmp_path / "d.jsonl", b"{}", RawJsonl)
    with pytest.raises(InputError, match="not one JSON object"):
        lines.replaced(line, {"a": "1"}, {})
