"""Colour, width and progress depend on who looks."""

from __future__ import annotations

import io

import pytest

from labelaudit.cli import terminal
from labelaudit.cli.terminal import Progress, colored, line_width


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "choice", "variables", "expected"),
    [
        (Screen(), "auto", {}, True),
        (Screen(), "auto", {"TERM": "dumb"}, False),
        (Screen(), "auto", {"NO_COLOR": "1"}, False),
        (Screen(), "never", {}, False),
        (io.StringIO(), "auto", {}, False),
        (io.StringIO(), "auto", {"FORCE_COLOR": "1"}, False),
        (io.StringIO(), "always", {}, True),
        (io.StringIO(), "always", {"NO_COLOR": "1"}, False),
    ],
)
def test_colour(
    stream: io.StringIO,
    choice: str,
    variables: dict[str, str],
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert colored(stream, choice) is expected


@pytest.mark.parametrize(("columns", "expected"), [("20", 40), ("60", 60), ("300", 120)])
def test_width(columns: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert line_width(Screen()) == expected


def test_width_without_a_terminal() -> None:
    assert line_width(io.StringIO()) == 80
    closed = io.StringIO()
    closed.close()
    assert line_width(closed) == 80


def shown(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, *, quiet: bool = False) -> str:
    clock = iter([0.0, 0.1, 1.0, 1.05, 2.0])
    monkeypatch.setattr(terminal.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr("sys.stderr", stream)
    with Progress(quiet=quiet) as progress:
        for done in range(1, 5):
            progress("counting", done, 4)
    return stream.getvalue()


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    lines = shown(Screen(), monkeypatch).split("\r\x1b[K")
    assert [line.rstrip() for line in lines] == [
        "",
        "counting                       [############            ]  50%",
        "counting                       [########################] 100%",
        "",
    ]


@pytest.mark.parametrize("case", ["pipe", "ci", "quiet"])
def test_no_progress(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    if case == "ci":
        monkeypatch.setenv("CI", "true")
    stream = io.StringIO() if case == "pipe" else Screen()
    assert shown(stream, monkeypatch, quiet=case == "quiet") == ""
