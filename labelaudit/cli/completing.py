"""Completion in the shell, by the protocol of typer, without rich and with words quoted."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

import typer.completion

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["complete"]

_VARIABLE = "_LABELAUDIT_COMPLETE"


def complete(command: Any, instruction: str) -> int:
    """Answer a shell that asks what can stand at a place of the command line.

    Parameters
    ----------
    command : typer command
    instruction : str
        Such as ``complete_bash`` or ``source_zsh``.
    """
    completion: Any = typer.completion
    completion.completion_init()
    shells = completion.shell_completion
    for shell, shown in (("bash", _for_bash), ("zsh", _for_zsh), ("fish", _for_fish)):
        shells.add_completion_class(_adapted(shells.get_completion_class(shell), shown), shell)
    code: int = completion.shell_complete(command, {}, "labelaudit", _VARIABLE, instruction)
    return 2 if code else 0


def _adapted(base: Any, shown: Callable[[Any], str]) -> Any:
    """Return typer's class for a shell, which tells the completers of the words before."""

    def get_completions(self: Any, args: list[str], incomplete: str) -> list[Any]:
        self.ctx_args = {**self.ctx_args, "obj": tuple(args)}
        found: list[Any] = base.get_completions(self, args, incomplete)
        return found

    def format_completion(_: Any, item: Any) -> str:
        return shown(item)

    methods = {"get_completions": get_completions, "format_completion": format_completion}
    return type(base.__name__, (base,), methods)


def _for_bash(item: Any) -> str:
    """Quote a value, unless the word that is typed begins with a quote."""
    value = str(item.value)
    words = os.environ.get("COMP_WORDS", "").split("\n")
    at = int(os.environ.get("COMP_CWORD", "-1"))
    opened = 0 <= at < len(words) and words[at][:1] in ("'", '"')
    return value if opened else shlex.quote(value)


def _for_zsh(item: Any) -> str:
    value = str(item.value)
    for character in ('"', "'"):
        value = value.replace(character, 2 * character)
    for character in ("$", "`"):
        value = value.replace(character, f"\\{character}")
    return '"' + value.replace(":", r"\\:") + '"'


def _for_fish(item: Any) -> str:
    return str(item.value)
