"""From dataclasses of options to a typer command, and its help by group of options."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from typer.core import TyperCommand, TyperGroup

from labelaudit.cli.coercion import coerce_plainly

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CommandGroup", "GroupedCommand", "flattened"]

_HEADINGS = ("Arguments", "Rules", "Columns", "Method", "Output", "Run", "Talk")
_BRACED = re.compile(r"[{](\w+)[}]")


def flattened(body: Callable[..., int]) -> Callable[..., int]:
    """Return a function that typer can read: every dataclass argument as one option per field.

    A command then takes a handful of option groups, which commands share, and not thirty
    parameters.
    """
    hints = get_type_hints(body, include_extras=True)
    hints.pop("return", None)
    groups = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    own = inspect.signature(body).parameters
    parameters = []
    for name, kind in hints.items():
        if name in groups:
            parameters += [_parameter(each) for each in fields(groups[name])]
        else:
            parameters.append(
                own[name].replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=kind)
            )

    def command(**values: Any) -> int:
        arguments = {
            name: _gathered(groups[name], values) if name in groups else values[name]
            for name in hints
        }
        return body(**arguments)

    command.__name__ = body.__name__
    command.__doc__ = body.__doc__
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    vars(command)["__signature__"] = inspect.Signature(parameters)
    return command


def _parameter(option: Field[Any]) -> inspect.Parameter:
    default = None if option.default is MISSING else option.default
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=option.type
    )


def _gathered(kind: Any, values: dict[str, Any]) -> Any:
    return kind(**{each.name: values[each.name] for each in fields(kind)})


class CommandGroup(TyperGroup):
    """All commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of the command line before the command."""
        coerce_plainly(self.get_params(ctx))
        return super().parse_args(ctx, args)


class GroupedCommand(TyperCommand):
    """A command whose help lists its options under the headings of their groups."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of the command line."""
        coerce_plainly(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line, arguments as the rest of the help names them."""
        pieces: list[str] = super().collect_usage_pieces(ctx)
        return [_BRACED.sub(r"\1", piece) for piece in pieces]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each heading."""
        sections: dict[str, list[tuple[str, str]]] = {heading: [] for heading in _HEADINGS}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            if param.param_type_name == "argument":
                sections["Arguments"].append((str(param.metavar), record[1]))
            else:
                heading = getattr(param, "rich_help_panel", None) or _HEADINGS[-1]
                sections.setdefault(str(heading), []).append(record)
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
