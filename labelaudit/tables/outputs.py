"""Where results go: destinations checked before the work."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labelaudit.errors import OutputError, UsageError
from labelaudit.tables.remote import local_path
from labelaudit.tables.staging import Staging, is_temporary, target_of, temporary_name, unwritable
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "PUBLICATIONS",
    "RUN_FILE",
    "SIDE_TABLES",
    "TABLE_FORMATS",
    "TAG_TABLES",
    "TASK_FORMATS",
    "Destination",
    "Staging",
    "check_destinations",
    "parse_destination",
    "refuse_inputs",
]

TABLE_FORMATS = ("parquet", "arrow", "csv", "jsonl")
SIDE_TABLES = ("classes", "joint", "pairs", "groups")
TAG_TABLES = ("classes", "rows", "groups", "missing", "candidates", "relations", "violations")
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
    ".xml": "junit",
    ".sarif": "sarif",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
}
TASK_FORMATS = ("label-studio", "argilla")
RUN_FILE = "run.json"
PUBLICATIONS = ("html", "card", "croissant", "run")
_DOCUMENTS = ("junit", "sarif", "gitlab", "markdown", *PUBLICATIONS)
_FORMATS = (*TABLE_FORMATS, *TASK_FORMATS, "json", "text", "manifest", *_DOCUMENTS)
_CONTENTS = {
    **{name: name for name in ("manifest", *_DOCUMENTS)},
    **dict.fromkeys(TASK_FORMATS, "tasks"),
    "json": "summary",
    "text": "report",
    "html": "page",
}
_MANIFEST = "manifest.json"
_ALIASES = {"summary": "json", "report": "text", "txt": "text", "md": "markdown"}


@dataclass(frozen=True, slots=True)
class Destination:
    """One output.

    Attributes
    ----------
    content : str
        ``summary``, ``report``, ``manifest``, ``page``, another document, ``tasks``, the main
        table (``issues``) or one of the side tables.
    format : str
        One of ``TABLE_FORMATS`` or ``TASK_FORMATS``, or ``json``, ``text``, ``manifest``, or one of
        the documents.
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
    text: str,
    main: str = "issues",
    sides: Sequence[str] = SIDE_TABLES,
    documents: Sequence[str] = (),
) -> Destination:
    """Return the destination of ``[TABLE:][FORMAT:]PATH``; ``-`` is standard output, as CSV.

    Parameters
    ----------
    text : str
    main : str
        The table that a bare path stands for; it may be named as well.
    sides : sequence of str
        Tables that are named before the path.
    documents : sequence of str
        Formats besides tables, summary and report that the command can write.

    Raises
    ------
    UsageError
        If a table or format is unknown, or the format cannot hold what is asked for.
    """
    table, written, path = _prefixes(text, (main, *sides))
    if not path:
        raise UsageError(f"The output '{safe(text)}' has no path.", "Give a path, or - for stdout.")
    if "\0" in path:
        raise UsageError(
            f"The output '{safe(text)}' holds a NUL byte, which no path can.",
            "Take it out of the name.",
        )
    path = local_path(path) or path
    if re.match(r"[a-z0-9+]{2,}:/", path):
        raise UsageError(
            f"The output {safe(text)} is not a local path.",
            "Write to a local file, then copy it there.",
        )
    form = written or ("csv" if path == "-" else _format_of(path))
    if form == "markdown" and not written and "card" in documents:
        form = "card"
    if form == "run" and path == "-":
        raise UsageError("A run is a folder of files.", "Name a folder, such as -o run:audit/.")
    if form in _DOCUMENTS and form not in documents:
        raise UsageError(
            f"{safe(text)}: {form} is not written by this command.",
            f"It writes {', '.join(documents)}."
            if documents
            else "The commands find-issues, aggregate, check and report write such reports.",
        )
    content = table or _CONTENTS.get(form, main)
    if content == "tasks" and main != "issues":
        raise UsageError(
            f"{safe(text)}: only issues can be written as tasks for {form}.",
            "Write them with labelaudit find-issues.",
        )
    if table and form not in TABLE_FORMATS:
        raise UsageError(
            f"{safe(text)}: the {table} table cannot be written as {form}.",
            f"Use one of {', '.join(TABLE_FORMATS)}.",
        )
    return Destination(content, form, None if path == "-" else path)


def _prefixes(text: str, tables: Sequence[str]) -> tuple[str | None, str | None, str]:
    """Split the names of a table and a format off; a colon may also be part of a file's name."""
    table = form = None
    head, colon, rest = text.partition(":")
    while colon:
        name = _ALIASES.get(head.lower(), head.lower())
        if name in tables and table is None:
            table, text = name, rest
        elif name in _FORMATS and form is None:
            form, text = name, rest
        elif _is_word(head) and not rest.startswith("//"):
            raise _no_such_output(head, text, tables)
        else:
            break
        head, colon, rest = text.partition(":")
    return table, form, text


def _is_word(head: str) -> bool:
    """Say whether this could be meant for a name: letters, and more than a drive has."""
    return len(head) > 1 and head.replace("-", "").isalpha()


def _no_such_output(head: str, text: str, tables: Sequence[str]) -> UsageError:
    names = [*tables, *_FORMATS, *_ALIASES]
    hint = _did_you_mean(head, names) or f"Choose of {', '.join(dict.fromkeys(names))}."
    return UsageError(
        f"There is no output '{safe(head)}'.",
        f"{hint} A file of that name is written as ./{safe(text)}.",
    )


def _format_of(path: str) -> str:
    if Path(path).name.lower() == _MANIFEST:
        return "manifest"
    if path.endswith("/"):
        return "run"
    suffix = Path(path).suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    found = f"ends in {safe(suffix)}" if suffix else "has no suffix"
    # At the usual likeness .xlsx would be taken for .xml.
    hint = _did_you_mean(suffix, list(_SUFFIXES), 0.7) or f"Use one of {' '.join(_SUFFIXES)}"
    raise UsageError(
        f"The output {safe(path)} {found}, which names no format.",
        f"{hint.rstrip('.')}; or write the format before the path, such as csv:{safe(path)}.",
    )


def _did_you_mean(word: str, known: Sequence[str], likeness: float = 0.6) -> str:
    import difflib

    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=likeness)
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
        target = "-" if each.path is None else _target(each)
        if target in seen:
            raise UsageError(
                f"Two outputs go to {each.name}.", "Give each output a path of its own."
            )
        seen[target] = each
        if each.path is not None:
            _check_path(each, Path(target), force=force)


def _target(destination: Destination) -> str:
    try:
        return str(target_of(destination.path or ""))
    except (OSError, ValueError) as error:
        raise unwritable(destination.name, error) from error


def _check_path(destination: Destination, target: Path, *, force: bool) -> None:
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        _check_folder(destination, target.parent)
        return
    except (OSError, ValueError) as error:
        raise unwritable(destination.name, error) from error
    if destination.content == "run":
        _check_run(destination, target, is_folder=stat.S_ISDIR(mode), force=force)
        return
    if stat.S_ISDIR(mode):
        raise UsageError(f"The output {destination.name} is a folder.", "Name a file inside of it.")
    if not stat.S_ISREG(mode):
        return
    if not force:
        raise UsageError(
            f"The output {destination.name} exists.", "Add --force to overwrite it, or rename it."
        )
    _check_folder(destination, target.parent)


def _check_run(destination: Destination, target: Path, *, is_folder: bool, force: bool) -> None:
    """Let a run be written over another one, or where nothing is; never among other files."""
    names = [path.name for path in target.iterdir()] if is_folder else [target.name]
    there = [name for name in names if not is_temporary(name)]
    if there and RUN_FILE not in there:
        raise UsageError(
            f"The output {destination.name} exists, and is no saved run.",
            "Name a new folder for the run.",
        )
    if there and not force:
        raise UsageError(
            f"The output {destination.name} holds a saved run.",
            "Add --force to overwrite it, or name another folder.",
        )
    _try_folder(destination, target)


def _check_folder(destination: Destination, folder: Path) -> None:
    """Try it: permissions alone do not tell of read-only disks and network shares."""
    if not folder.is_dir():
        raise OutputError(
            f"The folder of the output {destination.name} does not exist.",
            "Make the folder first, or write elsewhere.",
        )
    _try_folder(destination, folder)


def _try_folder(destination: Destination, folder: Path) -> None:
    probe = folder / temporary_name()
    try:
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        probe.unlink()
    except OSError as error:
        raise unwritable(destination.name, error) from error


def refuse_inputs(destinations: Sequence[Destination], inputs: Sequence[str]) -> None:
    """Refuse to overwrite what is read, also under another name.

    Raises
    ------
    UsageError
        If an output is one of the inputs.
    """
    read = {_identity(name): name for name in inputs if _exists(name)}
    for each in destinations:
        if each.path is not None and _exists(each.path):
            name = read.get(_identity(each.path))
            if name is not None:
                raise UsageError(
                    f"The output {each.name} is the input {safe(name, 200)}.",
                    "Write to another file: an input is never overwritten.",
                )


def _exists(path: str) -> bool:
    """Whether something is there; a name that nothing can have is told of where it is used."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _identity(path: str) -> tuple[int, int]:
    status = Path(path).stat()
    return status.st_dev, status.st_ino
