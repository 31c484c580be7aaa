"""What goes wrong while something far away is read, in fewer words than the libraries have."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from labelaudit.errors import InputError, LabelauditError
from labelaudit.tables.boundary import reading
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["far_failure", "far_reading", "status_of"]

_REMEDY = "Check the address, the network and your credentials."
_NETWORK = re.compile(
    r"(?:NETWORK_CONNECTION|CURL error|curlCode).*?(?:\d+\]?[,=]\s*)([^;.{]+)"
    r"|Fail to get a new connection for: \S+ ([^;.{]+)"
)
_DENIED = re.compile(
    "ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|INVALID_CLIENT_TOKEN|"
    "Permission denied|AuthorizationFailure|AuthenticationFailed|PermissionDenied|Unauthenticated|"
    "(?:HTTP|status)[^0-9]{0,20}40[13]"
)
_NOBODY = re.compile("OAuth2 access token|AuthenticationException|default credentials")


def status_of(error: BaseException) -> int | None:
    """Return the status that a server answered with, where a library tells it."""
    response = getattr(error, "response", None)
    found = getattr(error, "status", None) or getattr(response, "status_code", None)
    return found if isinstance(found, int) else None


def far_failure(name: str, error: BaseException) -> InputError | None:
    """Return what most often goes wrong far away as an error of ours; None if it is something else.

    Parameters
    ----------
    name : str
        What was read, fit to be shown.
    error : BaseException
        From any library; what caused it is looked at too.
    """
    for each in _with_causes(error):
        found = _denied(name, each) or _unreachable(name, each)
        if found is not None:
            return found
    return None


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def _denied(name: str, error: BaseException) -> InputError | None:
    text = str(error)
    # An error of the file system here says so as an exception of its own.
    if status_of(error) in (401, 403) or _DENIED.search(text):
        return InputError(
            f"{name} cannot be read: access denied.",
            "Check your credentials and that they may read it.",
        )
    if _NOBODY.search(text):
        return InputError(
            f"{name} cannot be read: nothing says who asks for it.",
            "Set the credentials of the store in the environment.",
        )
    return None


def _unreachable(name: str, error: BaseException) -> InputError | None:
    network = _NETWORK.search(str(error))
    if network is not None:
        said = safe((network[1] or network[2]).partition(" error_info")[0].strip())
    elif isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        said = "it does not answer"
    elif isinstance(error, ConnectionError) or "Connect" in type(error).__name__:
        said = "no connection to its server"
    else:
        return None
    return InputError(f"{name} cannot be reached: {said}.", "Check the address and the network.")


@contextmanager
def far_reading(name: str) -> Iterator[None]:
    """Turn whatever goes wrong while something far away is asked for into an ``InputError``.

    Parameters
    ----------
    name : str
        What is read, fit to be shown.
    """
    with reading(name, _REMEDY):
        try:
            yield
        except (LabelauditError, GeneratorExit):
            raise
        except Exception as error:
            told = far_failure(name, error)
            if told is None:
                raise
            raise told from error
