"""Certificates for a scheduler that speaks TLS, as dask is told of them."""

from __future__ import annotations

from typing import Any

from labelaudit.errors import EnvironmentalError, UsageError
from labelaudit.wording import safe

__all__ = ["connection_arguments", "encrypted"]

_TLS = ("tls://", "wss://")
_REMEDY = (
    "Name the files of the authority, the certificate and the key for dask: "
    "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and "
    "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY."
)


def encrypted(address: str) -> bool:
    """Say whether an address asks for encryption."""
    return address.startswith(_TLS)


def connection_arguments(address: str) -> dict[str, Any]:
    """Return what a connection to a scheduler takes: certificates, where it is encrypted.

    Raises
    ------
    UsageError
        If the address asks for encryption, and dask is told of no certificates.
    EnvironmentalError
        If they cannot be read.
    """
    from distributed.security import Security

    try:
        found: dict[str, Any] = Security().get_connection_args("client")
    except (OSError, ValueError) as error:
        raise EnvironmentalError(
            f"The certificates that dask is told of cannot be read: {safe(error, 200)}.", _REMEDY
        ) from error
    if encrypted(address) and found.get("ssl_context") is None:
        raise UsageError(
            f"{safe(address)} is encrypted, and dask is told of no certificates.", _REMEDY
        )
    return found
