"""The typer application: every command by its name."""

import os
from typing import Annotated

import typer

from labelaudit import __version__
from labelaudit.cli.aggregate import aggregate
from labelaudit.cli.check import EPILOG, check
from labelaudit.cli.export import export
from labelaudit.cli.find_issues import find_issues
from labelaudit.cli.flags import CommandGroup, GroupedCommand, flattened
from labelaudit.cli.inspect import inspect
from labelaudit.cli.report import report
from labelaudit.cli.settings import group as settings
from labelaudit.errors import ExitCode

__all__ = ["app", "invoke"]

app = typer.Typer(
    name="labelaudit",
    help="Find wrong labels in a dataset: how many, which, how sure, and what to do about it.",
    cls=CommandGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for _name, _command in (
    ("find-issues", find_issues),
    ("aggregate", aggregate),
    ("check", check),
    ("export", export),
    ("inspect", inspect),
    ("report", report),
):
    _epilog = EPILOG if _name == "check" else None
    app.command(_name, cls=GroupedCommand, epilog=_epilog)(flattened(_command))
app.add_typer(settings)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"labelaudit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version."),
    ] = False,
) -> None:
    """Find wrong labels in a dataset: how many, which, how sure, and what to do about it."""


def invoke(arguments: list[str]) -> int:
    """Parse and run one command line; every failure is raised.

    typer's own way of running turns a closed pipe into exit code 1.
    """
    command = typer.main.get_command(app)
    instruction = os.environ.get("_LABELAUDIT_COMPLETE")
    if instruction:
        from labelaudit.cli.completing import complete

        return complete(command, instruction)
    with command.make_context("labelaudit", arguments) as context:
        code = command.invoke(context)
    return int(code) if code is not None else ExitCode.DONE
