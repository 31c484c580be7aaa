"""Messages in the words of a caller from Python: parameters where the command line has flags."""

from __future__ import annotations

import csv
import re
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from labelaudit.errors import LabelauditError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FLAGS", "in_python", "listed", "one_text", "speaking_python", "texts"]

FLAGS: Mapping[str, str] = {
    "--abstain": "abstain",
    "--adjust": "adjust=True",
    "--classes": "classes",
    "--cluster": "cluster",
    "--decisions": "decisions",
    "--duplicates": "duplicates",
    "--frac-noise": "frac_noise",
    "--gold": "gold",
    "--group": "group",
    "--issues": "issues",
    "--keep": "keep",
    "--key": "key",
    "--label-column": "label",
    "--labels": "labels",
    "--max-change": "max_change",
    "--memory": "memory",
    "--method": "method",
    "--min-confidence": "min_confidence",
    "--min-examples-per-class": "min_examples_per_class",
    "--ordered": "level",
    "--prefix": "prefix",
    "--prior": "prior",
    "--probs": "probs",
    "--propensity": "propensity",
    "--score": "score",
    "--skip-invalid": "skip_invalid=True",
    "--soft": "soft",
    "--task": "task",
    "--task-column": "task",
    "--top": "top",
    "--where": "where",
    "--weights": "weights=True",
    "--worker-column": "worker",
}
"""For each flag that a message from below the command line may name, its parameter."""

_SAID = re.compile(r"(--[a-z][a-z-]*)(?:([ ])('[^']*'|-?[0-9](?:[0-9.,]*[0-9])?))?")

P = ParamSpec("P")
R = TypeVar("R")


def in_python(text: str) -> str:
    """Return a message with parameters in place of flags: ``worker=`` for ``--worker-column``.

    A value behind the flag is written as Python has it; classes become a list.
    """
    return _SAID.sub(_parameter, text)


def _parameter(found: re.Match[str]) -> str:
    flag, gap, value = found.groups()
    name = FLAGS.get(flag)
    if name is None:
        return found[0]
    if value is None:
        return name if "=" in name else f"{name}="
    if name == "classes":
        value = str(next(csv.reader([value.strip("'")])))
    return f"{name}={value}" if "=" not in name else f"{name}{gap}{value}"


def speaking_python(function: Callable[P, R]) -> Callable[P, R]:
    """Have the errors of a public function name parameters in place of flags."""

    @wraps(function)
    def called(*args: P.args, **options: P.kwargs) -> R:
        try:
            return function(*args, **options)
        except LabelauditError as error:
            error.reword(in_python)
            raise

    return called


def one_text(name: str, value: Any) -> str | None:
    """Return a parameter that is the name of a column, or None.

    Raises
    ------
    UsageError
        If it is something else.
    """
    if value is None or isinstance(value, str):
        return value
    raise UsageError(
        f"{name} is of type {type(value).__name__}, not the name of a column.",
        "Give the name as text; arrays go before it, as in the examples.",
    )


def texts(name: str, value: Any) -> tuple[str, ...]:
    """Return a parameter that is a name or several.

    Raises
    ------
    UsageError
        If it is something else.
    """
    if isinstance(value, str):
        return (value,)
    found = tuple(value) if hasattr(value, "__iter__") else (value,)
    if not all(isinstance(each, str) for each in found):
        raise UsageError(
            f"{name} is of type {type(value).__name__}, not a list of names.",
            "Give a list of texts.",
        )
    return found


def listed(name: str, value: Any) -> list[Any]:
    """Return a parameter that is a list, as a list.

    Raises
    ------
    UsageError
        If it is one value, or a text, which would be taken letter by letter.
    """
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        raise UsageError(
            f"{name} is {value!r}, not a list.", f"Give a list, such as {name}=['a', 'b']."
        )
    return list(value)
