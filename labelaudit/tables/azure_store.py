"""Azure's store: which account an address means, and whether it answers at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from labelaudit.errors import UsageError
from labelaudit.tables.store_options import checked_options, demand_answer
from labelaudit.wording import safe

if TYPE_CHECKING:
    import pyarrow.fs as pa_fs

__all__ = ["AZURE", "azure_store"]

AZURE = frozenset({"abfs", "abfss", "az"})
"""Schemes of addresses in Azure."""

_ACCOUNTS = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT")
_KEYS = ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY")
_TOKENS = ("AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY")
_AZURE = "core.windows.net"


def azure_store(scheme: str, authority: str, query: str) -> tuple[pa_fs.FileSystem, str]:
    """Return the store of an address, and its container.

    Parameters
    ----------
    scheme : {"abfs", "abfss", "az"}
    authority : str
        ``container@account.dfs.core.windows.net``, or a container of the account that the
        environment names.
    query : str
        The option ``endpoint_override``, as of an emulator.

    Raises
    ------
    UsageError
        If no account is named, or there is no such option.
    InputError
        If the store does not answer, or nothing says who asks.
    """
    import pyarrow.fs as pa_fs

    options = checked_options("Azure", parse_qsl(query[1:]), ("endpoint_override",))
    who, at, host = authority.rpartition("@")
    container, _, secret = (who if at else authority).partition(":")
    account = host.partition(".")[0] if at else _said(_ACCOUNTS)
    if not account:
        raise UsageError(
            f"{safe(f'{scheme}://{container}', 300)} does not say in which account the container "
            "is.",
            f"Write {scheme}://{safe(container)}@ACCOUNT.dfs.core.windows.net/..., or set "
            "AZURE_STORAGE_ACCOUNT_NAME.",
        )
    chosen = _endpoint(options.get("endpoint_override", ""), host if at else "")
    demand_answer(_url(account, chosen))
    credentials = _credentials(secret)
    system = pa_fs.AzureFileSystem(account, **chosen, **credentials)
    # Where no credentials are found, pyarrow raises here, and ends the process elsewhere.
    system.get_file_info(f"{container}/_")
    return system, container


def _said(names: tuple[str, ...]) -> str:
    return next(filter(None, map(os.environ.get, names)), "")


def _credentials(secret: str) -> dict[str, str]:
    """Return a key or token; without one, Azure's libraries look for who asks."""
    key = unquote(secret) or _said(_KEYS)
    if key:
        return {"account_key": key}
    token = _said(_TOKENS)
    return {"sas_token": token if token.startswith("?") else f"?{token}"} if token else {}


def _endpoint(override: str, host: str) -> dict[str, Any]:
    """Return the servers to ask; nothing for those of Azure itself."""
    if override:
        scheme, mark, place = override.partition("://")
        scheme, place = (scheme, place) if mark else ("https", override)
        place = place.rstrip("/")
        return {
            "blob_storage_authority": place,
            "blob_storage_scheme": scheme,
            "dfs_storage_authority": place,
            "dfs_storage_scheme": scheme,
        }
    _, dot, domain = host.partition(".")
    kind, _, rest = domain.partition(".")
    if not dot or rest == _AZURE or kind not in ("dfs", "blob"):
        return {}
    return {"blob_storage_authority": f".blob.{rest}", "dfs_storage_authority": f".dfs.{rest}"}


def _url(account: str, chosen: dict[str, Any]) -> str:
    place = str(chosen.get("blob_storage_authority", f".blob.{_AZURE}"))
    host = f"{account}{place}" if place.startswith(".") else place
    return f"{chosen.get('blob_storage_scheme', 'https')}://{host}/"
