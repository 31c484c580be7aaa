"""Write ``reference/command-line.md`` and the schema of settings from the commands themselves.

Run ``python docs/make_reference.py`` after changing an option; a test compares.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.main import get_command

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent / "reference" / "command-line.md"
SCHEMA = PAGE.with_name("settings.schema.json")

INTRODUCTION = """\
# Command line

<!-- Written by docs/make_reference.py. -->

Data and `--json` go to standard output, everything else to standard error. An input is never
overwritten; an existing output is only with `--force`. Outputs appear whole or not at all.

Every option can also stand in a configuration file or in the environment: see
[configuration](configuration.md). What the process returns is listed in
[exit codes](exit-codes.md), what the files hold in [what is written](files.md).
"""


def page() -> str:
    """Return the text of the page."""
    from labelaudit.cli import app

    group = get_command(app)
    parts = [INTRODUCTION, "\n".join(described("labelaudit", group))]
    commands: dict[str, Any] = getattr(group, "commands", {})
    for name, command in commands.items():
        parts.append("\n".join(described(f"labelaudit {name}", command)))
        inner: dict[str, Any] = getattr(command, "commands", {})
        for each, one in inner.items():
            parts.append("\n".join(described(f"labelaudit {name} {each}", one)))
    return "\n".join(parts)


def schema() -> str:
    """Return the text of the schema of settings files."""
    from labelaudit.cli import app
    from labelaudit.cli.config import sections_of
    from labelaudit.cli.settings_schema import settings_schema

    with get_command(app).make_context("labelaudit", [], resilient_parsing=True) as context:
        document = settings_schema(sections_of(context))
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def described(name: str, command: Any) -> Iterator[str]:
    """Yield the lines about one command."""
    yield f"## {name}\n"
    yield f"{paragraphs(command.help or '')}\n"
    yield f"```text\n{usage(name, command)}\n```\n"
    for heading, params in sections(command).items():
        yield f"### {heading}\n"
        for param in params:
            yield from about(param)


def paragraphs(text: str) -> str:
    """Return help text with the lines of each paragraph joined."""
    joined = (" ".join(part.split()) for part in text.replace("\b", "").split("\n\n"))
    return "\n\n".join(joined)


def usage(name: str, command: Any) -> str:
    """Return the usage line."""
    with command.make_context(name, [], resilient_parsing=True) as context:
        return " ".join([name, *command.collect_usage_pieces(context)])


def sections(command: Any) -> dict[str, list[Any]]:
    """Return the parameters by heading, as ``--help`` groups them."""
    found: dict[str, list[Any]] = {}
    for param in command.params:
        if not getattr(param, "hidden", False):
            found.setdefault(heading(param), []).append(param)
    return found


def heading(param: Any) -> str:
    """Return the heading under which a parameter stands."""
    if param.param_type_name == "argument":
        return "Arguments"
    return str(getattr(param, "rich_help_panel", None) or "Other")


def about(param: Any) -> Iterator[str]:
    """Yield the lines about one argument or option."""
    names = [*param.opts, *param.secondary_opts]
    if param.param_type_name == "argument":
        names = [param.metavar or param.human_readable_name]
    elif param.metavar and not getattr(param, "is_flag", False):
        names[-1] += f" {param.metavar}"
    shown = ", ".join(f"`{name}`" for name in names)
    yield f"{shown}\n: {paragraphs(param.help or '')}{default(param)}\n"


def default(param: Any) -> str:
    """Return the default in words, where the help does not name it already."""
    value = param.default
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    if not plain or getattr(param, "count", False) or "default:" in (param.help or ""):
        return ""
    return f" Default: `{value}`."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")
