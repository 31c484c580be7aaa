"""Everything that can go wrong has its own exit code, and 1 is none of them."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import pytest
import typer

from labelaudit import errors
from labelaudit.cli import Terminated
from labelaudit.cli.exits import code_of
from labelaudit.errors import ExitCode
from tests.in_process import call

if TYPE_CHECKING:
    from tests.cli.conftest import FakeApi

CODES: list[tuple[BaseException, int, str]] = [
    (errors.UsageError("A.", "B."), 2, "labelaudit: A.\nB.\n"),
    (errors.ConfigError("A.", "B."), 2, "labelaudit: A.\nB.\n"),
    (errors.InputError("A.", "B."), 3, "labelaudit: A.\nB.\n"),
    (errors.InvalidDataError(["A.", "A2."], "B."), 3, "labelaudit: A.\nA2.\nB.\n"),
    (errors.ClassOrderError("A.", "B."), 3, "labelaudit: A.\nB.\n"),
    (errors.OutputError("A.", "B."), 4, "labelaudit: A.\nB.\n"),
    (errors.MissingExtraError("A.", "B."), 4, "labelaudit: A.\nB.\n"),
    (errors.NothingToAuditError("A.", "B."), 5, "labelaudit: A.\nB.\n"),
    (KeyboardInterrupt(), 130, "labelaudit: Interrupted; nothing half-written is left.\n"),
    (typer.Abort(), 130, "labelaudit: Interrupted; nothing half-written is left.\n"),
    (Terminated(15), 143, ""),
    (SystemExit(3), 3, ""),
    (SystemExit(), 0, ""),
    (SystemExit(1), 4, "SystemExit: 1."),
    (typer.Exit(1), 4, "a bug of labelaudit"),
    (typer.Exit(2), 2, ""),
    (MemoryError(), 4, "labelaudit: There is not enough memory.\n"),
    (
        OSError(errno.ENOSPC, "x", "a\x1b"),
        4,
        "labelaudit: No space left on device (a\\x1b).\nFree some space",
    ),
    (ImportError("no x"), 4, "a bug of labelaudit, not of your data: ImportError: no x."),
    (ZeroDivisionError(), 4, "a bug of labelaudit, not of your data: ZeroDivisionError.\n"),
    (RuntimeError("\x1b[2J"), 4, "RuntimeError: \\x1b[2J.\nRun it again with -vv"),
    (SystemExit("text"), 4, "SystemExit: text."),
]


@pytest.mark.parametrize(
    ("error", "code", "says"), CODES, ids=lambda x: type(x).__name__ if x else None
)
def test_code(
    error: BaseException, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(error) == code
    said = capsys.readouterr()
    assert says in said.err if says else said.err == ""
    assert said.out == ""
    assert "Traceback" not in said.err


def test_every_error_of_ours_has_a_code_and_only_limits_have_one() -> None:
    ours = [getattr(errors, name) for name in errors.__all__]
    codes = {each.__name__: each.exit_code for each in ours if hasattr(each, "exit_code")}
    assert len(codes) >= 11
    limits = [name for name, code in codes.items() if code == ExitCode.GATE_FAILED]
    assert limits == ["ChangeLimitError"]


@pytest.mark.parametrize("flags", [("-vv",), ("-v", "-v"), ("--verbose", "-qv")])
def test_traceback_on_demand(
    pets: Any, api: FakeApi, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    api.error = ValueError("odd \x1b[31m")
    monkeypatch.setattr("sys.argv", ["labelaudit", "find-issues", "pets.parquet", *flags])
    done = pets(*flags)
    assert done.code == 4
    assert "Traceback (most recent call last)" in done.err
    assert "\x1b" not in done.err


def test_traceback_by_variable(pets: Any, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    api.error = ValueError("odd")
    assert "Traceback" not in pets().err
    monkeypatch.setenv("LABELAUDIT_DEBUG", "1")
    assert "Traceback" in pets().err
    monkeypatch.setenv("LABELAUDIT_DEBUG", "0")
    assert "Traceback" not in pets().err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "Usage: labelaudit"),
        (["find-isues"], 2, "find-issues"),
        (["find-issues"], 2, "Missing argument"),
        (["find-issues", "x", "--nope"], 2, "No such option: --nope"),
        (["find-issues", "x", "-o"], 2, "'-o' requires an argument.\nTry labelaudit"),
        (["find-issues", "x", "--seed=x"], 2, "Try labelaudit find-issues --help."),
        (["--nope\x1b"], 2, "\\x1b"),
    ],
)
def test_wrong_usage(arguments: list[str], code: int, says: str) -> None:
    done = call(*arguments)
    assert done.code == code
    assert done.out == ""
    assert says in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", [[], ["find-issues"], ["check"], ["inspect"]])
def test_help(command: list[str], flag: str) -> None:
    done = call(*command, flag)
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith("Usage: labelaudit")


def test_help_has_a_heading_for_each_group() -> None:
    help_text = call("find-issues", "--help").out
    headings = [line for line in help_text.splitlines() if line and line[0] != " "]
    assert headings[1:] == ["Arguments:", "Columns:", "Method:", "Output:", "Run:", "Talk:"]


def test_version_is_the_one_of_the_project() -> None:
    import tomllib

    from tests.in_process import ROOT

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert call("--version").out == f"labelaudit {project['version']}\n"
