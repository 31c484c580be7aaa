"""What reviewers decided, and whether it is about the labels that stand in the data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from labelaudit.errors import InputError
from labelaudit.tables.decisions import read_decisions
from labelaudit.tables.issue_ids import issue_ids
from labelaudit.tables.labelled import open_labelled
from labelaudit.tables.options import ReadOptions
from tests.in_process import Finished, call

if TYPE_CHECKING:
    from pathlib import Path

PETS = """id,name,label
1,Tom,cat
2,Rex,dog
3,Max,dog
4,Kit,
5,Bob,"cat"
"""


def id_of(key: int, given: str) -> str:
    found: str = issue_ids([("label_error", "", given)], [0], pa.array([key])).to_pylist()[0]
    return found


@pytest.fixture
def review(tmp_path: Path) -> Any:
    (tmp_path / "pets.csv").write_text(PETS, "utf-8")

    def run(decisions: str, *arguments: str, code: int = 0) -> Finished:
        (tmp_path / "d.csv").write_text(decisions, "utf-8")
        words = ["pets.csv", "--decisions", "d.csv", "-o", "out.csv", "--force", *arguments]
        done = call("export", *words, cwd=tmp_path)
        assert done.code == code, done.err
        return done

    return run


HEADER = "issue_id,key,given_label,decision,new_label\n"


def test_every_decision(review: Any, tmp_path: Path) -> None:
    said = f"{id_of(1, 'cat')},1,cat,fix,dog\n,2,dog,keep,\n,3,dog,drop,\n,5,cat,unsure,\n"
    review(HEADER + said)
    assert (tmp_path / "out.csv").read_text("utf-8") == (
        "id,name,label,label_given,label_source,label_quality\n"
        "1,Tom,dog,cat,reviewed,\n"
        "2,Rex,dog,dog,reviewed,\n"
        "4,Kit,,,given,\n"
        '5,Bob,"cat",cat,given,\n'
    )


def test_a_null_label_can_be_filled(review: Any, tmp_path: Path) -> None:
    review(HEADER + ",4,,fix,cat\n")
    assert "4,Kit,cat,,reviewed," in (tmp_path / "out.csv").read_text("utf-8")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (",1,dog,keep,", "Labels that the data no longer has (1): key 1 was dog and is now cat."),
        (",4,dog,keep,", "key 4 was dog and is now null"),
        (",9,dog,keep,", "Keys that are not in the data (1): 9."),
        (",1,cat,fix,", "Fixes without a new_label (1): d.csv, row 0 (key 1)."),
        (",1,cat,fix,emu", "New labels that are no class (1): emu (key 1)."),
        (",1,cat,mend,dog", "d.csv, row 0: 'mend' is not a decision."),
        (
            ",1,cat,fix,dog\n,1,cat,keep,",
            "Decisions that contradict each other (1): key 1: fix to dog, and keep.",
        ),
        ("0123456789abcdef,1,cat,keep,", "Issues that are not about the row of their key (1)"),
        ("0123456789abcdef,,cat,keep,", "Decisions without a key (1): d.csv, row 0."),
    ],
)
def test_what_does_not_fit(review: Any, tmp_path: Path, lines: str, says: str) -> None:
    done = review(f"{HEADER}{lines}\n", code=3)
    assert says in done.err
    assert not (tmp_path / "out.csv").exists()


def test_the_same_decision_twice_is_one(review: Any) -> None:
    assert "1 label replaced" in review(HEADER + ",1,cat,fix,dog\n,1,cat,fix,dog\n").out


def test_new_classes_are_allowed_by_name(review: Any, tmp_path: Path) -> None:
    review(HEADER + ",1,cat,fix,emu\n", "--classes", "emu,yak")
    assert "1,Tom,emu,cat,reviewed," in (tmp_path / "out.csv").read_text("utf-8")


def test_review_twice_changes_nothing_more(review: Any, tmp_path: Path) -> None:
    said = HEADER + ",1,cat,fix,dog\n,3,dog,drop,\n,2,dog,keep,\n"
    review(said)
    once = (tmp_path / "out.csv").read_bytes()
    (tmp_path / "pets.csv").write_bytes(once)
    review(said, "--labels", "label")
    assert (tmp_path / "out.csv").read_bytes() == once


def test_lines_without_a_decision_are_passed_over(review: Any) -> None:
    assert "none were changed" in review(HEADER + ",1,cat,,\n,9,x,,\n").out


def test_no_decisions_column(review: Any) -> None:
    assert "no column decision" in review("key,given_label,new_label\n1,cat,dog\n", code=3).err


def test_numbers_by_the_names_of_a_class_label(tmp_path: Path) -> None:
    features = {"label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}
    table = pa.table({"id": [1, 2], "label": [0, 1]}).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    pq.write_table(table, tmp_path / "in.parquet")
    (tmp_path / "d.csv").write_text(HEADER + ",1,cat,fix,dog\n,2,1,fix,0\n", "utf-8")
    done = call("export", "in.parquet", "--decisions", "d.csv", "-o", "o.parquet", cwd=tmp_path)
    assert done.code == 0, done.err
    assert pq.read_table(tmp_path / "o.parquet")["label"].to_pylist() == [1, 0]


def test_row_numbers_are_keys_where_there_is_none(tmp_path: Path) -> None:
    pa_csv.write_csv(pa.table({"label": ["a", "b", "a"]}), tmp_path / "in.csv")
    (tmp_path / "d.csv").write_text(HEADER + ",2,a,fix,b\n", "utf-8")
    done = call("export", "in.csv", "--decisions", "d.csv", "-o", "o.jsonl", cwd=tmp_path)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text("utf-8").splitlines()]
    assert [row["label"] for row in rows] == ["a", "b", "b"]


def saved(tmp_path: Path, document: Any) -> str:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(document), "utf-8")
    return str(path)


def task(key: int, given: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    data = {"labelaudit_id": id_of(key, given), "labelaudit_key": str(key), "given_label": given}
    return {"id": 77, "data": data, "annotations": list(annotations)}


def choice(label: str, name: str = "label", **more: Any) -> dict[str, Any]:
    result = {"from_name": name, "to_name": "item", "type": "choices"}
    return {"result": [{**result, "value": {"choices": [label]}}], **more}


def test_tasks_of_label_studio(tmp_path: Path) -> None:
    document = [
        task(1, "cat", choice("dog")),
        task(2, "dog", choice("dog")),
        task(3, "dog", choice("drop", "decision")),
        task(5, "cat", choice("dog", was_cancelled=True)),
        task(6, "cat", choice("dog"), choice("emu", ground_truth=True)),
        task(7, "cat"),
    ]
    found = read_decisions(saved(tmp_path, document))
    assert [(each.key, each.decision, each.new) for each in found] == [
        ("1", "fix", "dog"),
        ("2", "keep", None),
        ("3", "drop", None),
        ("6", "fix", "emu"),
    ]
    assert found[0].issue_id == id_of(1, "cat")


def test_the_short_form_of_label_studio(tmp_path: Path) -> None:
    document = [
        {"labelaudit_id": "x", "labelaudit_key": "1", "given_label": "cat", "label": "dog"},
        {"labelaudit_id": "y", "given_label": "cat", "decision": "unsure"},
        {"labelaudit_id": "z", "given_label": "cat", "label": {"choices": ["cat"]}},
    ]
    found = read_decisions(saved(tmp_path, document))
    assert [(each.issue_id, each.decision, each.new) for each in found] == [
        ("x", "fix", "dog"),
        ("y", "unsure", None),
        ("z", "keep", None),
    ]


def test_records_of_argilla(tmp_path: Path) -> None:
    metadata = {"labelaudit_id": "x", "labelaudit_key": "1", "given_label": "cat"}
    answer = {"value": "dog", "user_id": "u"}
    draft = {"value": "emu", "user_id": "v", "status": "draft"}
    record = {"id": "x", "metadata": metadata, "responses": {"label": [answer, draft]}}
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps(record) + "\n" + json.dumps({**record, "responses": {}}), "utf-8")
    found = read_decisions(str(path))
    assert [(each.key, each.decision, each.new) for each in found] == [("1", "fix", "dog")]


@pytest.mark.parametrize(
    "document",
    [
        [1, 2],
        [{"id": 1}],
        [{"data": {}, "annotations": [choice("a")]}],
        [{"data": {}, "annotations": 5}],
        [task(1, "cat", {"result": [{"value": {"choices": ["a"]}}]})],
        [{"metadata": {}, "responses": {"label": [{"value": "a"}]}}],
    ],
)
def test_json_of_something_else(tmp_path: Path, document: Any) -> None:
    with pytest.raises(InputError):
        read_decisions(saved(tmp_path, document))


def test_two_choices_for_one_label(tmp_path: Path) -> None:
    two = choice("a")
    two["result"][0]["value"]["choices"].append("b")
    with pytest.raises(InputError, match="2 choices for one label"):
        read_decisions(saved(tmp_path, [task(1, "cat", two)]))


def test_many_keys_are_found_as_few_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pets.csv").write_text(PETS, "utf-8")
    table = open_labelled([str(tmp_path / "pets.csv")], ReadOptions())
    keys = ["5", "9", "1", "4"]
    few = table.find(keys)
    monkeypatch.setattr("labelaudit.tables.labelled._MANY_KEYS", 0)
    many = table.find(keys)
    assert few.row.tolist() == many.row.tolist() == [4, -1, 0, 3]
    assert few.text == many.text == ["cat", None, "cat", None]
    assert few.code.tolist() == many.code.tolist()
