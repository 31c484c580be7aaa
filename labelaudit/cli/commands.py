"""The typer application: every command by its name, imported when it is wanted."""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer

from labelaudit import __version__
from labelaudit.cli.flags import CommandGroup, GroupedCommand, flattened
from labelaudit.errors import ExitCode

__all__ = ["app", "invoke"]

_SETTINGS: dict[str, Any] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100},
}

_LINES = {
    "find-issues": "List likely label errors, worst first.",
    "aggregate": "Turn votes into labels, and rate the workers.",
    "check": "Pass or fail: audit the data, then check rules.",
    "export": "Write the data with cleaned labels.",
    "inspect": "Show how the data is understood, and all that is wrong with it.",
    "report": "Write the reports of a saved run; nothing is computed.",
    "config": "Show settings, or which there are.",
}


class _Commands(Mapping[str, Any]):
    """The commands by name. Each is imported when it is looked up: --help needs none of them."""

    def __iter__(self) -> Iterator[str]:
        return iter(_LINES)

    def __len__(self) -> int:
        return len(_LINES)

    def __contains__(self, name: object) -> bool:
        return name in _LINES

    def __getitem__(self, name: str) -> Any:
        if name not in _LINES:
            raise KeyError(name)
        return _command(name)


@cache
def _command(name: str) -> Any:
    if name == "config":
        from labelaudit.cli.settings import group

        return typer.main.get_command(group)
    word = name.replace("-", "_")
    module = import_module(f"labelaudit.cli.{word}")
    alone = typer.Typer(add_completion=False, **_SETTINGS)
    epilog = getattr(module, "EPILOG", None)
    alone.command(name, cls=GroupedCommand, epilog=epilog)(flattened(getattr(module, word)))
    return typer.main.get_command(alone)


class _AllCommands(CommandGroup):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = _Commands()

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx  # in every context the same
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_LINES.items()))


app = typer.Typer(
    name="labelaudit",
    help="Find wrong labels in a dataset: how many, which, how sure, and what to do about it.",
    cls=_AllCommands,
    no_args_is_help=True,
    **_SETTINGS,
)


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
