"""``labelaudit config``: which settings hold, where they come from, and which there are."""

# No postponed annotations here: the options are read from them.
import json
import sys
from typing import Annotated, Any

import typer

from labelaudit.cli.coercion import coerce_plainly
from labelaudit.cli.config import Resolved, resolved, sections_of
from labelaudit.cli.delivery import put
from labelaudit.cli.flags import CommandGroup, GroupedCommand
from labelaudit.cli.options import option
from labelaudit.cli.terminal import line_width
from labelaudit.errors import ConfigError, ExitCode, UsageError
from labelaudit.wording import safe

__all__ = ["group"]

group = typer.Typer(
    name="config",
    help="Show settings, or which there are.",
    cls=CommandGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

_Command = Annotated[
    str | None,
    typer.Argument(
        metavar="[COMMAND]", help="One command, with all its settings.", show_default=False
    ),
]
_File = Annotated[
    str | None,
    option(
        "Talk",
        "--config",
        metavar="FILE",
        text="Settings file.  [default: labelaudit.toml or pyproject.toml, here or above]",
    ),
]


@group.command("show", cls=GroupedCommand)
def _show(
    *,
    ctx: typer.Context,
    command: _Command = None,
    config: _File = None,
    json_: Annotated[bool, option("Talk", "--json", text="Every setting, as JSON.")] = False,
) -> int:
    """Show the settings that hold here, and where each comes from.

    Without COMMAND, those of all commands that are not defaults. Whatever is wrong with the
    settings file or with environment variables is told, all at once, with exit code 2.
    """
    found = _resolved(ctx, command, config)
    if json_:
        put(json.dumps(_document(found), ensure_ascii=False, indent=2) + "\n")
    else:
        put(_text(found, everything=command is not None))
    return ExitCode.DONE


@group.command("schema", cls=GroupedCommand)
def _schema(*, ctx: typer.Context) -> int:
    """Print a JSON Schema of the settings file, for editors and checks."""
    from labelaudit.cli.settings_schema import settings_schema

    put(json.dumps(settings_schema(sections_of(ctx)), ensure_ascii=False, indent=2) + "\n")
    return ExitCode.DONE


def _resolved(ctx: typer.Context, command: str | None, config: str | None) -> dict[str, Resolved]:
    commands: dict[str, Any] = getattr(ctx.find_root().command, "commands", {})
    known = [name for name, each in commands.items() if not hasattr(each, "commands")]
    if command is not None and command not in known:
        raise UsageError(
            f"There is no command '{safe(command)}' with settings.",
            f"Use one of {', '.join(known)}.",
        )
    found = {}
    for name in known if command is None else [command]:
        inner = typer.Context(commands[name], parent=ctx.find_root(), info_name=name)
        coerce_plainly(commands[name].get_params(inner))
        found[name] = resolved(inner, config)
    errors = dict.fromkeys(error for each in found.values() for error in each.errors)
    if errors:
        raise ConfigError("\n".join(errors), "Mend or remove these settings.")
    return found


def _document(found: dict[str, Resolved]) -> dict[str, Any]:
    return {
        "settings_file": next((each.file for each in found.values()), None),
        "commands": {
            name: {key: {"value": value, "origin": origin} for key, value, origin in each.settings}
            for name, each in found.items()
        },
    }


def _text(found: dict[str, Resolved], *, everything: bool) -> str:
    from labelaudit.reports.layout import Column, entry, paragraph, table

    limit = line_width(sys.stdout)
    columns = (Column("setting"), Column("value", flexible=True), Column("from", flexible=True))
    file = next((each.file for each in found.values()), None)
    lines = entry("File", "none found" if file is None else safe(file, 200), limit)
    for name, each in found.items():
        rows = [
            [key, safe(_shown(value), 200), safe(origin, 200)]
            for key, value, origin in each.settings
            if everything or origin != "default"
        ]
        if rows:
            lines += ["", name, *table(columns, rows, limit)]
    if not everything:
        rest = "Every other setting has its default; name a command to see them."
        lines += ["", *paragraph(rest, limit)]
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
