"""Defaults of options from the environment and from a settings file.

A flag wins over an environment variable, that over the file, that over the built-in default.
Files that settings name are looked for from the folder of the settings file; outputs go to the
current folder.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from labelaudit.cli.completers import choices_of
from labelaudit.cli.values import parse_list
from labelaudit.errors import ConfigError, UsageError
from labelaudit.small_files import small_text
from labelaudit.wording import comma_list, safe

__all__ = [
    "Resolved",
    "load_defaults",
    "origin",
    "resolved",
    "sections_of",
    "settings_file",
    "unread_variables",
]

_PREFIX = "LABELAUDIT_"
_OUR_OWN = ("LABELAUDIT_DATA", "LABELAUDIT_DEBUG")
_NO_DEFAULT = frozenset({"config", "help", "version", "data"})
# As a table, or as a key of the table of tools.
_MENTION = re.compile(
    rb"""tool["'\s]*\.["'\s]*labelaudit|^["'\s]*labelaudit["'\s]*[.=]""", re.MULTILINE
)
_ROOT_MARKS = (".git", ".hg", ".svn", ".jj")
_ORIGINS = "labelaudit.origins"
_SECTIONS = {"gate": "check"}
_FILE = "labelaudit.file"
_FILES = ("baseline", "decisions", "gold", "issues")
_URI = re.compile("[A-Za-z][A-Za-z0-9+.-]+://")

Options = dict[str, Any]


@dataclass
class _Defaults:
    """Settings as they are found; what is wrong with them is gathered, to be told all at once."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def offer(self, ctx: typer.Context, option: Any, value: object, origin: str) -> None:
        """Take the value if the option can have it."""
        try:
            taken = _raw(option, value, from_file=not origin.startswith(_PREFIX))
            option.process_value(ctx, taken)
            _check_choice(option, taken)
        except (typer.BadParameter, TypeError, UsageError) as error:
            reason = getattr(error, "message", None) or getattr(error, "found", None) or error
            self.errors.append(f"{origin}: {_key(option.name)}: {safe(reason, 200)}")
        else:
            self.values[option.name] = taken
            self.origins[option.name] = origin


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings of one command.

    Attributes
    ----------
    file : str or None
        The settings file that was read.
    settings : tuple of (str, value, str)
        For each setting its name, its value, and where that is from.
    errors : tuple of str
        What is wrong with them.
    """

    file: str | None
    settings: tuple[tuple[str, Any, str], ...]
    errors: tuple[str, ...]


def resolved(ctx: typer.Context, named: str | None = None) -> Resolved:
    """Return the settings of a command, from files and the environment, without running it."""
    found = _gathered(ctx, named)
    settings = tuple(
        (_key(name), found.values.get(name, option.default), found.origins.get(name, "default"))
        for name, option in sorted(_options_of(ctx.command).items())
    )
    return Resolved(settings_file(ctx), settings, tuple(found.errors))


def sections_of(ctx: typer.Context) -> dict[str, Options]:
    """Return the tables that may stand in a settings file, each with its options."""
    commands = _commands(ctx)
    found = {name: _options_of(command) for name, command in commands.items()}
    return found | {name: found[command] for name, command in _SECTIONS.items()}


def load_defaults(ctx: typer.Context, value: str | None) -> str | None:
    """Read the settings file and the environment into the command's defaults.

    Raises
    ------
    ConfigError
        If a file cannot be read, a key is unknown or a value impossible: all of them at once.
    """
    if ctx.resilient_parsing:
        return value
    found = _gathered(ctx, value)
    if found.errors:
        raise ConfigError("\n".join(found.errors), "Mend or remove these settings.")
    ctx.default_map = found.values
    ctx.meta[_ORIGINS] = found.origins
    return value


def _gathered(ctx: typer.Context, named: str | None) -> _Defaults:
    options = _options_of(ctx.command)
    found = _Defaults()
    named = named or os.environ.get(f"{_PREFIX}CONFIG") or None
    path = Path(named) if named is not None else _nearest_file(Path.cwd())
    if path is not None:
        ctx.meta[_FILE] = os.path.relpath(path)
        _from_file(ctx, options, path, found)
    for name, option in options.items():
        text = os.environ.get(_PREFIX + name.upper())
        if text:
            found.offer(ctx, option, text, _PREFIX + name.upper())
    return found


def origin(ctx: typer.Context, name: str) -> str | None:
    """Where an option was set: the flag, an environment variable, a file; None: nowhere."""
    source = getattr(ctx.get_parameter_source(name), "name", "DEFAULT")
    if source == "COMMANDLINE":
        return f"--{_key(name)}"
    origins: dict[str, str] = ctx.meta.get(_ORIGINS, {})
    return origins.get(name)


def settings_file(ctx: typer.Context) -> str | None:
    """Return the settings file that was read, if there is one."""
    found: str | None = ctx.meta.get(_FILE)
    return found


def unread_variables(ctx: typer.Context) -> tuple[str, ...]:
    """Return a sentence for each environment variable that looks like ours and is misspelt."""
    known = {_PREFIX + name.upper() for name in _all_names(ctx)} | {*_OUR_OWN, f"{_PREFIX}CONFIG"}
    bare = [name.removeprefix(_PREFIX) for name in sorted(known)]
    sentences = []
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in known:
            near = _near(name.removeprefix(_PREFIX), bare)
            if near is not None:
                sentences.append(
                    f"The environment variable {safe(name)} is not read. "
                    f"Did you mean {_PREFIX}{near}?"
                )
    return tuple(sentences)


def _options_of(command: Any) -> Options:
    return {
        each.name: each
        for each in command.params
        if each.param_type_name == "option" and each.name not in _NO_DEFAULT
    }


def _commands(ctx: typer.Context) -> dict[str, Any]:
    commands: dict[str, Any] = getattr(ctx.find_root().command, "commands", {})
    leaves = {name: each for name, each in commands.items() if not hasattr(each, "commands")}
    return leaves or {str(ctx.info_name): ctx.command}


def _all_names(ctx: typer.Context) -> set[str]:
    return {name for command in _commands(ctx).values() for name in _options_of(command)}


def _nearest_file(folder: Path) -> Path | None:
    for place in (folder, *folder.parents):
        if (place / "labelaudit.toml").is_file():
            return place / "labelaudit.toml"
        project = place / "pyproject.toml"
        if project.is_file() and _mentions_us(project):
            return project
        if any((place / mark).exists() for mark in _ROOT_MARKS):
            return None
    return None


def _mentions_us(project: Path) -> bool:
    """Whether a project file of somebody's has our table: what it else says is not our business."""
    try:
        if _MENTION.search(project.read_bytes()) is None:
            return False
    except OSError:
        return False
    tools = _parsed(project).get("tool", {})
    return isinstance(tools, dict) and "labelaudit" in tools


def _parsed(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(small_text(path))
    except OSError as error:
        raise ConfigError(
            f"The settings file {safe(path)} cannot be read: {safe(error.strerror)}.",
            "Name a readable TOML file, or leave --config out.",
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"The settings file {safe(path)} is not TOML: {safe(error, 200)}.",
            "Mend the file, or name another with --config.",
        ) from error


def _our_table(path: Path, errors: list[str]) -> dict[str, Any]:
    document = _parsed(path)
    table: object = document
    if "tool" in document or path.name == "pyproject.toml":
        tools = document.get("tool", {})
        table = tools.get("labelaudit", {}) if isinstance(tools, dict) else tools
    if not isinstance(table, dict):
        errors.append(f"{safe(path.name)}: tool.labelaudit is not a table.")
        return {}
    return table


def _from_file(ctx: typer.Context, options: Options, path: Path, found: _Defaults) -> None:
    commands = _commands(ctx)
    table = _from_its_folder(_our_table(path, found.errors), path.parent)
    sections = {name: name for name in commands} | _SECTIONS
    shared = {key: value for key, value in table.items() if key not in sections}
    _from_table(ctx, options, shared, _all_names(ctx), safe(path.name), found)
    for section, entries in table.items():
        command = sections.get(section)
        if command not in commands:
            continue
        where = f"{safe(path.name)} [{section}]"
        names = set(_options_of(commands[command]))
        if not isinstance(entries, dict):
            found.errors.append(f"{where}: not a table.")
            continue
        mine = options if command == ctx.info_name else {}
        _from_table(ctx, mine, entries, names, where, found)


def _from_its_folder(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Have the files that settings name found from any folder: they lie beside the settings."""
    return {key: _settled(key, value, folder) for key, value in table.items()}


def _settled(key: str, value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return _from_its_folder(value, folder)
    if isinstance(value, list) and key in _FILES:
        return [_settled(key, each, folder) for each in value]
    if not isinstance(value, str) or not value or _URI.match(value):
        return value
    if key == "classes" and value.startswith("@"):
        return f"@{os.path.relpath(folder / value[1:])}"
    # Gold labels are a column or a file.
    named = key in _FILES and (key != "gold" or (folder / value).is_file())
    return os.path.relpath(folder / value) if named else value


def _from_table(
    ctx: typer.Context,
    options: Options,
    table: dict[str, Any],
    known: set[str],
    where: str,
    found: _Defaults,
) -> None:
    """Take the options' values; a key that is ``known`` but no option belongs to a command else."""
    seen: dict[str, str] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if seen.setdefault(name, key) != key:
            found.errors.append(f"{where}: {seen[name]} and {key} are one setting; write one.")
        elif name not in known:
            found.errors.append(f"{where}: {_no_such(ctx, key, value, known)}")
        elif name in options:
            found.offer(ctx, options[name], value, where)


def _no_such(ctx: typer.Context, key: str, value: object, known: set[str]) -> str:
    """Name the nearest setting; for a table, which no setting is, the nearest command."""
    names = [*_commands(ctx), *_SECTIONS] if isinstance(value, dict) else map(_key, known)
    what = "command" if isinstance(value, dict) else "setting"
    return f"there is no {what} '{safe(key)}'.{_did_you_mean(key, sorted(names))}"


def _raw(option: Any, value: object, *, from_file: bool) -> object:
    """Return the value as the command line would give it.

    Raises
    ------
    TypeError
        If the type of the value in the file does not fit the option.
    """
    if isinstance(value, dict):
        raise TypeError("a table is not a value of this setting.")
    if from_file and isinstance(value, bool) != bool(option.is_flag and not option.count):
        raise TypeError("write true or false." if option.is_flag else "true and false do not fit.")
    if option.multiple:
        return _several(option.name, value, from_file=from_file)
    if isinstance(value, list):
        if option.name != "classes":
            raise TypeError("write one value, not a list.")
        return comma_list(map(_word, value))
    return value


def _check_choice(option: Any, value: object) -> None:
    """Refuse a word that the command would refuse, while the place it stands at is known."""
    words = choices_of(option)
    if words and isinstance(value, str) and value not in words:
        hint = _did_you_mean(value, list(words)) or f" Use one of {', '.join(words)}."
        raise TypeError(f"there is no '{safe(value)}'.{hint}")


def _several(name: str, value: object, *, from_file: bool) -> list[str]:
    """Return the values of a repeatable option; a variable separates them by commas."""
    if isinstance(value, list):
        return list(map(_word, value))
    if from_file or name == "keep":
        return [str(value)]
    return list(parse_list(str(value), "The variable"))


def _word(part: object) -> str:
    if not isinstance(part, str | int | float):
        raise TypeError("write a list of words.")
    return str(part).lower() if isinstance(part, bool) else str(part)


def _key(name: str) -> str:
    return name.replace("_", "-")


def _did_you_mean(word: str, known: list[str]) -> str:
    near = _near(word, known)
    return f" Did you mean {near}?" if near is not None else ""


def _near(word: str, known: list[str]) -> str | None:
    import difflib

    return next(iter(difflib.get_close_matches(word, known, n=1)), None)
