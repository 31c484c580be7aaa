"""Croissant metadata: what it says, and that its own validator accepts it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from labelaudit.reports.croissant import croissant_text
from tests.reports import builders, crowd_builders

if TYPE_CHECKING:
    from pathlib import Path


def validator() -> str:
    """Return mlcroissant's command, which may live in an environment of its own."""
    found = os.environ.get("MLCROISSANT") or shutil.which("mlcroissant")
    if found is None:
        pytest.skip("mlcroissant is not installed (set MLCROISSANT to its command)")
    return found


def validated(path: Path) -> str:
    ended = subprocess.run(
        [validator(), "validate", "--jsonld", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"exit {ended.returncode}\n{ended.stdout}{ended.stderr}"


def test_the_figures_are_in_it() -> None:
    document = json.loads(croissant_text(builders.result(), version="9.9"))
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    figures, classes, confused = document["recordSet"]
    assert figures["data"][0] == {
        "label_quality/figure": "rows",
        "label_quality/title": "Rows",
        "label_quality/value": 1000,
    }
    assert classes["data"][0]["classes/given_noise"] == 0.06
    assert confused["data"][0]["confused/true"] == "dog"


@pytest.mark.parametrize(
    "make",
    [
        builders.result,
        lambda: builders.result(classes=("<b>", "a\u202eb", "")),
        crowd_builders.consensus,
    ],
    ids=["labels", "hostile", "crowd"],
)
def test_its_validator_accepts_it(make: object, tmp_path: Path) -> None:
    assert callable(make)
    path = tmp_path / "croissant.json"
    path.write_text(croissant_text(make(), version="9.9"), "utf-8")
    said = validated(path)
    assert "exit 0" in said
    assert "Done." in said
    assert "error" not in said.lower().replace("error_rate", "")


def test_its_validator_notices_what_is_broken(tmp_path: Path) -> None:
    document = json.loads(croissant_text(builders.result(), version="9.9"))
    del document["recordSet"][0]["field"][0]["dataType"]
    del document["name"]
    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(document), "utf-8")
    assert "error" in validated(path).lower()
