"""Saved runs: everything a result holds, in a folder, so that any report can be made of it later.

``run.json`` holds texts and single numbers, with the name and the checksum of every other file;
tables and arrays are Arrow files, which keep types, dictionaries and every bit of a number.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, is_dataclass
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from labelaudit.errors import InputError
from labelaudit.tables.outputs import RUN_FILE
from labelaudit.tables.run_values import Stored, decoded, encoded
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labelaudit.tables.outputs import Staging
    from labelaudit.verdicts import Verdict

__all__ = ["RunContext", "SavedRun", "load_run", "save_run"]

_FORMAT = "labelaudit run"
_VERSION = 1
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
    contents = {name: _arrow_bytes(table) for name, table in stored.tables.items()}
    staging.folder(folder)
    for name, content in contents.items():
        with staging.file(str(Path(folder) / name)) as sink:
            sink.write(content)
    body = {
        "files": {name: _checksum(content) for name, content in contents.items()},
        "run": value,
    }
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


def _arrow_bytes(table: pa.Table) -> bytes:
    whole = table.unify_dictionaries()
    sink = BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(sink, whole.schema, options=options) as writer:
        writer.write_table(whole)
    return sink.getvalue()


def _checksum(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def _body_checksum(body: Mapping[str, Any]) -> str:
    return _checksum(json.dumps(body, sort_keys=True).encode())
