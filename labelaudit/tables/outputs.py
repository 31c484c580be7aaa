"""Where results go: destinations checked before the work, files that appear whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from labelaudit.errors import LabelauditError, OutputError, UsageError
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

__all__ = [
    "SIDE_TABLES",
    "TABLE_FORMATS",
    "Destination",
    "Staging",
    "check_destinations",
    "parse_destination",
    "refuse_inputs",
]

TABLE_FORMATS = ("parquet", "arrow", "csv", "jsonl")
SIDE_TABLES = ("classes", "joint", "pairs", "groups")
_SUFFIXES = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".txt": "text",
}
_FORMATS = (*TABLE_FORMATS, "json", "text")
_CONTENTS = {"json": "summary", "text": "report"}
_ALIASES = {"summary": "json", "txt": "text"}


@dataclass(frozen=True, slots=True)
class Destination:
    """One output.

    Attributes
    ----------
    content : str
        ``summary``, ``report``, the main table (``issues``) or one of the side tables.
    format : str
        One of ``TABLE_FORMATS``, or ``json`` or ``text``.
    path : str or None
        As the user named it; None is standard output.
    """

    content: str
    format: str
    path: str | None

    @property
    def name(self) -> str:
        """The path, fit to be shown."""
        return "standard output" if self.path is None else safe(self.path, 200)


def parse_destination(
    text: str, main: str = "issues", sides: Sequence[str] = SIDE_TABLES
) -> Destination:
    """Return the destination of ``[FORMAT:]PATH``; ``-`` is standard output, as CSV by default.

    Parameters
    ----------
    text : str
    main : str
        The table that a bare path stands for.
    sides : sequence of str
        Tables that are named before the path.

    Raises
    ------
    UsageError
        If the format is unknown, or cannot hold what is asked for.
    """
    side, rest = _prefix(text, sides, sides)
    written, path = _prefix(rest, _FORMATS, sides)
    if not path:
        raise UsageError(f"The output {safe(text)!r} has no path.", "Give a path, or - for stdout.")
    if "\0" in path:
        raise UsageError(
            f"The output '{safe(text)}' holds a NUL byte, which no path can.",
            "Take it out of the name.",
        )
    if re.match(r"[a-z0-9+]{2,}:/", path):
        raise UsageError(
            f"The output {safe(text)} is not a local path.",
            "Write to a local file, then copy it there.",
        )
    form = written or ("csv" if path == "-" else _format_of(path))
    content = side or _CONTENTS.get(form, main)
    if side and form not in TABLE_FORMATS:
        raise UsageError(
            f"{safe(text)}: the {side} table cannot be written as {form}.",
            f"Use one of {', '.join(TABLE_FORMATS)}.",
        )
    return Destination(content, form, None if path == "-" else path)


def _prefix(text: str, allowed: Sequence[str], sides: Sequence[str]) -> tuple[str | None, str]:
    """Split a known prefix off; a colon may also be part of a file's name."""
    head, colon, rest = text.partition(":")
    if not colon:
        return None, text
    known = {name: name for name in (*sides, *_FORMATS)} | _ALIASES
    name = known.get(head.lower())
    if name in allowed:
        return name, rest
    if name is None and head.replace("-", "").isalpha():
        hint = _did_you_mean(head, list(known))
        if hint:
            raise UsageError(f"There is no output format {safe(head)!r}.", hint)
    return None, text


def _format_of(path: str) -> str:
    suffix = Path(path).suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    found = f"ends in {safe(suffix)}" if suffix else "has no suffix"
    hint = _did_you_mean(suffix, list(_SUFFIXES)) or f"Use one of {' '.join(_SUFFIXES)}"
    raise UsageError(
        f"The output {safe(path)} {found}, which names no format.",
        f"{hint.rstrip('.')}; or write the format before the path, such as csv:{safe(path)}.",
    )


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(word.lower(), known, n=1)
    return f"Did you mean {near[0]}?" if near else ""


def check_destinations(destinations: Sequence[Destination], *, force: bool) -> None:
    """Refuse what could not be written, before any work is done.

    Raises
    ------
    UsageError
        If two outputs share a path, one exists (without ``force``) or is a folder.
    OutputError
        If a folder is missing or not writable.
    """
    seen: dict[str, Destination] = {}
    for each in destinations:
        target = "-" if each.path is None else os.path.realpath(each.path)
        if target in seen:
            raise UsageError(
                f"Two outputs go to {each.name}.", "Give each output a path of its own."
            )
        seen[target] = each
        if each.path is not None:
            _check_path(each, Path(target), force=force)


def _check_path(destination: Destination, target: Path, *, force: bool) -> None:
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        _check_folder(destination, target.parent)
        return
    except (OSError, ValueError) as error:
        raise _unwritable(destination.name, error) from error
    if stat.S_ISDIR(mode):
        raise UsageError(f"The output {destination.name} is a folder.", "Name a file inside of it.")
    if not stat.S_ISREG(mode):
        return
    if not force:
        raise UsageError(
            f"The output {destination.name} exists.", "Add --force to overwrite it, or rename it."
        )
    _check_folder(destination, target.parent)


def _check_folder(destination: Destination, folder: Path) -> None:
    """Try it: permissions alone do not tell of read-only disks and network shares."""
    if not folder.is_dir():
        raise OutputError(
            f"The folder of the output {destination.name} does not exist.",
            "Make the folder first, or write elsewhere.",
        )
    probe = folder / _temporary_name()
    try:
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        probe.unlink()
    except OSError as error:
        raise _unwritable(destination.name, error) from error


def refuse_inputs(destinations: Sequence[Destination], inputs: Sequence[str]) -> None:
    """Refuse to overwrite what is read, also under another name.

    Raises
    ------
    UsageError
        If an output is one of the inputs.
    """
    read = {_identity(name): name for name in inputs if Path(name).exists()}
    for each in destinations:
        if each.path is not None and Path(each.path).exists():
            name = read.get(_identity(each.path))
            if name is not None:
                raise UsageError(
                    f"The output {each.name} is the input {safe(name, 200)}.",
                    "Write to another file: an input is never overwritten.",
                )


def _identity(path: str) -> tuple[int, int]:
    status = Path(path).stat()
    return status.st_dev, status.st_ino


def _temporary_name() -> str:
    return f".labelaudit-{secrets.token_hex(8)}.tmp"


def _unwritable(name: str, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or str(error)
    return OutputError(
        f"The output {name} cannot be written: {safe(reason)}.",
        "Free space or change the permissions there, or write elsewhere.",
    )


class Staging:
    """Files written beside their final places, and moved there together.

    As a context manager it removes whatever has not been moved, however the block ends.
    """

    def __init__(self) -> None:
        self._written: list[tuple[Path, Path, str]] = []

    def __enter__(self) -> Self:
        return self

    @contextmanager
    def file(self, path: str) -> Iterator[IO[bytes]]:
        """Open a new file that ``commit`` will move to ``path``.

        A device or a pipe, which nothing can be moved over, is opened itself.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        target = Path(os.path.realpath(path))
        try:
            if target.exists() and not target.is_file():
                with target.open("wb") as sink:
                    yield sink
                return
            temporary = target.parent / _temporary_name()
            self._written.append((temporary, target, safe(path, 200)))
            with temporary.open("xb") as sink:
                yield sink
                sink.flush()
                os.fsync(sink.fileno())
        except (BrokenPipeError, LabelauditError):
            raise
        except OSError as error:
            raise _unwritable(safe(path, 200), error) from error

    def commit(self) -> None:
        """Move every file to its place.

        Raises
        ------
        OutputError
            If one cannot be moved; those after it are not moved either.
        """
        while self._written:
            temporary, target, name = self._written[0]
            try:
                temporary.replace(target)
            except OSError as error:
                raise _unwritable(name, error) from error
            del self._written[0]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for temporary, _, _ in self._written:
            temporary.unlink(missing_ok=True)
        self._written.clear()
