"""Nothing is lost and nothing is touched that is not in the list of changes."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather

from labelaudit.changes import DROP, KEEP, RELABEL, SOURCES, Changes, Quality
from labelaudit.tables.cleaned import AddedNames, Cleaning
from labelaudit.tables.labelled import open_labelled
from labelaudit.tables.options import ReadOptions
from labelaudit.tables.rewriting import cleaned_table, write_cleaned

CLASSES = ("cat", "dog", "NA", "a,b", 'say "x"', "l\rr")
ODD = st.text(st.sampled_from('ab,"\r\n 0=é|\\'), max_size=5)
TEXTS = st.one_of(st.none(), ODD, st.sampled_from(["", "NA", "null", "007", "1.10", "nan", "-"]))
MANY = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def cases(draw):
    """Columns of a table, and changes to its labels."""
    n = draw(st.integers(1, 12))
    labels = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    texts = draw(st.lists(TEXTS, min_size=n, max_size=n))
    numbers = draw(
        st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=n, max_size=n)
    )
    rows = draw(st.lists(st.integers(0, n - 1), unique=True, max_size=n).map(sorted))
    actions = [draw(st.sampled_from([KEEP, RELABEL, DROP])) for _ in rows]
    new = [
        (labels[row] + draw(st.integers(1, 5))) % 6 if action == RELABEL else -1
        for row, action in zip(rows, actions, strict=True)
    ]
    source = [1 if action == RELABEL else draw(st.sampled_from([0, 2])) for action in actions]
    return labels, texts, numbers, (rows, actions, new, source)


def cleaning_of(path, labels, plan) -> Cleaning:
    table = open_labelled([str(path)], ReadOptions(labels="label", key="id"))
    table = table.with_classes(CLASSES)
    code = {name: table.codes[name] for name in CLASSES}
    rows, actions, new, source = plan
    changes = Changes.of(
        rows,
        actions,
        [code[CLASSES[labels[row]]] for row in rows],
        [code[CLASSES[k]] if k >= 0 else -1 for k in new],
        source,
        ["0" * 16] * len(rows),
    )
    quality = Quality.of(np.array(rows, np.int64), np.full(len(rows), 0.5))
    return Cleaning(table, changes, quality, AddedNames())


def expected(labels, plan):
    """The rows that stay: their number, label, label before and source."""
    changed = {row: each for row, *each in zip(*plan, strict=True)}
    found = []
    for row, k in enumerate(labels):
        action, new, source = changed.get(row, (KEEP, -1, 0))
        if action != DROP:
            label = CLASSES[new if action == RELABEL else k]
            found.append((row, label, CLASSES[k], SOURCES[source]))
    return found


def written(cleaning: Cleaning, form: str) -> bytes:
    sink = io.BytesIO()
    rows = write_cleaned(cleaning, form, sink)
    assert rows == cleaning.labelled.rows - cleaning.changes.dropped
    return sink.getvalue()


def parsed_csv(data: bytes) -> pa.Table:
    return pa_csv.read_csv(
        io.BytesIO(data),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            column_types={name: pa.string() for name in ("label", "text", "label_given")},
        ),
    )


def table_of(labels, texts, numbers) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([f"k{i}" for i in range(len(labels))]),
            "text": pa.array(texts, pa.string()),
            "label": pa.array([CLASSES[k] for k in labels]),
            "number": pa.array(numbers, pa.int64()),
        }
    )


def check(table: pa.Table, texts, numbers, labels, plan) -> None:
    kept = expected(labels, plan)
    rows = [row for row, *_ in kept]
    assert table["id"].to_pylist() == [f"k{row}" for row in rows]
    assert table["text"].to_pylist() == [texts[row] for row in rows]
    assert table["number"].to_pylist() == [numbers[row] for row in rows]
    assert table["label"].to_pylist() == [label for _, label, _, _ in kept]
    assert table["label_given"].to_pylist() == [before for _, _, before, _ in kept]
    assert table["label_source"].to_pylist() == [source for *_, source in kept]


@MANY
@given(cases())
def test_parquet_to_every_format(tmp_path, case) -> None:
    labels, texts, numbers, plan = case
    path = tmp_path / "data.parquet"
    pq.write_table(table_of(labels, texts, numbers), path, row_group_size=5)
    cleaning = cleaning_of(path, labels, plan)
    check(pq.read_table(io.BytesIO(written(cleaning, "parquet"))), texts, numbers, labels, plan)
    check(feather.read_table(io.BytesIO(written(cleaning, "arrow"))), texts, numbers, labels, plan)
    check(cleaned_table(cleaning), texts, numbers, labels, plan)
    lines = written(cleaning, "jsonl").decode().splitlines() if expected(labels, plan) else []
    objects = [json.loads(line) for line in lines]
    if objects:
        columns = {name: [each[name] for each in objects] for name in objects[0]}
        check(pa.table(columns), texts, numbers, labels, plan)
        check(parsed_csv(written(cleaning, "csv")), texts, numbers, labels, plan)


def field(value: object, quoted: bool = False) -> str:
    """A CSV field, quoted where it must be, and where somebody felt like it."""
    if value is None:
        return ""
    text = str(value)
    must = text == "" or any(mark in text for mark in ',"\r\n')
    return '"' + text.replace('"', '""') + '"' if must or quoted else text


@MANY
@given(cases(), st.sampled_from(["\n", "\r\n"]))
def test_csv_keeps_the_bytes_of_what_is_not_touched(tmp_path, case, line_end) -> None:
    labels, texts, numbers, plan = case
    path = tmp_path / "data.csv"
    rows = [
        [f"k{i}", field(text, i % 3 == 0), field(CLASSES[k], i % 3 == 1), field(number, i % 3 == 2)]
        for i, (k, text, number) in enumerate(zip(labels, texts, numbers, strict=True))
    ]
    header = ["id", "text", "label", "number"]
    path.write_bytes("".join(",".join(each) + line_end for each in [header, *rows]).encode())
    out = written(cleaning_of(path, labels, plan), "csv").decode()
    wanted = [[*header, "label_given", "label_source", "label_quality"]]
    for row, label, before, source in expected(labels, plan):
        one, text, given_field, number = rows[row]
        kept = given_field if label == before else field(label)
        quality = "0.5" if row in plan[0] else ""
        wanted.append([one, text, kept, number, field(before), source, quality])
    assert out == "".join(",".join(each) + line_end for each in wanted)
    if len(wanted) > 1:
        check(parsed_csv(out.encode()), texts, numbers, labels, plan)


@MANY
@given(cases())
def test_json_lines_keep_their_bytes(tmp_path, case) -> None:
    labels, texts, numbers, plan = case
    path = tmp_path / "data.jsonl"
    lines = [
        f'{{"id":"k{i}",  "text" :{json.dumps(text)}, "deep": {{"label": [1.10, 2]}}, '
        f'"label":{json.dumps(CLASSES[k])},"number":{json.dumps(number)} }}'
        for i, (k, text, number) in enumerate(zip(labels, texts, numbers, strict=True))
    ]
    path.write_text("\n\n".join(lines) + "\n", "utf-8")
    out = written(cleaning_of(path, labels, plan), "jsonl").decode().splitlines()
    kept = expected(labels, plan)
    assert len(out) == len(kept)
    for line, (row, label, before, source) in zip(out, kept, strict=True):
        found = json.loads(line)
        assert (found["label"], found["label_given"]) == (label, before)
        assert found["label_source"] == source
        body = lines[row].replace(f'"label":{json.dumps(before)}', f'"label":{json.dumps(label)}')
        assert line.startswith(body.removesuffix(" }"))


KINDS = [
    pa.dictionary(pa.int8(), pa.string()),
    pa.large_string(),
    pa.dictionary(pa.int32(), pa.large_string(), ordered=True),
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_type_of_text_labels_stays(tmp_path, kind) -> None:
    labels = [0, 1, 0]
    table = table_of(labels, ["x"] * 3, [1, 2, 3])
    encoded = table.set_column(
        2,
        "label",
        table["label"].cast(pa.string()).dictionary_encode().cast(kind)
        if pa.types.is_dictionary(kind)
        else table["label"].cast(kind),
    )
    path = tmp_path / "data.parquet"
    pq.write_table(encoded, path)
    cleaning = cleaning_of(path, labels, ([1], [RELABEL], [4], [1]))
    for out in (
        pq.read_table(io.BytesIO(written(cleaning, "parquet"))),
        feather.read_table(io.BytesIO(written(cleaning, "arrow"))),
        cleaned_table(cleaning),
    ):
        assert out.schema.field("label").type == pq.read_table(path).schema.field("label").type
        assert out["label"].to_pylist() == ["cat", 'say "x"', "cat"]
        assert out["label_given"].to_pylist() == ["cat", "dog", "cat"]


@pytest.mark.parametrize(
    ("values", "kind", "after"),
    [
        ([0, 1, 1], pa.int8(), [0, 0, 1]),
        ([0, 1, 1], pa.uint64(), [0, 0, 1]),
        ([False, True, True], pa.bool_(), [False, False, True]),
        ([0.0, 1.0, None], pa.float64(), [0.0, 0.0, None]),
    ],
)
def test_the_type_of_other_labels_stays(tmp_path, values, kind, after) -> None:
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table({"id": [1, 2, 3], "label": pa.array(values, kind)}), path)
    table = open_labelled([str(path)], ReadOptions())
    changes = Changes.of([1], [RELABEL], [1], [0], [1], ["x"])
    nothing = Quality(np.zeros(0, np.int64), np.zeros(0))
    out = cleaned_table(Cleaning(table, changes, nothing, AddedNames()))
    assert out.schema.field("label").type == kind
    assert out["label"].to_pylist() == after
    assert out["label_given"].to_pylist() == values
