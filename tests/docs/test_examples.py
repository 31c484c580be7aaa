"""What the docs and the README show is what happens."""

from __future__ import annotations

import doctest
from typing import TYPE_CHECKING

import pytest

from tests.docs import examples

if TYPE_CHECKING:
    from pathlib import Path

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def with_blocks(pattern: str) -> list[Path]:
    return [page for page in examples.pages() if pattern in page.read_text("utf-8")]


@pytest.mark.parametrize("page", with_blocks("```console\n"), ids=lambda page: page.stem)
def test_commands(page: Path, tmp_path: Path) -> None:
    folder = examples.workplace(tmp_path)
    for block in examples.CONSOLE.findall(page.read_text("utf-8")):
        for step in examples.steps(block):
            if examples.ELSEWHERE in step.command:
                continue
            printed = examples.run(step.command, folder)
            if step.shown.strip():
                assert examples.same(step.shown, printed), f"$ {step.command}\n{printed}"


@pytest.mark.parametrize("page", with_blocks("```python\n"), ids=lambda page: page.stem)
def test_python(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(examples.workplace(tmp_path))
    blocks = examples.PYTHON.findall(page.read_text("utf-8"))
    text = "\n".join(block for block in blocks if ">>> " in block)
    case = doctest.DocTestParser().get_doctest(text, {}, page.stem, str(page), 0)
    assert case.examples
    said: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(case, out=said.append)
    assert said == []


def test_readme_main_job(tmp_path: Path) -> None:
    shown = examples.SHOWN.search(examples.README.read_text("utf-8"))
    assert shown is not None
    printed = examples.run(examples.readme_main_job(), examples.workplace(tmp_path))
    assert examples.same(shown[2], printed), printed


def test_readme_commands_install_first() -> None:
    assert examples.readme_command("main").startswith("pip install . && labelaudit find-issues ")
    assert examples.readme_command("tests") == "pip install -e '.[dev]' && pytest"


@pytest.mark.parametrize(
    ("shown", "printed", "equal"),
    [
        ("a\n", "a\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("a\n...\n", "a\nb\n", True),
        ("took 0.31 s", "took 12 s", True),
        ("12 rows", "13 rows", False),
        ("about 1.5 GB", "about 20 MB", True),
    ],
)
def test_comparison(shown: str, printed: str, equal: bool) -> None:
    assert examples.same(shown, printed) is equal
