"""Which settings hold, and the schema that editors check the file with."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.in_process import call

if TYPE_CHECKING:
    from pathlib import Path

GOOD = [
    "",
    'labels = "y"\nprobs = ["a", "b"]\n',
    'classes = ["cat", 3, true]\nkeep = "a,b"\n',
    "min_examples_per_class = 2\n",
    "frac_noise = 0.5\nthreads = 2\nseed = 0\nverbose = 2\nquiet = false\n",
    'score = "rcp"\ncolor = "never"\nmemory = "2GiB"\n[find-issues]\nmethod = "both"\n',
    '[find-issues]\ntop = 3\nall = true\n[aggregate]\nmethod = "dawid-skene"\n',
    '[gate]\nrequire = ["rows > 0"]\nbaseline = "b.jsonl"\n',
    '[check]\nci = "gitlab"\noutput = ["junit:x.xml"]\n',
    '[export]\npolicy = "drop"\n',
]
BAD = [
    'labls = "y"',
    "labels = true",
    'threads = "many"',
    "threads = 0",
    "seed = -1",
    "threads = 1.5",
    'all = "yes"',
    'method = ["both"]',
    'find-issues = "x"',
    "seed = {a = 1}",
    'output = [["a.csv"]]',
    '[find-issues]\nmethod = "bth"',
    "[inspect]\ntop = 3",
    '[check]\nci = "jenkins"',
    '[gate]\nrequires = ["rows > 0"]',
    '[find-issues]\ncolor = "blue"',
    "version = true",
]


def schema() -> dict[str, Any]:
    done = call("config", "schema")
    assert done.code == 0, done.err
    document: dict[str, Any] = json.loads(done.out)
    return document


def test_the_schema_is_one_and_describes_every_setting() -> None:
    found = schema()
    jsonschema.Draft7Validator.check_schema(found)
    tables = [each for each in found["properties"].values() if each.get("type") == "object"]
    assert len(tables) > 4
    for table in (found, *tables):
        assert table["additionalProperties"] is False
        assert all(each["description"] for each in table["properties"].values())
    assert found["properties"]["find-issues"]["properties"]["threads"]["minimum"] == 1
    assert "rcp" in found["properties"]["find-issues"]["properties"]["method"]["enum"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.mark.parametrize("text", GOOD)
def test_schema_and_program_agree_on_what_is_right(text: str, folder: Path) -> None:
    (folder / "labelaudit.toml").write_text(text)
    done = call("config", "show", cwd=folder)
    assert done.code == 0, done.err
    jsonschema.Draft7Validator(schema()).validate(tomllib.loads(text))


@pytest.mark.parametrize("text", BAD)
def test_schema_and_program_agree_on_what_is_wrong(text: str, folder: Path) -> None:
    (folder / "labelaudit.toml").write_text(text)
    assert call("config", "show", cwd=folder).code == 2
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema()).validate(tomllib.loads(text))


def test_everything_with_its_origin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "pyproject.toml").write_text(
        '[tool.labelaudit]\nseed = 5\n[tool.labelaudit.find-issues]\nkeep = ["a", "b"]\n'
    )
    monkeypatch.setenv("LABELAUDIT_TOP", "7")
    found = json.loads(call("config", "show", "--json", cwd=folder).out)
    assert found["settings_file"] == "pyproject.toml"
    assert {"find-issues", "aggregate", "check", "export", "inspect"} <= set(found["commands"])
    settings = found["commands"]["find-issues"]
    assert settings["seed"] == {"value": 5, "origin": "pyproject.toml"}
    assert settings["keep"] == {"value": ["a", "b"], "origin": "pyproject.toml [find-issues]"}
    assert settings["top"] == {"value": "7", "origin": "LABELAUDIT_TOP"}
    assert settings["min-examples-per-class"] == {"value": 1, "origin": "default"}
    assert "keep" not in found["commands"]["aggregate"]


def test_shown_for_people(folder: Path) -> None:
    (folder / "labelaudit.toml").write_text('[inspect]\nlabels = "a\\u001b[31m"\n')
    done = call("config", "show", cwd=folder)
    assert done.out == (
        "File      labelaudit.toml\n"
        "\n"
        "inspect\n"
        "  setting  value      from\n"
        "  labels   a\\x1b[31m  labelaudit.toml [inspect]\n"
        "\n"
        "Every other setting has its default; name a command to see them.\n"
    )
    assert "\n  threads  -          default\n" in call("config", "show", "inspect", cwd=folder).out


def test_everything_wrong_is_told_whichever_command_it_is_for(folder: Path) -> None:
    (folder / "mine.toml").write_text(
        'labls = 1\n[find-issues]\nmethod = "bth"\n[aggregate]\nseed = "x"\n'
    )
    done = call("config", "show", "--config", "mine.toml", cwd=folder)
    assert done.code == 2
    assert done.err == (
        "labelaudit: mine.toml: there is no setting 'labls'. Did you mean labels?\n"
        "mine.toml [find-issues]: method: there is no 'bth'. Did you mean both?\n"
        "mine.toml [aggregate]: seed: 'x' is not a whole number.\n"
        "Mend or remove these settings.\n"
    )


def test_no_such_command(folder: Path) -> None:
    done = call("config", "show", "find", cwd=folder)
    assert done.code == 2
    assert done.err.startswith("labelaudit: There is no command 'find' with settings.\nUse one of ")
