from __future__ import annotations

import subprocess
import sys
from typing import Any

from typer.main import get_command

from labelaudit.cli import app


def test_lines_of_the_list_say_what_the_commands_say() -> None:
    group: Any = get_command(app)
    formatter = _Lines()
    group.format_commands(None, formatter)
    commands = group.commands
    assert [name for name, _ in formatter.rows] == list(commands)
    for name, line in formatter.rows:
        assert commands[name].help.split()[0] == line.split()[0], name
        assert len(line) <= 80 - 15


class _Lines:
    """Stands in for the formatter of help."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []

    def section(self, _heading: str) -> _Lines:
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def write_dl(self, rows: list[tuple[str, str]]) -> None:
        self.rows = rows


def test_help_imports_no_command() -> None:
    script = (
        "import sys; from labelaudit.cli import main; main(['--help']);"
        "print([name for name in sys.modules if name in"
        " ('labelaudit.findings', 'labelaudit.cli.find_issues', 'labelaudit.cli.check')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
