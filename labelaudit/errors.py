"""Every error a user can cause, as one tree; each knows its exit code.

An error says in one sentence what was found and where, and in another how to mend it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "ChangeLimitError",
    "ClassOrderError",
    "ConfigError",
    "EnvironmentalError",
    "ExitCode",
    "InputError",
    "InvalidDataError",
    "LabelauditError",
    "MissingExtraError",
    "NothingToAuditError",
    "OutputError",
    "UsageError",
]


class ExitCode(IntEnum):
    """What the process tells its caller."""

    DONE = 0
    GATE_FAILED = 1
    USAGE = 2
    INVALID_INPUT = 3
    ENVIRONMENT = 4
    NOTHING_TO_AUDIT = 5
    INTERRUPTED = 130
    CLOSED_PIPE = 141


class LabelauditError(Exception):
    """Base of every error that labelaudit raises on purpose.

    Parameters
    ----------
    found : str
        One sentence: what was found, and where.
    remedy : str
        One sentence: how to mend it.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.ENVIRONMENT

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found, remedy)
        self.found = found
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.found}\n{self.remedy}"

    def reword(self, change: Callable[[str], str]) -> None:
        """Have every sentence go through a function."""
        self.found, self.remedy = change(self.found), change(self.remedy)
        self.args = (self.found, self.remedy)


class UsageError(LabelauditError):
    """The command line or the call asks for something that cannot be."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """A configuration file, an environment variable, a rule or a baseline says what cannot be."""


class InputError(LabelauditError):
    """A file cannot be read, or is not what it claims to be."""

    exit_code = ExitCode.INVALID_INPUT


class InvalidDataError(InputError):
    """The data was read, and rows in it cannot be used.

    Parameters
    ----------
    problems : sequence of str
        One sentence for each kind of problem, with its count and first rows.
    remedy : str
        How to mend them.
    """

    def __init__(self, problems: Sequence[str], remedy: str) -> None:
        super().__init__("\n".join(problems), remedy)
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[object, ...]:
        # Pickled as it was made: the other arguments are of another form.
        return type(self), (self.problems, self.remedy)

    def reword(self, change: Callable[[str], str]) -> None:
        """Have every sentence go through a function."""
        super().reword(change)
        self.problems = tuple(map(change, self.problems))


class ClassOrderError(InputError):
    """The probability columns seem to be in another class order than the labels."""


class ChangeLimitError(LabelauditError):
    """An export would change or drop more rows than it may."""

    exit_code = ExitCode.GATE_FAILED


class NothingToAuditError(LabelauditError):
    """No file matched, or there are no rows."""

    exit_code = ExitCode.NOTHING_TO_AUDIT


class EnvironmentalError(LabelauditError):
    """The machine, not the data, is in the way: no memory, no disk, no permission."""

    exit_code = ExitCode.ENVIRONMENT


class OutputError(EnvironmentalError):
    """An output cannot be written."""


class MissingExtraError(EnvironmentalError):
    """An optional dependency is not installed."""
