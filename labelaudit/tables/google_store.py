"""Google's store, and what speaks like it."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from labelaudit.tables import store_options
from labelaudit.tables.store_options import checked_options, demand_answer

if TYPE_CHECKING:
    import pyarrow.fs as pa_fs

__all__ = ["GOOGLE", "google_store"]

GOOGLE = frozenset({"gs", "gcs"})
"""Schemes of addresses at Google."""

_OPTIONS = ("anonymous", "endpoint_override", "retry_limit_seconds", "scheme")
_EMULATOR = "STORAGE_EMULATOR_HOST"


def google_store(authority: str, query: str) -> tuple[pa_fs.FileSystem, str]:
    """Return the store of an address, and its bucket.

    Parameters
    ----------
    authority : str
        The bucket; ``anonymous@`` before it asks without credentials.
    query : str
        Options.

    Raises
    ------
    UsageError
        If there is no such option.
    """
    import pyarrow.fs as pa_fs

    asked = checked_options("Google's store", parse_qsl(query[1:]), _OPTIONS)
    user, _, bucket = authority.rpartition("@")
    chosen: dict[str, Any] = {}
    emulator = os.environ.get(_EMULATOR, "")
    said = asked.get("endpoint_override") or emulator
    if said:
        scheme, mark, host = said.partition("://")
        usual = "http" if said == emulator else "https"
        chosen["scheme"] = scheme if mark else asked.get("scheme", usual)
        chosen["endpoint_override"] = (host if mark else said).rstrip("/")
        demand_answer(f"{chosen['scheme']}://{chosen['endpoint_override']}/")
    anonymous = asked.get("anonymous", "").lower() in ("true", "1")
    # An emulator knows nobody, and looking for who asks would take long.
    if anonymous or user == "anonymous" or (emulator and said == emulator):
        chosen["anonymous"] = True
    # pyarrow's own limit is a quarter of an hour.
    limit = dt.timedelta(seconds=_seconds(asked.get("retry_limit_seconds", "")))
    return pa_fs.GcsFileSystem(retry_time_limit=limit, **chosen), bucket


def _seconds(said: str) -> float:
    try:
        return float(said)
    except ValueError:
        return store_options.STALL_SECONDS
