"""What the streams are: terminals or not, how wide, with colour or without."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Progress", "colored", "is_terminal", "line_width"]

_FIRST_SHOWN = 0.5
_INTERVAL = 0.1
_BAR = 24


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at the stream."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def colored(stream: TextIO, choice: str) -> bool:
    """Whether to colour what goes to the stream; ``NO_COLOR`` wins over every choice."""
    if os.environ.get("NO_COLOR"):
        return False
    if choice == "auto":
        return is_terminal(stream) and os.environ.get("TERM") != "dumb"
    return choice == "always"


def line_width(stream: TextIO) -> int:
    """Cells of a line: the terminal's, at most 120; 80 where there is none."""
    if not is_terminal(stream) and not os.environ.get("COLUMNS"):
        return 80
    return min(max(shutil.get_terminal_size().columns, 40), 120)


class Progress:
    """A line on stderr that says how far the work is, for people only.

    Called with (stage, done, all). It shows itself when stderr is a terminal, ``CI`` is unset and
    the work takes longer than half a second, and it leaves nothing behind.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.stream = sys.stderr
        self.active = not quiet and is_terminal(self.stream) and not os.environ.get("CI")
        self.next_time = time.monotonic() + _FIRST_SHOWN
        self.shown = False

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show the stage and the share that is done, at most ten times a second."""
        now = time.monotonic()
        if not self.active or now < self.next_time:
            return
        self.next_time = now + _INTERVAL
        share = done / total if total else 0.0
        bar = "#" * int(share * _BAR)
        text = f"{stage[:30]:<30} [{bar:<{_BAR}}] {share:4.0%}"
        self.stream.write(f"\r\x1b[K{text[: line_width(self.stream) - 1]}")
        self.stream.flush()
        self.shown = True

    def clear(self) -> None:
        """Remove the line, so that something else can be said."""
        if self.shown:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self.shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.shown and kind is not BrokenPipeError:
            self.clear()
