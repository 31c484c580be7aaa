"""Saved runs: everything a result holds, in a folder, so that any report can be made of it later.

``run.json`` holds texts and single numbers, with the name and the checksum of every other file;
tables and arrays are Arrow files, which keep types, dictionaries and every bit of a number.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, is_dataclass
from hashlib import blake2b
from io import RawIOBase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from labelaudit.errors import InputError
from labelaudit.tables.outputs import RUN_FILE
from labelaudit.tables.pieces import copied, in_pieces
from labelaudit.tables.run_values import Stored, decoded, encoded
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labelaudit.tables.outputs import Staging
    from labelaudit.verdicts import Verdict

__all__ = ["RunContext", "SavedRun", "load_run", "save_run"]

_FORMAT = "labelaudit run"
_VERSION = 1
_SUM_BYTES = 16
_AGAIN = "Run the audit again with -o run:DIR, or name a folder that was written so."


@dataclass(frozen=True, slots=True)
class RunContext:
    """What reports say besides the result.

    Attributes
    ----------
    version : str
        Of labelaudit.
    settings : mapping of str to object
    outputs : tuple of mapping
        For each output its ``content``, ``format`` and ``path``.
    written : tuple of str
        One line for each output, as the report names it.
    next_command : str or None
    verbose : bool
    gate : Verdict or None
        What ``check`` says.
    """

    version: str
    settings: Mapping[str, object]
    outputs: tuple[Mapping[str, str], ...] = ()
    written: tuple[str, ...] = ()
    next_command: str | None = None
    verbose: bool = False
    gate: Verdict | None = None


@dataclass(frozen=True, slots=True)
class SavedRun:
    """A result, with what reports say besides it.

    Attributes
    ----------
    result : LabelIssues or CrowdConsensus
    context : RunContext
    """

    result: Any
    context: RunContext


def save_run(run: SavedRun, folder: str, staging: Staging) -> None:
    """Write a run into a folder, which is made where it is missing.

    Parameters
    ----------
    run : SavedRun
    folder : str
    staging : Staging
        Files appear when it is committed, ``run.json`` last: a run that was cut short does not
        load.
    """
    stored = Stored()
    value = encoded(run, "", stored)
    staging.folder(folder)
    files = {}
    for name, table in stored.tables.items():
        with staging.file(str(Path(folder) / name)) as sink:
            files[name] = _write_arrow(table, sink)
    body = {"files": files, "run": value}
    document = {"format": _FORMAT, "version": _VERSION, "checksum": _body_checksum(body), **body}
    with staging.file(str(Path(folder) / RUN_FILE)) as sink:
        sink.write((json.dumps(document, indent=1, allow_nan=False) + "\n").encode())


def load_run(folder: str) -> SavedRun:
    """Read a run, every byte of it checked.

    Raises
    ------
    InputError
        If the folder holds no run, one of another version, or files are missing or damaged.
    """
    where = safe(folder, 200)
    body = _body(Path(folder), where)
    tables = {
        str(name): _table(Path(folder), str(name), str(checksum), where)
        for name, checksum in body["files"].items()
    }
    try:
        run = decoded(body["run"], tables, _types())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"The run {where} holds something else than a result: {safe(error)}.", _AGAIN
        ) from error
    if not isinstance(run, SavedRun):
        raise InputError(f"The run {where} holds no result.", _AGAIN)
    return run


def _types() -> dict[str, type]:
    from labelaudit import (
        crowd_findings,
        distributions,
        findings,
        tag_findings,
        tag_statistics,
        verdicts,
    )

    classes = [RunContext, SavedRun]
    for module in (
        findings,
        crowd_findings,
        tag_findings,
        tag_statistics,
        distributions,
        verdicts,
    ):
        classes += [getattr(module, name) for name in module.__all__]
    return {each.__name__: each for each in classes if is_dataclass(each)}


def _body(folder: Path, where: str) -> dict[str, Any]:
    try:
        text = (folder / RUN_FILE).read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"{where} is not a saved run: it has no {RUN_FILE}.", _AGAIN) from error
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{RUN_FILE} of the run {where} is damaged: it is no JSON.", _AGAIN) from (
            error
        )
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise InputError(f"{RUN_FILE} in {where} is not that of a saved run.", _AGAIN)
    if document.get("version") != _VERSION:
        raise InputError(
            f"The run {where} is of format {safe(document.get('version'))}, and this version of "
            f"labelaudit reads format {_VERSION}.",
            "Use the version of labelaudit that saved it, or run the audit again.",
        )
    body = {key: document.get(key) for key in ("files", "run")}
    if not isinstance(body["files"], dict) or document.get("checksum") != _body_checksum(body):
        raise InputError(f"{RUN_FILE} of the run {where} is damaged: it was changed.", _AGAIN)
    return body


def _table(folder: Path, name: str, checksum: str, where: str) -> pa.Table:
    try:
        content = (folder / Path(name).name).read_bytes()
    except OSError as error:
        raise InputError(
            f"The file {safe(name)} of the run {where} is missing or cannot be read.", _AGAIN
        ) from error
    if _checksum(content) != checksum:
        raise InputError(
            f"The file {safe(name)} of the run {where} is damaged: its checksum differs.", _AGAIN
        )
    return pa.ipc.open_file(pa.BufferReader(content)).read_all()


def _write_arrow(table: pa.Table, sink: IO[bytes]) -> str:
    """Write a table piece by piece, and return the checksum of the file."""
    whole = table.unify_dictionaries() if isinstance(table, pa.Table) else table
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    summed = _Summed(sink)
    with pa.ipc.new_file(summed, whole.schema, options=options) as writer:
        for piece in in_pieces(whole):
            writer.write_table(copied(piece))
    return summed.sum.hexdigest()


class _Summed(RawIOBase):
    """Sums up what it passes on."""

    def __init__(self, sink: IO[bytes]) -> None:
        self.sink = sink
        self.sum = blake2b(digest_size=_SUM_BYTES)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sum.update(data)
        return self.sink.write(data)


def _checksum(content: bytes) -> str:
    return blake2b(content, digest_size=_SUM_BYTES).hexdigest()


def _body_checksum(body: Mapping[str, Any]) -> str:
    return _checksum(json.dumps(body, sort_keys=True).encode())
