"""The manifest tells what was read, asked and written, and comes last."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pytest

from labelaudit.tables.staging import Staging, is_temporary
from tests.docs.pages import section
from tests.in_process import FIXTURES, ROOT, call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = json.loads((ROOT / "labelaudit" / "reports" / "manifest.schema.json").read_text("utf-8"))
DIGITS = FIXTURES / "noisy" / "digits" / "data.parquet"


def facts(path: Path, name: str) -> dict[str, Any]:
    data = path.read_bytes()
    return {"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    shutil.copy(DIGITS, tmp_path / "data.parquet")
    return tmp_path


def manifest_of(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    jsonschema.validate(document, SCHEMA)
    return document


def test_everything_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "labelaudit.toml").write_text("seed = 7\n")
    (folder / "names.txt").write_text("\n".join(map(str, range(10))))
    monkeypatch.setenv("LABELAUDIT_THREADS", "1")
    done = call(
        *("find-issues", "data.parquet", "--top", "5", "--classes", "@names.txt"),
        *("-o", "manifest.json", "-o", "issues.csv", "-o", "classes:c.parquet", "-o", "text:-"),
        cwd=folder,
    )
    assert done.code == 0, done.err
    found = manifest_of(folder / "manifest.json")
    assert found["command"] == "find-issues"
    assert found["exit_code"] == 0
    assert found["tool"]["name"] == "labelaudit"
    assert {"numpy", "pyarrow", "numba"} <= set(found["libraries"])
    assert found["inputs"] == [
        facts(folder / name, name) for name in ("data.parquet", "names.txt", "labelaudit.toml")
    ]
    assert found["outputs"] == [
        {"content": "report", "format": "text", "path": "-", "bytes": None, "sha256": None},
        {"content": "issues", "format": "csv", **facts(folder / "issues.csv", "issues.csv")},
        {"content": "classes", "format": "parquet", **facts(folder / "c.parquet", "c.parquet")},
    ]
    options = found["options"]
    assert options["seed"] == {"value": 7, "origin": "labelaudit.toml"}
    assert options["threads"] == {"value": 1, "origin": "LABELAUDIT_THREADS"}
    assert options["top"] == {"value": 5, "origin": "--top"}
    assert options["data"] == {"value": ["data.parquet"], "origin": "argument"}
    assert options["min-examples-per-class"] == {"value": 1, "origin": "default"}


def test_equal_runs_write_equal_manifests(folder: Path) -> None:
    texts = []
    for _ in range(2):
        call("find-issues", "data.parquet", "-q", "--force", "-o", "manifest.json", cwd=folder)
        texts.append((folder / "manifest.json").read_text())
    assert texts[0] == texts[1]
    assert manifest_of(folder / "manifest.json")["outputs"] == []


def test_votes_and_their_gold(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "noisy" / "votes", tmp_path, dirs_exist_ok=True)
    (tmp_path / "gold.csv").write_text("task,label\n")
    done = call(
        *("aggregate", "data.parquet", "-q", "-o", "c.csv", "-o", "manifest:m"), cwd=tmp_path
    )
    assert done.code == 0, done.err
    found = manifest_of(tmp_path / "m")
    assert [each["path"] for each in found["inputs"]] == ["data.parquet"]
    assert [each["content"] for each in found["outputs"]] == ["consensus"]


def test_a_gate_and_its_exit_code(folder: Path) -> None:
    rules = ("--require", "issues == 0", "--baseline", "b.jsonl", "--ci", "none")
    call("check", "data.parquet", *rules, "--update-baseline", "--accept-new", "-q", cwd=folder)
    done = call(
        "check", "data.parquet", *rules, "-q", "-o", "l.xml", "-o", "manifest.json", cwd=folder
    )
    assert done.code == 1, done.err
    found = manifest_of(folder / "manifest.json")
    assert found["exit_code"] == 1
    assert found["inputs"] == [facts(folder / name, name) for name in ("data.parquet", "b.jsonl")]
    assert found["outputs"] == [
        {"content": "junit", "format": "junit", **facts(folder / "l.xml", "l.xml")}
    ]


def test_an_export(folder: Path) -> None:
    call("find-issues", "data.parquet", "-q", "-o", "issues.parquet", cwd=folder)
    done = call(
        *("export", "data.parquet", "--policy", "drop", "--issues", "issues.parquet", "-q"),
        *("-o", "cleaned.csv", "-o", "changes:c.csv", "-o", "manifest.json"),
        *("--max-change", "50%"),
        cwd=folder,
    )
    assert done.code == 0, done.err
    found = manifest_of(folder / "manifest.json")
    assert found["options"]["max-change"] == {"value": "1/2", "origin": "--max-change"}
    assert [each["path"] for each in found["inputs"]] == ["data.parquet", "issues.parquet"]
    assert found["outputs"] == [
        {"content": "cleaned", "format": "csv", **facts(folder / "cleaned.csv", "cleaned.csv")},
        {"content": "changes", "format": "csv", **facts(folder / "c.csv", "c.csv")},
    ]


@pytest.mark.parametrize(
    ("output", "content"),
    [("manifest.json", "manifest"), ("json:manifest.json", "summary"), ("manifest:x", "manifest")],
)
def test_what_is_a_manifest(output: str, content: str, folder: Path) -> None:
    done = call("find-issues", "data.parquet", "-q", "-o", output, cwd=folder)
    assert done.code == 0, done.err
    written = json.loads((folder / output.rpartition(":")[2]).read_text())
    assert ("options" in written) == (content == "manifest")


def test_manifest_on_standard_output(folder: Path) -> None:
    done = call("find-issues", "data.parquet", "-q", "-o", "i.csv", "-o", "manifest:-", cwd=folder)
    document = json.loads(done.out)
    jsonschema.validate(document, SCHEMA)
    assert [each["path"] for each in document["outputs"]] == ["i.csv"]


def test_every_file_of_a_saved_run(folder: Path) -> None:
    done = call(
        "find-issues", "data.parquet", "-q", "-o", "run:audit", "-o", "manifest.json", cwd=folder
    )
    assert done.code == 0, done.err
    outputs = manifest_of(folder / "manifest.json")["outputs"]
    assert {each["path"] for each in outputs} == {
        f"audit/{path.name}" for path in (folder / "audit").iterdir()
    }
    for each in outputs:
        assert facts(folder / each["path"], each["path"]).items() <= each.items()
        assert each["content"] == "run"


def test_it_is_moved_last(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = []
    real = Staging.commit

    def commit(self: Staging) -> None:
        orders.append([each.path for each in self.staged])
        real(self)

    monkeypatch.setattr(Staging, "commit", commit)
    call("find-issues", "data.parquet", "-q", "-o", "manifest.json", "-o", "a.csv", cwd=folder)
    assert orders == [["a.csv", "manifest.json"]]


def test_every_key_is_described() -> None:
    described = section("Manifest")
    assert [key for key in SCHEMA["properties"] if f"`{key}`" not in described] == []


def moments() -> Iterator[float]:
    """Seconds after which to kill a run that takes about one."""
    yield from np.random.default_rng(0).uniform(0.1, 1.6, 12)


@pytest.mark.slow
def test_killed_at_any_moment(folder: Path) -> None:
    """After SIGKILL every output is absent, old or complete, and the next run cleans up."""
    outputs = ("issues.csv", "classes.parquet", "manifest.json")
    flags = ("-q", "--force", "-o", outputs[0], "-o", f"classes:{outputs[1]}", "-o", outputs[2])
    allowed: dict[str, set[bytes | None]] = {name: {None} for name in outputs}
    for top in ("3", "9"):
        # In a process of its own: libraries that other tests have loaded would be listed here.
        words = ("find-issues", "data.parquet", *flags, "--top", top)
        subprocess.run([sys.executable, "-m", "labelaudit", *words], cwd=folder, check=True)
        for name in outputs:
            allowed[name].add((folder / name).read_bytes())
    for name in outputs:
        (folder / name).unlink()
    for i, moment in enumerate(moments()):
        words = ("find-issues", "data.parquet", *flags, "--top", "39"[i % 2])
        child = subprocess.Popen([sys.executable, "-m", "labelaudit", *words], cwd=folder)
        time.sleep(moment)
        child.send_signal(signal.SIGKILL)
        child.wait()
        for name in outputs:
            path = folder / name
            assert (path.read_bytes() if path.exists() else None) in allowed[name], name
    assert call("find-issues", "data.parquet", *flags, cwd=folder).code == 0
    assert [path.name for path in folder.iterdir() if is_temporary(path.name)] == []
