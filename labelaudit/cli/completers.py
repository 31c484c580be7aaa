"""What a shell may complete a value to: choices, formats, columns and classes of the data."""

# No postponed annotations here: typer reads them.
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

__all__ = ["choices", "choices_of", "classes", "columns", "formats", "several_columns"]

_FORMATS = ("manifest:", "json:", "text:", "csv:", "parquet:", "arrow:", "jsonl:")
_LARGEST_LABELS = 256 << 20


def choices(*words: str) -> Callable[[str], list[str]]:
    """Return a completer of an option that takes one of a few words."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    vars(complete)["words"] = words
    return complete


def choices_of(option: Any) -> tuple[str, ...]:
    """Return the words that an option takes; none if it takes others too."""
    kind = option.type_descriptor.annotation
    if get_origin(kind) is Literal:
        return get_args(kind)
    completer = option.type_descriptor.parameter_info.autocompletion
    return tuple(getattr(completer, "words", ()))


def columns(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a column."""
    return [name for name in _names(ctx) if name.startswith(incomplete)]


def several_columns(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the last of several names of columns, separated by commas."""
    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in _names(ctx) if name.startswith(last)]


def classes(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the classes of the data, in the order that labelaudit would take."""
    from labelaudit.wording import comma_list

    found = _of_data(ctx, _classes)
    line = comma_list(found)
    return [line] if found and line.startswith(incomplete) else []


def formats(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer what can stand before the path of an output: the help of the option names it."""
    words = [
        word
        for param in ctx.command.params
        if param.name == "output"
        for word in re.findall(r"[a-z][a-z-]+:(?![a-z])", str(getattr(param, "help", "")))
    ]
    return [word for word in dict.fromkeys((*words, *_FORMATS)) if word.startswith(incomplete)]


def _names(ctx: typer.Context) -> list[str]:
    return _of_data(ctx, _columns)


def _of_data(ctx: typer.Context, read: Callable[[typer.Context, str], list[str]]) -> list[str]:
    """Read something of the first file on the command line; what cannot be read offers nothing."""
    path = next(_files(ctx), None)
    try:
        return [] if path is None else read(ctx, path)
    except Exception:  # an error has no place between two words that are typed
        return []


def _columns(_: typer.Context, path: str) -> list[str]:
    import pyarrow.parquet as pq

    if Path(path).suffix.lower() in (".parquet", ".pq"):
        return list(pq.read_schema(path).names)
    from labelaudit.tables.opening import open_files
    from labelaudit.tables.paths import find_files
    from labelaudit.tables.text import TextColumns

    return list(open_files(find_files([path]), lambda _: TextColumns(()))[0].schema.names)


def _classes(ctx: typer.Context, path: str) -> list[str]:
    from labelaudit.tables import ReadOptions, open_labels

    said = _said(ctx)
    options = ReadOptions(labels=said.get("labels"), probs=tuple(filter(None, [said.get("probs")])))
    small = Path(path).stat().st_size <= _LARGEST_LABELS
    return list(open_labels([path], options).classes) if small else []


def _words(ctx: typer.Context) -> Sequence[str]:
    """Return the words before the one to complete; click knows no parameters yet."""
    words: Sequence[str] = ctx.find_root().obj or ()
    name = str(ctx.info_name)
    return words[words.index(name) + 1 :] if name in words else words


def _values(ctx: typer.Context) -> Iterator[tuple[str | None, str]]:
    """Yield the words with the option they are a value of, None for arguments."""
    params: list[Any] = ctx.command.params
    named = {flag: each for each in params for flag in each.opts}
    waiting, only_arguments = None, False
    for word in _words(ctx):
        flag, equals, value = word.partition("=")
        option = named.get(flag)
        if waiting is not None:
            yield waiting, word
            waiting = None
        elif word == "--":
            only_arguments = True
        elif only_arguments or not word.startswith("-"):
            yield None, word
        elif option is not None and equals:
            yield option.name, value
        elif option is not None and not (option.is_flag or option.count):
            waiting = option.name


def _said(ctx: typer.Context) -> dict[str, str]:
    return {name: value for name, value in _values(ctx) if name is not None}


def _files(ctx: typer.Context) -> Iterator[str]:
    from glob import glob

    for name, word in _values(ctx):
        if name is None:
            path = Path(word).expanduser()
            below = sorted(path.rglob("*.parquet")) if path.is_dir() else []
            found = [str(path)] if path.is_file() else [*map(str, below[:1])]
            yield from found or sorted(glob(word, recursive=True))  # noqa: PTH207 - as typed
