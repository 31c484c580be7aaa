"""Plain text in columns: widths as a terminal shows them, a few colours, numbers in words."""

from __future__ import annotations

import re
import shlex
import textwrap
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labelaudit.wording import percent, safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "Column",
    "Style",
    "assembled",
    "count",
    "cut",
    "entry",
    "listing",
    "next_lines",
    "paragraph",
    "percent",
    "plural",
    "quality_text",
    "remarks",
    "table",
    "times",
    "titled",
    "value_text",
    "width",
]

_WARNINGS = 10
_NARROWEST = 6
_SPACE = re.compile(r"(?<!<) (?!%)")
_FLAG = re.compile(r"--?[a-z][a-z-]*")


@dataclass(frozen=True, slots=True)
class Style:
    """The few looks that a report has; without colour every text stays as it is."""

    color: bool = False

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text

    def bold(self, text: str) -> str:
        """Mark what the eye should find first."""
        return self._in("1", text)

    def dim(self, text: str) -> str:
        """Mark what is there for those who look for it."""
        return self._in("2", text)

    def bad(self, text: str) -> str:
        """Mark something wrong."""
        return self._in("31", text)

    def warn(self, text: str) -> str:
        """Mark something to look at."""
        return self._in("33", text)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
    right : bool
        Flush right, as numbers are.
    flexible : bool
        May be cut when the table is too wide.
    """

    title: str
    right: bool = False
    flexible: bool = False


def width(text: str) -> int:
    """Return how many cells a terminal needs: two for wide characters, none for accents."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, limit: int) -> str:
    """Return the text in at most ``limit`` cells; what is cut ends in an ellipsis."""
    if width(text) <= limit:
        return text
    kept, used = [], 0
    for character in text:
        used += _cells(character)
        if used > limit - 1:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…" if limit > 0 else ""


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], limit: int) -> list[str]:
    """Return the lines of a table, two spaces in and two between columns, titles first.

    Parameters
    ----------
    columns, rows
        Rows are texts, already fit to be shown.
    limit : int
        Cells of a line; flexible columns are cut, the widest first, and where that is not enough
        the last columns are left out, down to two.
    """
    titles = [column.title for column in columns]
    widths = [max(map(width, cells)) for cells in zip(titles, *rows, strict=True)]
    kept = _kept(columns, widths, limit)
    columns, widths = columns[:kept], widths[:kept]
    _shrink(columns, widths, limit - 2 * kept)
    return [_line(columns, cells[:kept], widths) for cells in (titles, *rows)]


def _kept(columns: Sequence[Column], widths: Sequence[int], limit: int) -> int:
    least = [
        min(size, _NARROWEST) if column.flexible else size
        for column, size in zip(columns, widths, strict=True)
    ]
    kept = len(least)
    while kept > 2 and sum(least[:kept]) + 2 * kept > limit:
        kept -= 1
    return kept


def _shrink(columns: Sequence[Column], widths: list[int], room: int) -> None:
    flexible = [i for i, column in enumerate(columns) if column.flexible]
    while sum(widths) > room and flexible:
        widest = max(flexible, key=widths.__getitem__)
        if widths[widest] <= _NARROWEST:
            return
        widths[widest] -= 1


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    parts = []
    for column, cell, size in zip(columns, cells, widths, strict=True):
        shown = cut(cell, size)
        gap = " " * (size - width(shown))
        parts.append(gap + shown if column.right else shown + gap)
    return ("  " + "  ".join(parts)).rstrip()


def paragraph(text: str, limit: int, indent: str = "") -> list[str]:
    """Return the text in lines of at most ``limit`` cells.

    Words are not taken apart, nor a number and its percent sign.
    """
    return _filled(_SPACE.split(text), limit, indent)


def _filled(words: Iterable[str], limit: int, indent: str) -> list[str]:
    lines, line = [], ""
    for word in words:
        longer = f"{line} {word}" if line else word
        if line and width(indent) + width(longer) > limit:
            lines.append(indent + line)
            longer = word
        line = longer
    return [*lines, indent + line]


def next_lines(command: str | None, limit: int) -> list[str]:
    """Return what to type next, under its title, in lines that a shell joins again."""
    if not command:
        return []
    if width(command) <= limit - 2:
        return ["Next:", f"  {command}"]
    parts: list[str] = []
    for word in map(shlex.quote, shlex.split(command)):
        with_value = parts and _FLAG.fullmatch(parts[-1]) and not word.startswith("-")
        if with_value:
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    first, *rest = _filled([" ".join(parts[:2]), *parts[2:]], limit - len("    ") - len(" \\"), "")
    broken = [f"  {first}", *(f"    {line}" for line in rest)]
    return ["Next:", *(f"{line} \\" for line in broken[:-1]), broken[-1]]


def entry(title: str, text: str, limit: int, margin: int = 10) -> list[str]:
    """Return a title and a text that hangs beside it."""
    lines = paragraph(text, limit - margin)
    first = f"{title:<{margin - 1}} {lines[0]}"
    return [first, *textwrap.indent("\n".join(lines[1:]), " " * margin).split("\n")][: len(lines)]


def count(number: float) -> str:
    """Return a whole number with commas between thousands."""
    return f"{round(number):,}"


def quality_text(value: float) -> str:
    """Return a label quality with three decimals, or its order of magnitude below those."""
    return f"{value:.3f}" if value == 0 or value >= 0.0005 else f"{value:.0e}"


def plural(number: int, noun: str) -> str:
    """Return the number and the noun, with an s unless it is one."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


def titled(title: str, lines: list[str], style: Style) -> list[str]:
    """Return a table's lines under its title, the names of the columns dimmed."""
    return [style.bold(title), style.dim(lines[0]), *lines[1:]]


def remarks(warnings: Sequence[str], notes: Sequence[str], limit: int, style: Style) -> list[str]:
    """Return the lines with warnings, the first ten of them, and notes."""
    lines = []
    for warning in warnings[:_WARNINGS]:
        lines += [style.warn(line) for line in paragraph(f"Warning: {safe(warning, 400)}", limit)]
    if len(warnings) > _WARNINGS:
        lines.append(f"... {len(warnings) - _WARNINGS} more warnings.")
    for note in notes:
        lines += paragraph(f"Note: {safe(note, 400)}", limit)
    return lines


def value_text(value: object) -> str:
    """Return a value from data, fit to be shown."""
    if isinstance(value, bytes):
        value = value.hex()
    return "(null)" if value is None else safe(value, 200)


def listing(names: Iterable[str], limit: int) -> str:
    """Return as many of the names as fit, and how many more there are."""
    names = list(names)
    shown: list[str] = []
    used = 0
    for i, name in enumerate(names):
        rest = len(names) - i
        used += width(name) + 2
        if shown and used > limit - (len(f"... {rest} more") if rest > 1 else 0):
            return ", ".join(shown) + f", ... {rest} more"
        shown.append(name)
    return ", ".join(shown)


def times(seconds: Mapping[str, float], limit: int) -> list[str]:
    """Return the table of how long each stage took; nothing where none was timed."""
    rows = [[name, f"{each:.2f} s"] for name, each in seconds.items()]
    return table((Column("stage"), Column("time", right=True)), rows, limit) if rows else []


def assembled(parts: Iterable[Sequence[str]]) -> str:
    """Return a report of parts in lines, with an empty line between them; empty parts go."""
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"
