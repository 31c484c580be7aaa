"""The command that a user may want to type next."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from labelaudit.cli.config import origin
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer

    from labelaudit.tables.outputs import Destination

__all__ = ["command_line", "free_name", "next_command", "said_flags"]

_PASSWORD = re.compile(r"://[^/]*:[^/]*@")
_RERUN = (
    *("labels", "probs", "key", "classes", "keep", "group", "where"),
    *("task", "method", "score", "row_score"),
    *("collision", "compat", "min_examples_per_class", "frac_noise", "seed", "config"),
)
_RERUN_FLAGS = ("adjust", "skip_invalid")


def next_command(
    ctx: typer.Context,
    data: Sequence[str],
    destinations: Sequence[Destination],
    sides: Sequence[str],
) -> str | None:
    """Return the command that a user may want next: the same audit with what is not yet written."""
    contents = {each.content for each in destinations}
    if "issues" not in contents:
        outputs = [free_name("issues.csv")]
    elif contents <= {"issues", "summary", "report"}:
        outputs = [f"{side}:{free_name(f'{side}.csv')}" for side in sides]
    else:
        return None
    return command_line("find-issues", data, said_flags(ctx, _RERUN, _RERUN_FLAGS), outputs)


def command_line(
    command: str, data: Sequence[str], flags: Sequence[str], outputs: Sequence[str]
) -> str | None:
    """Return a command to type; None if it would not be shown as it is, or shows a password."""
    words = ["labelaudit", command, *_guarded(data), *flags]
    for output in outputs:
        words += ["-o", output]
    if any(_PASSWORD.search(name) for name in data):
        return None
    line = shlex.join(words)
    return line if safe(line, len(line)) == line else None


def _guarded(data: Sequence[str]) -> list[str]:
    """Keep a file named like an option from being taken for one."""
    return [f"./{name}" if name.startswith("-") and name != "-" else name for name in data]


def said_flags(ctx: typer.Context, names: Sequence[str], switches: Sequence[str]) -> list[str]:
    """Return those of the flags with and without a value that stand on the command line."""
    words = []
    for name in (*names, *switches):
        if origin(ctx, name) != f"--{name.replace('_', '-')}":
            continue
        value = ctx.params[name]
        flag = f"--{name.replace('_', '-')}"
        if name in switches:
            words.append(flag if value else f"--no-{flag[2:]}")
        else:
            for part in value if isinstance(value, list | tuple) else [value]:
                words.append(f"{flag}={part}" if str(part).startswith("-") else flag)
                words += [] if str(part).startswith("-") else [str(part)]
    return words


def free_name(name: str) -> str:
    """Return the name, numbered if a file has it already."""
    path = Path(name)
    numbered = (f"{path.stem}-{i}{path.suffix}" for i in range(2, 1000))
    return next((each for each in (name, *numbered) if not Path(each).exists()), name)
