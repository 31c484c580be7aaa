"""Object stores that pyarrow reads itself: S3 and what speaks like it, Google, Azure, HDFS."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from labelaudit.errors import MissingExtraError, NothingToAuditError
from labelaudit.tables import store_options
from labelaudit.tables.azure_store import AZURE, azure_store
from labelaudit.tables.boundary import reason
from labelaudit.tables.google_store import GOOGLE, google_store
from labelaudit.tables.store_options import checked_options
from labelaudit.wording import safe

if TYPE_CHECKING:
    import pyarrow.fs as pa_fs

__all__ = ["OBJECT_STORES", "object_store", "plain_address", "split_query", "store_settings"]

OBJECT_STORES = frozenset({"s3", "hdfs", "viewfs"}) | GOOGLE | AZURE
"""Schemes of addresses that need no further package."""

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
    if scheme.lower() in GOOGLE:
        return google_store(authority, query)
    if scheme.lower() in AZURE:
        return azure_store(scheme, authority, query)
    return _hadoop(scheme, authority, query)


def _hadoop(scheme: str, authority: str, query: str) -> tuple[pa_fs.FileSystem, str]:
    import pyarrow.fs as pa_fs

    try:
        found: tuple[pa_fs.FileSystem, str] = pa_fs.FileSystem.from_uri(
            f"{scheme}://{authority}/{query}"
        )
    except OSError as error:
        if re.search("libjvm|libhdfs", str(error)) is None:
            raise
        raise MissingExtraError(
            f"Reading {scheme}:// needs Hadoop and Java, which are not found: {reason(error)}.",
            "Install them, and set HADOOP_HOME, CLASSPATH and JAVA_HOME as Hadoop's libhdfs asks.",
        ) from error
    return found


@lru_cache(maxsize=64)
def _s3(authority: str, query: str) -> pa_fs.FileSystem:
    import pyarrow.fs as pa_fs

    return pa_fs.S3FileSystem(
        connect_timeout=store_options.CONNECT_SECONDS,
        request_timeout=store_options.STALL_SECONDS,
        retry_strategy=pa_fs.AwsStandardS3RetryStrategy(max_attempts=store_options.ATTEMPTS),
        **_s3_chosen(authority, query),
    )


def _s3_chosen(authority: str, query: str) -> dict[str, Any]:
    """Return where a bucket is asked for, and as whom, by the address or the environment."""
    asked = checked_options("S3", parse_qsl(query[1:]), _S3_OPTIONS)
    user, _, bucket = authority.rpartition("@")
    name, _, secret = user.partition(":")
    chosen: dict[str, Any] = _s3_endpoint(asked)
    if user:
        chosen |= {"access_key": unquote(name), "secret_key": unquote(secret)}
    for option in ("anonymous", "force_virtual_addressing"):
        if asked.get(option, "").lower() in ("true", "1"):
            chosen[option] = True
    if "tls_ca_file_path" in asked:
        chosen["tls_ca_file_path"] = asked["tls_ca_file_path"]
    if "region" in asked:
        chosen["region"] = asked["region"]
    elif "endpoint_override" not in chosen:
        chosen["region"] = _region(bucket)
    return chosen


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


def plain_address(uri: str) -> str:
    """Return an address without options, and in S3 without the user, for libraries of others."""
    address = split_query(uri)[0]
    scheme, mark, rest = address.partition("://")
    authority, slash, key = rest.partition("/")
    if scheme.lower() == "s3":
        authority = authority.rpartition("@")[2]
    return f"{'gs' if scheme.lower() == 'gcs' else scheme}{mark}{authority}{slash}{key}"


def store_settings(uri: str, query: str) -> dict[str, str]:
    """Return what an address says of a store, in the names that the Rust libraries know.

    What the environment says they read themselves.
    """
    settings = {
        "connect_timeout": f"{store_options.CONNECT_SECONDS:g}s",
        "timeout": f"{store_options.STALL_SECONDS:g}s",
        "max_retries": str(store_options.ATTEMPTS),
    }
    scheme, _, rest = uri.partition("://")
    if scheme.lower() != "s3":
        return settings
    chosen = _s3_chosen(rest.partition("/")[0], query)
    if "endpoint_override" in chosen:
        endpoint = f"{chosen['scheme']}://{chosen['endpoint_override']}"
        settings["aws_endpoint_url"] = endpoint
        settings["aws_allow_http"] = str(chosen["scheme"] == "http").lower()
    names = {"access_key": "aws_access_key_id", "secret_key": "aws_secret_access_key"}
    names["region"] = "aws_region"
    settings |= {names[name]: value for name, value in chosen.items() if name in names}
    if chosen.get("anonymous"):
        settings["aws_skip_signature"] = "true"
    if chosen.get("force_virtual_addressing"):
        settings["aws_virtual_hosted_style_request"] = "true"
    return settings
