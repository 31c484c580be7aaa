"""What people paste into their repositories is valid to its own consumers, and works."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.in_process import FIXTURES, ROOT

yaml = pytest.importorskip("ruamel.yaml", reason="needs check-jsonschema")

ACTION = ROOT / ".github" / "actions" / "check" / "action.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
DOCKERFILE = ROOT / ".docker" / "Dockerfile"
HOW_TO = ROOT / "docs" / "how-to"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PASTED = ("gitlab-ci.yml", "github-workflow.yml", "pre-commit-config.yaml")


def tool(name: str) -> str:
    """Return the path of a program that is installed beside Python, or anywhere."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def said(name: str, *arguments: str | Path, cwd: Path = ROOT) -> tuple[int, str]:
    done = subprocess.run(
        [tool(name), *map(str, arguments)], capture_output=True, text=True, check=False, cwd=cwd
    )
    return done.returncode, done.stdout + done.stderr


def parsed(path: Path) -> Any:
    return yaml.YAML(typ="safe").load(path.read_text("utf-8"))


def filled(name: str, folder: Path) -> Path:
    """Copy a file that people paste, with what they fill in filled in."""
    text = (HOW_TO / name).read_text("utf-8").replace("COMMIT", COMMIT).replace("OWNER", "someone")
    copy = folder / ".github" / "workflows" / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(text)
    return copy


SCHEMAS = [
    (ACTION, "vendor.github-actions", "runs:", "run:"),
    (HOW_TO / "github-workflow.yml", "vendor.github-workflows", "runs-on:", "runs_on:"),
    (HOW_TO / "gitlab-ci.yml", "vendor.gitlab-ci", "script:", "scripts: 3\n  x:"),
]


@pytest.mark.parametrize(("path", "schema", "word", "broken"), SCHEMAS)
def test_schemas_of_the_vendors(
    path: Path, schema: str, word: str, broken: str, tmp_path: Path
) -> None:
    code, text = said("check-jsonschema", "--builtin-schema", schema, path)
    assert code == 0, text
    copy = tmp_path / path.name
    copy.write_text(path.read_text("utf-8").replace(word, broken, 1))
    assert said("check-jsonschema", "--builtin-schema", schema, copy)[0] == 1


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    workflow = filled("github-workflow.yml", tmp_path)
    code, text = said("zizmor", "--offline", "--persona=pedantic", ACTION)
    assert code == 0, text
    code, text = said("zizmor", "--offline", workflow)
    assert code == 0, text
    unsafe = tmp_path / "action.yml"
    unsafe.write_text(ACTION.read_text("utf-8").replace('"$DATA"', "${{ inputs.data }}"))
    code, text = said("zizmor", "--offline", unsafe)
    assert code != 0
    assert "template-injection" in text


def test_pre_commit_takes_the_hook(tmp_path: Path) -> None:
    code, text = said("pre-commit", "validate-manifest", HOOKS)
    assert code == 0, text
    code, text = said("pre-commit", "validate-config", filled("pre-commit-config.yaml", tmp_path))
    assert (code, text) == (0, "")
    (hook,) = parsed(HOOKS)
    (repo,) = parsed(HOW_TO / "pre-commit-config.yaml")["repos"]
    assert repo["hooks"][0]["id"] == hook["id"]
    assert re.search(hook["files"], "data/labels.parquet")


@pytest.mark.parametrize("name", PASTED)
def test_the_how_to_shows_the_files(name: str) -> None:
    page = (HOW_TO / "gate-in-ci.md").read_text("utf-8")
    assert f"```yaml\n{(HOW_TO / name).read_text('utf-8')}```" in page


def step(name: str) -> dict[str, Any]:
    (found,) = [each for each in parsed(ACTION)["runs"]["steps"] if each["name"] == name]
    return found


def run_action(folder: Path, **inputs: str) -> tuple[int, str]:
    """Run the step that checks, as the runner would, with labelaudit as it is installed here."""
    binary = folder / "labelaudit" / "bin" / "labelaudit"
    binary.parent.mkdir(parents=True, exist_ok=True)
    binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m labelaudit "$@"\n')
    binary.chmod(0o755)
    defaults = {name: each.get("default", "") for name, each in parsed(ACTION)["inputs"].items()}
    values = defaults | inputs
    names = {
        name: text.split()[1].removeprefix("inputs.")
        for name, text in step("Check the labels")["env"].items()
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step("Check the labels")["run"]],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={
            **os.environ,
            **{name: values[key] for name, key in names.items()},
            "PYTHONPATH": str(ROOT),
            "RUNNER_TEMP": str(folder),
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "step summary"),
        },
    )
    return done.returncode, done.stdout + done.stderr


def outputs(folder: Path) -> dict[str, str]:
    """Return the outputs of the last run, as the runner reads them."""
    text = (folder / "output").read_text()
    found = re.findall(r"^(.+?)<<(\S+)\n(.*?)\n\2$", text, flags=re.MULTILINE | re.DOTALL)
    return {name: value for name, _, value in found}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    shutil.copy(FIXTURES / "noisy" / "digits" / "data.parquet", tmp_path / "my labels.parquet")
    return tmp_path


def test_the_action_fails_and_passes(folder: Path) -> None:
    data = "\n  my labels.parquet  \n"
    code, text = run_action(folder, data=data, require="error_rate.low <= 2%\n")
    assert code == 1, text
    assert "::error" in text
    assert outputs(folder)["passed"] == "false"
    assert (folder / "step summary").stat().st_size > 0
    code, text = run_action(
        folder, data=data, require="error_rate.low <= 50%\n\nrows > 3", warn="issues == 0"
    )
    assert code == 0, text
    assert outputs(folder)["passed"] == "true"
    for each in parsed(ACTION)["outputs"].values():
        assert each["value"].split(".")[-1].removesuffix(" }}") in outputs(folder)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"data": "my labels.parquet"}, 2),
        ({"data": "none*.parquet", "require": "rows > 0"}, 5),
        ({"data": "", "require": "rows > 0"}, 2),
        ({"data": "$(touch hacked)", "require": "rows > 0"}, 5),
        ({"data": "my labels.parquet", "require": '"; touch hacked; "'}, 2),
        ({"data": "--version", "require": "rows > 0"}, 5),
        ({"data": "my labels.parquet", "require": "rows > 0", "arguments": "--key=id\n-q"}, 0),
        ({"data": "my labels.parquet", "require": "rows > 0", "baseline": "none.jsonl"}, 2),
    ],
)
def test_the_action_takes_inputs_for_what_they_are(
    inputs: dict[str, str], expected: int, folder: Path
) -> None:
    code, text = run_action(folder, **inputs)
    assert code == expected, text
    assert not (folder / "hacked").exists()


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile with their words, continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text("utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in lines if line.strip()]


def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    code, text = said("hadolint", DOCKERFILE)
    assert (code, text) == (0, "")
    broken = tmp_path / "Dockerfile"
    broken.write_text(DOCKERFILE.read_text("utf-8").replace("python:3.12-slim", "python"))
    assert said("hadolint", broken)[0] == 1


def test_the_image_is_built_from_what_is_there_and_runs_as_nobody() -> None:
    found = instructions()
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    allowed = [line[1:] for line in ignored if line.startswith("!")]
    for words in (words.split() for name, words in found if name == "COPY"):
        if words[0].startswith("--from"):
            continue
        for source in words[:-1]:
            assert (ROOT / source).exists(), source
            assert source in allowed, source
    assert [words for name, words in found if name == "USER"] == ["10001"]
    assert found[-2] == ("ENTRYPOINT", '["labelaudit"]')
    bases = {words.split()[0] for name, words in found if name == "FROM"}
    assert all(fnmatch.fnmatch(base, "python:3.*-slim") for base in bases)


@pytest.mark.slow
@pytest.mark.skipif("LABELAUDIT_NETWORK" not in os.environ, reason="installs from a package index")
def test_pre_commit_runs_the_hook(tmp_path: Path) -> None:
    tool("pre-commit")
    data = tmp_path / "data" / "labels.parquet"
    data.parent.mkdir()
    shutil.copy(FIXTURES / "noisy" / "digits" / "data.parquet", data)
    rules = '[tool.labelaudit.gate]\nrequire = ["error_rate.low <= {}"]\n'
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for limit, expected in (("2%", 1), ("50%", 0)):
        (tmp_path / "pyproject.toml").write_text(rules.format(limit))
        subprocess.run(["git", "add", "-A"], check=True, cwd=tmp_path)
        code, text = said("pre-commit", "try-repo", ROOT, "labelaudit-check", "-a", cwd=tmp_path)
        assert code == expected, text
        assert ("FAILED: 1 of 3 required rules" in text) == bool(expected)
