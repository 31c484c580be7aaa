"""Messages in the words of a caller from Python: parameters where the command line has flags."""

from __future__ import annotations

import csv
import re
from functools import wraps
from numbers import Integral
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from labelaudit.errors import LabelauditError, UsageError
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "FLAGS",
    "bytes_allowed",
    "in_python",
    "listed",
    "one_text",
    "size_in_bytes",
    "speaking_python",
    "switch",
    "texts",
]

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

_NAMES = re.compile(r"--classes ([^\s',]+(?:,[^\s',]+)*,[^\s',]*[^\s',.])")
"""Class names that need no quotes."""

_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(i?)(b?)\s*", re.IGNORECASE | re.ASCII)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_LEAST_BYTES = 1_000_000
_MOST_BYTES = 1 << 63
_SIZES = "4GiB, 500MB or 2g"
_MEMORY = "Give bytes, 1000000 or more, or a size in text, such as memory='4GiB' or memory='500MB'."

P = ParamSpec("P")
R = TypeVar("R")


def in_python(text: str) -> str:
    """Return a message with parameters in place of flags: ``worker=`` for ``--worker-column``.

    A value behind the flag is written as Python has it; classes become a list.
    """
    return _SAID.sub(_parameter, _NAMES.sub(_list_of_names, text))


def _list_of_names(found: re.Match[str]) -> str:
    return f"classes={next(csv.reader([found[1]]))}"


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


def switch(name: str, value: Any, *others: str) -> bool:
    """Return a parameter that is on or off.

    Raises
    ------
    UsageError
        If it is something else; ``others`` are what it may be besides.
    """
    if type(value).__name__ in ("bool", "bool_"):  # numpy's too, of any version
        return bool(value)
    values = ", ".join([*map(repr, others), "True"])
    raise UsageError(f"{name} is {value!r}.", f"Give {values} or False.")


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


def size_in_bytes(text: str) -> int:
    """Return the bytes of a size such as ``4GiB``, ``500 MB`` or ``2g``.

    Raises
    ------
    UsageError
        If it is no size, or less than 1 MB.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise UsageError(f"'{safe(text)}' is not a size.", f"Write {_SIZES}.")
    number, unit, binary, _ = match.groups()
    base = 1024 if binary or unit == "" else 1000
    size = float(number) * base ** _POWERS[unit.lower()]
    if not _LEAST_BYTES <= size < _MOST_BYTES:
        wrong = "less than 1 MB" if size < _LEAST_BYTES else "more than any machine has"
        raise UsageError(f"'{safe(text)}' is {wrong}.", f"Write {_SIZES}.")
    return int(size)


def bytes_allowed(memory: int | str | None) -> int | None:
    """Return the parameter ``memory`` in bytes; None where nothing is said.

    Raises
    ------
    UsageError
        If it is neither a whole number of bytes from 1 MB nor a size as ``size_in_bytes`` reads it.
    """
    if memory is None:
        return None
    said: Any = memory
    if type(said) is not bool and isinstance(said, str | Integral):
        try:
            return size_in_bytes(said if isinstance(said, str) else str(int(said)))
        except UsageError as error:
            raise UsageError(f"memory: {error.found}", _MEMORY) from error
    raise UsageError(f"memory is {safe(repr(memory))}.", _MEMORY)
