"""Object stores that pyarrow reads itself: S3 and what speaks like it, Google, Azure, HDFS."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode

from labelaudit.errors import NothingToAuditError, UsageError
from labelaudit.wording import safe

if TYPE_CHECKING:
    import pyarrow.fs as pa_fs

__all__ = ["OBJECT_STORES", "object_store", "split_query"]

OBJECT_STORES = frozenset({"s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs"})
"""Schemes of addresses that need no further package."""

CONNECT_SECONDS = 5.0
STALL_SECONDS = 15.0
ATTEMPTS = 3

_QUERY = re.compile(r"\?[A-Za-z_]+=")
_S3_OPTIONS = (
    "anonymous",
    "endpoint_override",
    "force_virtual_addressing",
    "region",
    "scheme",
    "tls_ca_file_path",
)
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def split_query(uri: str) -> tuple[str, str]:
    """Return the address without its options, and the options with their question mark.

    A question mark that no ``name=`` follows is part of the address.
    """
    found = _QUERY.search(uri)
    return (uri[: found.start()], uri[found.start() :]) if found else (uri, "")


def object_store(uri: str) -> tuple[pa_fs.FileSystem, str]:
    """Return the store of an address, and the path in it, taken letter by letter.

    Raises
    ------
    UsageError
        If there is no such option.
    NothingToAuditError
        If there is no such bucket.
    """
    address, query = split_query(uri)
    scheme, _, rest = address.partition("://")
    authority, _, key = rest.partition("/")
    if scheme.lower() == "s3":
        bucket = authority.rpartition("@")[2]
        return _s3(authority, query), f"{bucket}/{key}".rstrip("/")
    system, start = _of_authority(scheme, authority, query)
    return system, f"{start.rstrip('/')}/{key}"


@lru_cache(maxsize=64)
def _of_authority(scheme: str, authority: str, query: str) -> tuple[pa_fs.FileSystem, str]:
    import pyarrow.fs as pa_fs

    options = dict(parse_qsl(query[1:]))
    if scheme.lower() in ("gs", "gcs"):
        # pyarrow's own limit is a quarter of an hour.
        options.setdefault("retry_limit_seconds", str(int(STALL_SECONDS)))
    more = f"?{urlencode(options)}" if options else ""
    found: tuple[pa_fs.FileSystem, str] = pa_fs.FileSystem.from_uri(
        f"{scheme}://{authority}/{more}"
    )
    return found


@lru_cache(maxsize=64)
def _s3(authority: str, query: str) -> pa_fs.FileSystem:
    import pyarrow.fs as pa_fs

    asked = _s3_options(query)
    user, _, bucket = authority.rpartition("@")
    name, _, secret = user.partition(":")
    chosen: dict[str, Any] = _s3_endpoint(asked)
    if user:
        chosen |= {"access_key": unquote(name), "secret_key": unquote(secret)}
    if asked.get("anonymous", "").lower() in ("true", "1"):
        chosen["anonymous"] = True
    if asked.get("force_virtual_addressing", "").lower() in ("true", "1"):
        chosen["force_virtual_addressing"] = True
    if "tls_ca_file_path" in asked:
        chosen["tls_ca_file_path"] = asked["tls_ca_file_path"]
    if "region" in asked:
        chosen["region"] = asked["region"]
    elif "endpoint_override" not in chosen:
        chosen["region"] = _region(bucket)
    return pa_fs.S3FileSystem(
        connect_timeout=CONNECT_SECONDS,
        request_timeout=STALL_SECONDS,
        retry_strategy=pa_fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        **chosen,
    )


def _s3_options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query[1:]))
    unknown = next((name for name in options if name not in _S3_OPTIONS), None)
    if unknown is not None:
        near = get_close_matches(unknown, _S3_OPTIONS, 1)
        raise UsageError(
            f"An address in S3 has no option '{safe(unknown)}'.",
            f"Did you mean {near[0]}?" if near else f"Options are {', '.join(_S3_OPTIONS)}.",
        )
    return options


def _s3_endpoint(asked: dict[str, str]) -> dict[str, Any]:
    """Return where to ask, by the address or the environment; nothing for Amazon itself."""
    said = asked.get("endpoint_override") or next(filter(None, map(os.environ.get, _ENDPOINTS)), "")
    if not said:
        return {}
    scheme, mark, host = said.partition("://")
    scheme, host = (scheme, host) if mark else (asked.get("scheme", "https"), said)
    return {"endpoint_override": host.rstrip("/"), "scheme": scheme}


def _region(bucket: str) -> str:
    """Ask Amazon where a bucket is: others refuse requests for it."""
    import pyarrow.fs as pa_fs

    try:
        return str(pa_fs.resolve_s3_region(bucket))
    except OSError as error:
        if "not found" not in str(error):
            raise
        raise NothingToAuditError(
            f"There is no bucket {safe(bucket)}.", "Check the address."
        ) from error
