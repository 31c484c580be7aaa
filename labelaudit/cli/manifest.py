"""The manifest of a run: what was read, what was asked, and what was written, with hashes."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from labelaudit import __version__
from labelaudit.cli.config import origin, settings_file
from labelaudit.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import typer

    from labelaudit.tables.outputs import Destination
    from labelaudit.tables.staging import Staged

__all__ = ["RunRecord", "files_read"]

SCHEMA_VERSION = 1
"""Grows when a key changes its meaning or goes; new keys may come without it."""

_LIBRARIES = ("llvmlite", "numba", "numpy", "pyarrow", "rich", "scipy", "typer")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is known of a run besides its result.

    Attributes
    ----------
    ctx : typer.Context
    inputs : mapping of str to str
        For each file that was read, as the user named it, where it is.
    exit_code : int
        What the process will return.
    rows_left_out : int
        Rows of the inputs that ``--where`` left out.
    """

    ctx: typer.Context
    inputs: Mapping[str, str]
    exit_code: int = ExitCode.DONE
    rows_left_out: int = 0

    def manifest(self, staged: Iterable[Staged], destinations: Sequence[Destination]) -> str:
        """Return the manifest as JSON text; it lists itself nowhere."""
        from labelaudit.reports.summary import to_json

        settings = settings_file(self.ctx)
        inputs = dict(self.inputs) | ({settings: settings} if settings is not None else {})
        return to_json(
            {
                "schema_version": SCHEMA_VERSION,
                "tool": {"name": "labelaudit", "version": __version__},
                "python": ".".join(map(str, sys.version_info[:3])),
                "libraries": _versions(),
                "command": self.ctx.info_name,
                "options": self._options(),
                "inputs": [_file(name, path) for name, path in inputs.items()],
                "rows_left_out": self.rows_left_out,
                "outputs": [*_on_stdout(destinations), *_files(staged, destinations)],
                "exit_code": int(self.exit_code),
            }
        )

    def _options(self) -> dict[str, Any]:
        return {
            name.replace("_", "-"): {
                "value": _plain(value),
                "origin": self._origin(name),
            }
            for name, value in sorted(self.ctx.params.items())
        }

    def _origin(self, name: str) -> str:
        arguments = {
            param.name for param in self.ctx.command.params if param.param_type_name == "argument"
        }
        return "argument" if name in arguments else origin(self.ctx, name) or "default"


def files_read(tables: Iterable[Any], *others: str | None) -> dict[str, str]:
    """Return the files of tables and other files that were read, each by its name."""
    named = {table.name: table.path for table in tables if table.path}
    return named | {other: other for other in others if other is not None}


def _plain(value: object) -> object:
    """Return an option's value as JSON can hold it."""
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    if isinstance(value, str) and "://" in value:
        from labelaudit.tables.remote import shown_uri

        return shown_uri(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _versions() -> dict[str, str]:
    """Return the versions of the libraries that this run used."""
    used = ((name, sys.modules.get(name)) for name in _LIBRARIES)
    return {name: str(getattr(module, "__version__", "")) for name, module in used if module}


def _file(name: str, path: str) -> dict[str, Any]:
    from labelaudit.tables.digests import digest

    return {"path": name, **asdict(digest(path))}


def _on_stdout(destinations: Sequence[Destination]) -> list[dict[str, Any]]:
    return [
        {"content": each.content, "format": each.format, "path": "-", "bytes": None, "sha256": None}
        for each in destinations
        if each.path is None and each.content != "manifest"
    ]


def _files(staged: Iterable[Staged], destinations: Sequence[Destination]) -> list[dict[str, Any]]:
    """Describe written files; those that were not named one by one are of a folder."""
    named = {each.path: each for each in destinations}
    found = []
    for each in staged:
        place = named.get(each.path)
        if place is not None and place.content == "manifest":
            continue
        kind = {
            "content": "run" if place is None else place.content,
            "format": each.target.suffix[1:] if place is None else place.format,
        }
        found.append(kind | _file(each.path, str(each.temporary)))
    return found
