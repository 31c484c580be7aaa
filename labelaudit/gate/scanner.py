"""The words of a rule: a text, and how far it has been read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["RuleError", "Scanner"]

_BLANK = re.compile(r"\s*")
_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_UNIT = re.compile(r"\s*(?:(%)|(pp|k|M)(?![A-Za-z0-9_]))")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_WORD = re.compile(r"[A-Za-z_]+")
_BARE = re.compile(r"[^\[\],='\"]*")
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class RuleError(Exception):
    """Something in a rule that cannot be, and where.

    Parameters
    ----------
    message : str
        One or two sentences.
    start, stop : int
        The place in the rule's text.
    """

    def __init__(self, message: str, start: int, stop: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.stop = max(stop, start + 1)


@dataclass(slots=True)
class Scanner:
    """Reads words from the start of the text to its end.

    Attributes
    ----------
    text : str
    place : int
        How far it has been read.
    """

    text: str
    place: int = 0

    def rest(self) -> str:
        """Skip blanks, and return what has not been read."""
        self._skip()
        return self.text[self.place :]

    def take(self, *words: str) -> str | None:
        """Read the first of the words that stands here, if one does."""
        rest = self.rest()
        found = next((word for word in words if rest.startswith(word)), None)
        self.place += len(found or "")
        return found

    def number(self) -> tuple[Fraction, str] | None:
        """Read a number and its unit (``%``, ``pp``, ``k``, ``M`` or nothing), if one is here."""
        self._skip()
        match = _NUMBER.match(self.text, self.place)
        if match is None:
            return None
        self.place = match.end()
        unit = _UNIT.match(self.text, self.place)
        if unit is None:
            return Fraction(match[0]), ""
        self.place = unit.end()
        return Fraction(match[0]), unit[1] or unit[2]

    def name(self) -> str | None:
        """Read names joined by dots, if one is here."""
        return self._matched(_NAME)

    def word(self) -> str | None:
        """Read one name without dots, if one is here."""
        return self._matched(_WORD)

    def value(self) -> str:
        """Read a value of a selector: in quotes, or up to the next comma or bracket.

        Raises
        ------
        RuleError
            If there is none, or its quotes do not end.
        """
        start = len(self.text) - len(self.rest())
        quoted = _QUOTED.match(self.text, start)
        if quoted is not None:
            self.place = quoted.end()
            return _ESCAPED.sub(r"\1", quoted[1] if quoted[1] is not None else quoted[2])
        if self.text[start : start + 1] in ("'", '"'):
            raise RuleError("These quotes do not end.", start, len(self.text))
        bare = _BARE.match(self.text, start)
        self.place = bare.end() if bare is not None else start
        found = self.text[start : self.place].strip()
        if not found:
            raise RuleError("A value is missing here; write '' for an empty one.", start, start)
        return found

    def _skip(self) -> None:
        blank = _BLANK.match(self.text, self.place)
        self.place = blank.end() if blank is not None else self.place

    def _matched(self, pattern: re.Pattern[str]) -> str | None:
        self._skip()
        match = pattern.match(self.text, self.place)
        if match is None:
            return None
        self.place = match.end()
        return match[0]
