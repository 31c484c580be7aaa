"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from labelaudit import errors
from tests.in_process import FIXTURES, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = ROOT / "labelaudit"
DOCS = ROOT / "docs"
HEAVY = {
    "distributed",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "rich",
    "scipy",
    "sklearn",
}
LONGEST_FUNCTION = 50
LONGEST_FILE = 400
ABSOLUTE = re.compile(r"(?<![\w.$}-])/(?:work|root|home|Users|tmp|opt)/\w")
TEXT = {".py", ".md", ".toml", ".json", ".txt", ".csv", ".jsonl", ".yml", ".yaml", ""}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def modules(folder: str = "") -> list[Path]:
    return sorted((PACKAGE / folder).rglob("*.py"))


def functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(parsed(path)) if isinstance(node, Function)]


def called(node: ast.AST) -> Iterator[str]:
    """Names that are called anywhere in the tree."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            name = each.func
            if isinstance(name, ast.Name):
                yield name.id
            elif isinstance(name, ast.Attribute):
                yield name.attr


def kernels() -> list[Any]:
    """Every public kernel, with its file."""
    found = [
        (path, function)
        for path in modules("kernels")
        for function in functions(path)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Name) and decorator.id == "kernel"
    ]
    return [
        pytest.param(path, function, id=f"{path.stem}.{function.name}")
        for path, function in found
        if not function.name.startswith("_")
    ]


def arguments(function: Function) -> list[str]:
    return [argument.arg for argument in function.args.args]


@pytest.mark.parametrize(("path", "function"), kernels())
def test_every_kernel_has_a_twin(path: Path, function: Function) -> None:
    naive = ROOT / "tests" / "naive" / path.name
    assert naive.exists(), f"no {naive.name} in tests/naive"
    twins = {twin.name: twin for twin in functions(naive)}
    assert function.name in twins
    assert arguments(twins[function.name]) == arguments(function)


@pytest.mark.parametrize(
    "path", sorted({case.values[0] for case in kernels()}), ids=lambda path: path.stem
)
def test_every_kernel_has_a_property_test(path: Path) -> None:
    text = (ROOT / "tests" / "kernels" / f"test_{path.name}").read_text("utf-8")
    assert "@given" in text
    tested = [case.values[1].name for case in kernels() if case.values[0] == path]
    assert [name for name in tested if not re.search(rf"\b{name}\b", text)] == []


def length(function: Function) -> int:
    """Lines of a function without its docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is None or first.end_lineno is None:
        return lines
    return lines - (first.end_lineno - first.lineno + 1)


def test_functions_are_short() -> None:
    found = [(path.name, each.name, length(each)) for path in modules() for each in functions(path)]
    assert [each for each in found if each[2] > LONGEST_FUNCTION] == []


def test_files_are_short() -> None:
    sizes = {path.name: len(path.read_text("utf-8").splitlines()) for path in modules()}
    assert {name: size for name, size in sizes.items() if size > LONGEST_FILE} == {}


def test_only_the_command_line_prints() -> None:
    quiet = [path for path in modules() if PACKAGE / "cli" not in path.parents]
    assert [path.name for path in quiet if "print" in called(parsed(path))] == []


def listed(tree: ast.Module) -> list[str] | None:
    """Return the names in ``__all__``."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def defined(tree: ast.Module) -> set[str]:
    """Public functions and classes of a module."""
    names = {node.name for node in tree.body if isinstance(node, Function | ast.ClassDef)}
    return {name for name in names if not name.startswith("_")}


def rank(name: str) -> tuple[int, str]:
    """Constants first, then classes, then functions."""
    if name.isupper():
        return 0, name
    return (1 if name[0].isupper() else 2), name


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_all_is_sorted_and_complete(path: Path) -> None:
    names, public = listed(parsed(path)), defined(parsed(path))
    if names is None:
        assert public == set()
        return
    assert names == sorted(set(names), key=rank)
    assert public <= set(names)


def imported_at_once(tree: ast.Module) -> Iterator[str]:
    """Packages that importing the module imports; those for the type checker are not."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize(
    "path",
    [PACKAGE / "__init__.py", PACKAGE / "__main__.py", *modules("cli")],
    ids=lambda p: p.stem,
)
def test_start_up_names_nothing_heavy(path: Path) -> None:
    assert HEAVY & set(imported_at_once(parsed(path))) == set()


def imported_by(*names: str) -> set[str]:
    script = f"import sys, {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def test_start_up_imports_nothing_heavy() -> None:
    assert HEAVY & imported_by("labelaudit", "labelaudit.cli") == set()


def test_decoding_begins_without_a_kernel() -> None:
    """Decoding and numba's import go on side by side; see ``tables/head_start.py``."""
    names = ("labelaudit.cli.find_issues", "labelaudit.tables.head_start", "labelaudit.planning")
    found = imported_by("labelaudit.tables", *names)
    assert "pyarrow" in found
    assert {each for each in found if each.startswith(("numba", "labelaudit.kernels"))} == set()


def test_an_audit_imports_no_library_it_does_not_need() -> None:
    unneeded = {"asyncio", "cffi", "pandas", "scipy", "sklearn", "urllib.request", "yaml"}
    assert unneeded & imported_by("labelaudit.api") == set()


@cache
def commands() -> dict[str, Any]:
    from labelaudit.cli import app

    command = get_command(app)
    found: dict[str, Any] = getattr(command, "commands", {})
    return found


def test_every_command_and_option_is_documented() -> None:
    page = (DOCS / "reference" / "command-line.md").read_text("utf-8")
    assert len(commands()) >= 2
    missing = [name for name in commands() if f"## labelaudit {name}\n" not in page]
    for name, command in commands().items():
        flags = [flag for param in command.params for flag in param.opts if flag.startswith("-")]
        missing += [f"{name} {flag}" for flag in flags if flag not in page]
        assert command.help, name
    assert missing == []


def test_every_option_says_what_it_does() -> None:
    silent = [
        f"{name} {param.name}"
        for name, command in commands().items()
        for param in command.params
        if not getattr(param, "help", None)
    ]
    assert silent == []


def error_names() -> list[str]:
    return [name for name in errors.__all__ if name not in ("ExitCode", "LabelauditError")]


def test_every_error_is_raised_somewhere() -> None:
    raised = {
        name for path in modules() if path.name != "errors.py" for name in called(parsed(path))
    }
    assert [name for name in error_names() if name not in raised] == []


def test_every_error_is_documented() -> None:
    page = (DOCS / "reference" / "errors.md").read_text("utf-8")
    assert [name for name in error_names() if f"`{name}`" not in page] == []


def test_every_exit_code_is_documented() -> None:
    page = (DOCS / "reference" / "exit-codes.md").read_text("utf-8")
    assert [code for code in errors.ExitCode if f"| {code.value} |" not in page] == []


def project_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listing.stdout.splitlines()]
    return [path for path in paths if path.is_file() and path.suffix in TEXT]


def test_no_text_names_a_path_of_one_machine() -> None:
    named = {
        path.relative_to(ROOT).as_posix(): found[0]
        for path in project_files()
        if (found := ABSOLUTE.findall(path.read_text("utf-8", errors="replace")))
    }
    assert named == {}


def linked(page: str) -> Iterator[str]:
    """Pages in the tables of contents of a page; a table with globs lists what they match."""
    base = DOCS / Path(page).parent
    text = (DOCS / f"{page}.md").read_text("utf-8")
    for block in re.findall(r"```\{toctree\}\n(.*?)```", text, flags=re.DOTALL):
        lines = [line.strip() for line in block.splitlines() if line and not line.startswith(":")]
        for name in (re.sub(r".*<(.*)>", r"\1", line) for line in lines):
            found = base.glob(f"{name}.md")
            yield from (path.relative_to(DOCS).with_suffix("").as_posix() for path in found)


def test_every_page_of_the_docs_is_reachable() -> None:
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    reached: set[str] = set()
    waiting = ["index"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += linked(page)
    assert {page for page in pages if not page.startswith("_build")} - reached == set()


def test_every_kind_of_problem_is_documented() -> None:
    page = (DOCS / "methods" / "probability-hygiene.md").read_text("utf-8")
    verdicts = [json.loads(path.read_text("utf-8")) for path in FIXTURES.rglob("expected.json")]
    kinds = {verdict["problem"] for verdict in verdicts if verdict.get("problem")}
    assert len(kinds) > 8
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in page] == []
