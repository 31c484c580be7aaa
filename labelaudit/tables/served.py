"""Files that fsspec's libraries ask servers for: what is there at this moment, and since when."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from labelaudit.errors import InputError, NothingToAuditError, UsageError
from labelaudit.tables.far_reading import status_of
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["demand_dataset", "mark_of", "present_entry"]

_MARKS = (
    *("ETag", "etag", "Content-MD5", "Digest", "blob_id", "oid", "sha", "checksum"),
    *("Last-Modified", "LastModified", "last_modified", "updated", "mtime", "created"),
)
_GONE = (404, 410)


def present_entry(system: Any, path: str) -> dict[str, Any] | None:
    """Return what a server says of a file at this moment; None if it says that it is not there.

    Parameters
    ----------
    system : fsspec.AbstractFileSystem
    path : str
        In that system.

    Raises
    ------
    Exception
        Whatever the library raises if the server does not say.
    """
    try:
        if _is_hub(system):
            # Forgetting all would take it from other threads, which look things up just now.
            listed = system.ls(path.rpartition("/")[0], refresh=True)
            return next((each for each in listed if each["name"] == path), None)
        system.invalidate_cache()
        found: dict[str, Any] = system.info(path)
    except FileNotFoundError as error:
        if error.__cause__ is None or status_of(error.__cause__) in _GONE:
            return None
        raise error.__cause__ from None
    return found


def _is_hub(system: Any) -> bool:
    return "hf" in (system.protocol if isinstance(system.protocol, tuple) else (system.protocol,))


def mark_of(entry: Mapping[str, Any]) -> int:
    """Return a number that changes with a file, as far as anything is said that does; else 0."""
    said = [f"{name}={entry[name]}" for name in _MARKS if entry.get(name)]
    digest = hashlib.blake2b("\0".join(said).encode(), digest_size=7).digest()
    return int.from_bytes(digest) if said else 0


def demand_dataset(system: Any, path: str, name: str) -> None:
    """Raise if there is no such dataset at Hugging Face, or it may not be read.

    Parameters
    ----------
    system : huggingface_hub.HfFileSystem
    path : str
        In that system.
    name : str
        The address, fit to be shown.

    Raises
    ------
    UsageError
        If the address names no dataset at all.
    InputError
        If it is not told whether there is such a dataset, as nobody says who asks.
    NothingToAuditError
        If there is none, or no such revision.
    """
    try:
        system.resolve_path(path)
    # The second where the address has nothing, the first where it has but an owner, or no name.
    except (ValueError, NotImplementedError) as error:
        raise UsageError(
            f"{name} names no dataset.", "Write hf://datasets/OWNER/NAME and a path in it."
        ) from error
    except FileNotFoundError as error:
        cause = error.__cause__
        match = re.match(r"hf://(?:datasets/|spaces/|buckets/)?[^/]+/[^/@]+(@[^/]+)?", name)
        shown = safe(match[0] if match else name)
        if cause is not None and status_of(cause) in (401, 403):
            raise InputError(
                f"{shown} cannot be read: there is none, or it is private.",
                "Check the name, or set HF_TOKEN to a token that may read it.",
            ) from error
        if "revision" in str(error):
            raise NothingToAuditError(
                f"There is no revision of that name: {shown}.", "Check what follows the @."
            ) from error
        raise NothingToAuditError(
            f"There is no {shown}, or the token may not read it.", "Check the name and the token."
        ) from error
