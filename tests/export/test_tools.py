"""Tasks for Label Studio and Argilla: there by their own libraries, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.in_process import FIXTURES, ROOT, call

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = FIXTURES / "noisy" / "digits" / "data.parquet"
PAGE = ROOT / "docs" / "how-to" / "clean-labels.md"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    outputs = ["-o", "label-studio:tasks.json", "-o", "argilla:records.jsonl", "-o", "i.parquet"]
    done = call("find-issues", DIGITS, "--keep", "pred_probs", "-q", *outputs, cwd=tmp_path)
    assert done.code == 0, done.err
    return tmp_path


def tasks_of(files: Path) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = json.loads((files / "tasks.json").read_text("utf-8"))
    return tasks


def records_of(files: Path) -> list[dict[str, Any]]:
    lines = (files / "records.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_what_stands_in_a_task(files: Path) -> None:
    task = tasks_of(files)[0]
    data = task["data"]
    assert list(data) == [
        *("labelaudit_id", "labelaudit_key", "given_label", "suggested_label"),
        *("suggested_prob", "label_quality", "severity", "pred_probs"),
    ]
    assert (data["labelaudit_key"], data["given_label"]) == ("1239", "0")
    assert isinstance(data["pred_probs"], str)
    assert task["predictions"][0]["result"][0]["value"] == {"choices": ["4"]}
    assert len(tasks_of(files)) == len(records_of(files)) == 152


def test_no_issues_are_no_tasks(tmp_path: Path) -> None:
    clean = FIXTURES / "clean" / "digits"
    data = clean / json.loads((clean / "expected.json").read_text("utf-8"))["data"]
    outputs = ["-o", "label-studio:t.json", "-o", "argilla:r.jsonl", "-o", "i.csv"]
    assert call("find-issues", data, "-q", *outputs, cwd=tmp_path).code == 0
    issues = len((tmp_path / "i.csv").read_text("utf-8").splitlines()) - 1
    assert len(json.loads((tmp_path / "t.json").read_text("utf-8"))) == issues
    assert len((tmp_path / "r.jsonl").read_text("utf-8").splitlines()) == issues


def test_label_studio_takes_the_tasks_and_gives_decisions_back(files: Path) -> None:
    interface = pytest.importorskip("label_studio_sdk.label_interface", reason="no Label Studio")
    text = PAGE.read_text("utf-8")
    config = text[text.index("<View>") : text.index("</View>") + len("</View>")]
    choices = "".join(f'<Choice value="{digit}"/>' for digit in range(10))
    start = config.index('<Choice value="cat"')
    config = config[:start] + choices + config[config.index("</Choices>", start) :]
    config = config.replace("$text", "$pred_probs")
    studio = interface.LabelInterface(config)
    studio.validate()
    tasks = tasks_of(files)
    for task in tasks:
        assert studio.validate_task({"data": task["data"]})
        for prediction in task.get("predictions", ()):
            assert studio.validate_prediction(prediction, return_errors=True) == []
    suggested = [task for task in tasks if "predictions" in task]
    assert len(suggested) > 100
    done = [
        {**task, "id": i, "annotations": [{"id": i, "result": task["predictions"][0]["result"]}]}
        for i, task in enumerate(suggested)
    ]
    for task in done:
        annotation = {**task["annotations"][0], "completed_by": 1}
        assert studio.validate_annotation(annotation)
    (files / "exported.json").write_text(json.dumps(done), "utf-8")
    check_review(files, "exported.json", len(done))
    short = converted(config, files)
    check_review(files, short, len(done))


def converted(config: str, files: Path) -> str:
    """Have Label Studio's own converter write its short form."""
    from label_studio_sdk.converter import Converter

    converter = Converter(config=config, project_dir=None)
    converter.convert_to_json_min(str(files / "exported.json"), str(files / "short"), is_dir=False)
    (path,) = (files / "short").glob("*.json")
    return f"short/{path.name}"


def check_review(files: Path, decisions: str, changes: int) -> None:
    out = f"{decisions.replace('/', '-')}.csv"
    done = call("export", DIGITS, "--decisions", decisions, "-o", out, "--json", cwd=files)
    assert done.code == 0, done.err
    counts = json.loads(done.out)["counts"]
    assert (counts["relabelled"], counts["reviewed"]) == (changes, changes)


def test_argilla_takes_the_records_and_gives_decisions_back(files: Path) -> None:
    argilla = pytest.importorskip("argilla", reason="no Argilla")
    import uuid

    records = [argilla.Record.from_dict(record) for record in records_of(files)]
    user = uuid.UUID(int=7)
    answered = 0
    for record in records:
        assert record.id == record.metadata["labelaudit_id"]
        for suggestion in list(record.suggestions):
            record.responses.add(argilla.Response("label", suggestion.value, user_id=user))
            answered += 1
    assert answered > 100
    document = [record.to_dict() for record in records]
    (files / "argilla.json").write_text(json.dumps(document), "utf-8")
    check_review(files, "argilla.json", answered)
