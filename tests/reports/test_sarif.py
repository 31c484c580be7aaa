"""SARIF, by its schema and by Microsoft's own validator."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from labelaudit.reports.places import file_uri, relative_path
from labelaudit.reports.sarif import MOST_RESULTS, sarif
from tests import npm
from tests.reports.gate_builders import hostile, issue, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from labelaudit.verdicts import Verdict

CASES = pytest.mark.parametrize("made", [verdict(), hostile()], ids=["plain", "hostile"])


def document(made: Verdict) -> Any:
    return json.loads(sarif(made, "1.2.3"))


def test_results() -> None:
    run = document(verdict())["runs"][0]
    assert run["tool"]["driver"]["semanticVersion"] == "1.2.3"
    assert [each["ruleId"] for each in run["results"]] == ["gate", "gate", *["label_error"] * 3]
    assert [each["level"] for each in run["results"]] == [
        *("error", "warning"),
        *("error", "warning", "error"),
    ]
    assert run["results"][3] == {
        "ruleId": "label_error",
        "ruleIndex": 1,
        "level": "warning",
        "message": {
            "text": "The label 'cat' is probably wrong: 'dog' fits better (key id-1, row 100)."
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "data/pets.parquet"},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"name": "row 100", "kind": "element"}],
            }
        ],
        "partialFingerprints": {
            "labelaudit/v1": "0000000000000001",
            "primaryLocationLineHash": "0000000000000001",
        },
        "properties": {"labelQuality": 0.001, "severity": "medium"},
    }


def test_kinds_of_issues() -> None:
    results = document(hostile())["runs"][0]["results"]
    rules = document(hostile())["runs"][0]["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in results)
    texts = [each["message"]["text"] for each in results[-3:]]
    assert texts == [
        "The label 'sky' is probably missing (key id-20, row 2000).",
        "The label 'sea' is probably too many (key id-21, row 2100).",
        "The label '(null)' is probably wrong (key id-22, row 2200).",
    ]


def test_at_most_five_thousand() -> None:
    run = document(verdict(6000))["runs"][0]
    assert len(run["results"]) == MOST_RESULTS == 5000
    assert run["properties"] == {"issues": 6000, "issuesShown": 4998}


@CASES
def test_it_is_valid_by_the_schema(made: Verdict) -> None:
    folder = npm.package("@microsoft/jest-sarif", "1.0.0-beta.0")
    schema = json.loads((folder / "lib" / "schemas" / "sarif-2.1.0-rtm.5.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    assert [str(error) for error in validator.iter_errors(document(made))] == []
    broken = document(made)
    del broken["runs"][0]["tool"]["driver"]["name"]
    assert list(validator.iter_errors(broken)) != []


def complaints(path: Path) -> list[str]:
    """What Microsoft's validator says of a file; it ends with 0 whatever that is."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        pytest.skip("the validator is a program for Linux on x86-64")
    folder = npm.package("@microsoft/sarif-multitool-linux", "5.7.0")
    program = folder / "Sarif.Multitool"
    program.chmod(0o755)
    done = subprocess.run(
        [program, "validate", path, "--rule-kind", "Sarif;Ghas"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "HOME": str(path.parent)},
    )
    assert "1 files scanned" in done.stdout, done.stdout + done.stderr
    said = re.findall(r"^.*: (?:error|warning) .*$", done.stdout, flags=re.MULTILINE)
    # It wishes for the address of a page about the tool, and there is none to give.
    return [each for each in said if not ("SARIF2005" in each and "informationUri" in each)]


@CASES
def test_microsofts_validator_has_nothing_to_say(made: Verdict, tmp_path: Path) -> None:
    path = tmp_path / "labels.sarif"
    path.write_text(sarif(made, "1.2.3"), "utf-8")
    assert complaints(path) == []


def test_microsofts_validator_is_listened_to(tmp_path: Path) -> None:
    path = tmp_path / "labels.sarif"
    path.write_text('{"version": "2.1.0"}')
    assert "'runs' is missing" in " ".join(complaints(path))


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert relative_path(str(tmp_path / "a" / "b.csv")) == "a/b.csv"
    assert relative_path("./b.csv") == "b.csv"
    assert relative_path("/elsewhere/b.csv") == "/elsewhere/b.csv"
    assert file_uri("/elsewhere/b c.csv") == "file:///elsewhere/b%20c.csv"
    assert file_uri("a:b%.csv") == "a%3Ab%25.csv"
    assert file_uri("s3://bucket/a b.csv") == "s3://bucket/a%20b.csv"
    assert file_uri("") == "-"


def test_fingerprints_are_unique() -> None:
    results = document(verdict(outcomes=verdict().outcomes, worst=tuple(map(issue, range(50)))))
    marks = [each["partialFingerprints"]["labelaudit/v1"] for each in results["runs"][0]["results"]]
    assert len(set(marks)) == len(marks) == 52
