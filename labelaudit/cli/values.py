"""Values of options that are more than a word or a number."""

from __future__ import annotations

import csv
import io
from fractions import Fraction

import typer

from labelaudit.calling import size_in_bytes
from labelaudit.errors import UsageError
from labelaudit.small_files import small_text
from labelaudit.wording import safe

__all__ = ["classes_file", "parse_classes", "parse_list", "parse_memory", "parse_share"]


def parse_memory(text: str) -> int:
    """Return the bytes of a size such as ``4GiB``, ``500 MB`` or ``2g``.

    Raises
    ------
    typer.BadParameter
        If it is no size, or less than 1 MB.
    """
    try:
        return size_in_bytes(str(text))
    except UsageError as error:
        raise typer.BadParameter(
            f"{error.found.removesuffix('.')}; {error.remedy[0].lower()}{error.remedy[1:]}"
        ) from error


def parse_share(text: str) -> Fraction:
    """Return the share of ``10%``, ``0.1`` or ``1/10``, exactly.

    Raises
    ------
    typer.BadParameter
        If it is none, or not between 0 and 1.
    """
    stripped = str(text).strip()
    try:
        number = Fraction(_ascii_number(stripped.removesuffix("%").strip()))
    except (ValueError, ZeroDivisionError):
        raise typer.BadParameter(f"'{safe(text)}' is not a share; write 10% or 0.1.") from None
    share = number / 100 if stripped.endswith("%") else number
    if not 0 <= share <= 1:
        hint = (
            f"; did you mean {safe(stripped)}%?"
            if 1 < share <= 100 and "%" not in stripped
            else "."
        )
        raise typer.BadParameter(f"'{safe(text)}' is not between 0 and 100%{hint}")
    return share


def _ascii_number(text: str) -> str:
    """Refuse what Python takes for digits and people do not."""
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return text


def parse_list(text: str, flag: str) -> tuple[str, ...]:
    """Return the parts of comma-separated text; a part with a comma is quoted as in CSV.

    Raises
    ------
    UsageError
        If quotes are unbalanced or a part is empty without being quoted.
    """
    return _names(io.StringIO(text, newline=""), flag)


def parse_classes(text: str | None) -> tuple[str, ...] | None:
    """Return the classes of ``a,b,c`` or of a file ``@classes.txt`` with one on each line.

    Raises
    ------
    UsageError
        If the file cannot be read, or a class is named twice.
    """
    if text is None:
        return None
    path = classes_file(text)
    names = parse_list(text, "--classes") if path is None else _classes_in(path)
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise UsageError(f"--classes names '{safe(twice)}' twice.", "Name every class once.")
    if len(names) < 2:
        raise UsageError(
            f"--classes names {len(names) or 'no'} class.", "Name at least two classes."
        )
    return names


def classes_file(text: str | None) -> str | None:
    """Return the path in ``@classes.txt``; None for classes that stand there themselves."""
    return text[1:] if text is not None and text.startswith("@") else None


def _classes_in(name: str) -> tuple[str, ...]:
    try:
        text = small_text(name)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError(
            f"--classes cannot read {safe(name)}: {safe(reason)}.",
            "Give @ and a UTF-8 text file with one class on each line.",
        ) from error
    return _names(io.StringIO(text, newline=""), "--classes")


def _names(lines: io.StringIO, flag: str) -> tuple[str, ...]:
    try:
        rows = list(csv.reader(lines, strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise UsageError(
            f"{flag} cannot be read: {safe(error)}.",
            'Separate names by commas, and write a name with a comma as "a,b".',
        ) from error
    return tuple(name for row in rows for name in row)
