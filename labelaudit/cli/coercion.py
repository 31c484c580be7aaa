"""From the words of the command line to values, without pydantic.

typer converts every value with pydantic, whose import costs 0.2 s of every run; here is the little
that our options need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args, get_origin

import typer

from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["coerce_plainly"]

_TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "off"})


def coerce_plainly(params: Iterable[Any]) -> None:
    """Let typer's parameters convert their values without pydantic.

    A typer that does not know of this (before 0.27 it did not use pydantic) is left as it is.
    """
    for param in params:
        if "_runtime_param" in vars(param) and hasattr(param, "type_descriptor"):
            vars(param)["_runtime_param"] = _Plain(param.type_descriptor)


class _Plain:
    """Converts the values of one parameter; typer calls ``coerce``."""

    def __init__(self, descriptor: Any) -> None:
        self.kind: Any = descriptor.annotation
        self.parser = getattr(descriptor.parameter_info, "parser", None)

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value as the option's type; None stays None."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if self.parser is not None:
            return self.parser(value)
        kind = get_origin(self.kind) or self.kind
        if kind is list:
            return [str(part) for part in value]
        if kind is Literal:
            return _choice(value, get_args(self.kind), param, ctx)
        if kind is bool:
            return _truth(value, param, ctx)
        return _number(value, kind, param, ctx) if kind in (int, float) else str(value)


def _choice(value: object, allowed: tuple[str, ...], param: Any, ctx: Any) -> object:
    if value not in allowed:
        _refuse(f"{_shown(value)} is not one of {', '.join(allowed)}.", param, ctx)
    return value


def _truth(value: object, param: Any, ctx: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        _refuse(f"{_shown(value)} is neither true nor false.", param, ctx)
    return word in _TRUE


def _number(value: object, kind: Any, param: Any, ctx: Any) -> float:
    try:
        number: float = kind(str(value))
    except ValueError:
        noun = "whole number" if kind is int else "number"
        _refuse(f"{_shown(value)} is not a {noun}.", param, ctx)
    if param.min is not None and number < param.min:
        _refuse(f"{_shown(value)} is less than {param.min}.", param, ctx)
    return number


def _shown(value: object) -> str:
    return f"'{safe(value)}'"


def _refuse(message: str, param: Any, ctx: Any) -> NoReturn:
    raise typer.BadParameter(message, ctx=ctx, param=param)
