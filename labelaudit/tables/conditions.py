"""What ``--where`` says: comparisons of columns with values, joined by and, or, not."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, NoReturn

from labelaudit.errors import UsageError
from labelaudit.wording import safe

__all__ = [
    "Comparison",
    "Condition",
    "Junction",
    "Literal",
    "Membership",
    "NullTest",
    "columns_of",
    "parse_condition",
]

Literal = str | int | Decimal | bool

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*"|`[^`]*`)
  | (?P<number>[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?![\w.]))
  | (?P<sign><=|>=|<>|!=|==|=|<|>|\(|\)|,)
  | (?P<word>[^\W\d]\w*(?:\.\w+)*)
)""",
    re.VERBOSE,
)
_SAME = {"==": "=", "<>": "!="}
_OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "null", "true", "false"})
_DEEPEST = 50
_MOST_DIGITS = 200
_EXAMPLE = "Write it like split = 'train' and year >= 2020."


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column compared with a value: ``=``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``."""

    column: str
    sign: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether a column's value is among some; ``negated``: among none of them."""

    column: str
    values: tuple[Literal, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class NullTest:
    """Whether a column is null; ``negated``: whether it is not."""

    column: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Junction:
    """Several conditions, all of which (``every``) or one of which must hold."""

    every: bool
    parts: tuple[Condition, ...]


Condition = Comparison | Membership | NullTest | Junction


def columns_of(condition: Condition) -> tuple[str, ...]:
    """Return the columns that a condition is about, each once."""
    if isinstance(condition, Junction):
        found = (name for part in condition.parts for name in columns_of(part))
        return tuple(dict.fromkeys(found))
    return (condition.column,)


def parse_condition(text: str) -> Condition:
    """Read a condition.

    As in SQL, a comparison with null is neither true nor false, so that neither it nor its
    opposite holds. ``not`` is gone from what is returned: it was moved into the comparisons.

    Raises
    ------
    UsageError
        If the text is no condition.
    """
    parser = _Parser(text)
    condition = parser.either(0)
    if parser.next.kind:
        parser.refuse("and, or or the end")
    return condition


class _Token(NamedTuple):
    kind: str
    text: str
    place: int

    def is_word(self, word: str) -> bool:
        return self.kind == "word" and self.text.lower() == word


class _Parser:
    """Takes one token after the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.advance()

    def advance(self) -> None:
        """Look at the next token."""
        match = _TOKEN.match(self.text, self.place)
        if match is not None:
            kind = str(match.lastgroup)
            self.next = _Token(kind, match[kind], match.start(kind))
            self.place = match.end()
            return
        rest = self.text[self.place :].lstrip()
        self.next = _Token("odd" if rest else "", rest[:20], len(self.text) - len(rest))

    def take(self, word: str) -> bool:
        """Go on if the next token is that word or sign."""
        if self.next.is_word(word) or (self.next.kind == "sign" and self.next.text == word):
            self.advance()
            return True
        return False

    def refuse(self, expected: str, remedy: str = _EXAMPLE) -> NoReturn:
        """Raise ``UsageError`` for the next token."""
        found = safe(self.next.text, 40) if self.next.kind else "its end"
        raise UsageError(
            f"The condition of --where cannot be read: at character {self.next.place + 1} "
            f"stands {found}, where {expected} was expected.",
            remedy,
        )

    def either(self, depth: int) -> Condition:
        parts = [self.both(depth)]
        while self.take("or"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Junction(every=False, parts=tuple(parts))

    def both(self, depth: int) -> Condition:
        parts = [self.single(depth)]
        while self.take("and"):
            parts.append(self.single(depth))
        return parts[0] if len(parts) == 1 else Junction(every=True, parts=tuple(parts))

    def single(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            self.refuse("less nesting", f"Nest at most {_DEEPEST} levels deep.")
        if self.take("not"):
            return _opposite(self.single(depth + 1))
        if self.take("("):
            inner = self.either(depth + 1)
            if not self.take(")"):
                self.refuse("a closing parenthesis")
            return inner
        return self.test(self.column())

    def column(self) -> str:
        kind, text, _ = self.next
        if kind == "quoted":
            self.advance()
            return text[1:-1].replace('""', '"') if text[0] == '"' else text[1:-1]
        if kind == "word" and text.lower() not in _KEYWORDS:
            self.advance()
            return text
        quotes = 'Names are written bare or in "double quotes".'
        return self.refuse("the name of a column", quotes if kind == "text" else _EXAMPLE)

    def test(self, column: str) -> Condition:
        if self.take("is"):
            negated = self.take("not")
            if not self.take("null"):
                self.refuse("null")
            return NullTest(column, negated)
        if self.take("not"):
            if not self.next.is_word("in"):
                self.refuse("in", _in_place_of(self.next.text.lower(), column))
            return replace(self.membership(column), negated=True)
        if self.next.is_word("in"):
            return self.membership(column)
        sign = _SAME.get(self.next.text, self.next.text)
        if self.next.kind != "sign" or sign not in _OPPOSITE:
            word = self.next.text.lower()
            self.refuse("=, !=, <, <=, >, >=, in or is", _in_place_of(word, column))
        self.advance()
        return Comparison(column, sign, self.value())

    def membership(self, column: str) -> Membership:
        self.advance()
        if not self.take("("):
            self.refuse("an opening parenthesis")
        values = [self.value()]
        while self.take(","):
            values.append(self.value())
        if not self.take(")"):
            self.refuse("a comma or a closing parenthesis")
        return Membership(column, tuple(values))

    def value(self) -> Literal:
        kind, text, _ = self.next
        if kind in ("text", "quoted"):
            found: Literal = text[1:-1].replace(2 * text[0], text[0])
        elif kind == "number":
            found = self.number(text)
        elif kind == "word" and text.lower() in ("true", "false"):
            found = text.lower() == "true"
        elif kind == "word" and text.lower() == "null":
            self.refuse("a value", "Ask for nulls with is null.")
        elif kind == "word":
            self.refuse("a value", f"Did you mean '{safe(text, 40)}'?")
        else:
            self.refuse("a value")
        self.advance()
        return found

    def number(self, text: str) -> int | Decimal:
        """Read a number exactly."""
        try:
            if len(text) <= _MOST_DIGITS:
                return int(text) if re.fullmatch(r"[-+]?[0-9]+", text) else Decimal(text)
        except InvalidOperation:  # of its exponent
            pass
        return self.refuse("a shorter number")


def _in_place_of(word: str, column: str) -> str:
    """Say what to write where other dialects have a word that is not known."""
    name = safe(column, 40)
    if word in ("like", "ilike"):
        return f"Patterns are not known; list the values: {name} in ('a', 'b')."
    if word == "between":
        return f"Write {name} >= 1 and {name} <= 9 in place of {name} between 1 and 9."
    return _EXAMPLE


def _opposite(condition: Condition) -> Condition:
    if isinstance(condition, Junction):
        return Junction(not condition.every, tuple(map(_opposite, condition.parts)))
    if isinstance(condition, Comparison):
        return replace(condition, sign=_OPPOSITE[condition.sign])
    return replace(condition, negated=not condition.negated)
