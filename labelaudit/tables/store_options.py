"""Options of addresses in object stores, and how long their servers are waited for."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from labelaudit.errors import InputError, UsageError
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["ATTEMPTS", "CONNECT_SECONDS", "STALL_SECONDS", "checked_options", "demand_answer"]

CONNECT_SECONDS = 5.0
STALL_SECONDS = 15.0
ATTEMPTS = 3


def checked_options(
    store: str, options: Iterable[tuple[str, str]], known: Sequence[str]
) -> dict[str, str]:
    """Return the options of an address.

    Parameters
    ----------
    store : str
        What a message calls the store.
    options : iterable of (str, str)
    known : sequence of str

    Raises
    ------
    UsageError
        If there is no such option.
    """
    found = dict(options)
    unknown = next((name for name in found if name not in known), None)
    if unknown is not None:
        near = get_close_matches(unknown, known, 1)
        listed = f"Options are {', '.join(known)}." if len(known) > 1 else f"It has {known[0]}."
        raise UsageError(
            f"An address in {store} has no option '{safe(unknown)}'.",
            f"Did you mean {near[0]}?" if near else listed,
        )
    return found


def demand_answer(url: str) -> None:
    """Ask once whether anybody answers, as pyarrow waits for minutes or for ever.

    What the answer is does not matter, nor why there is none: that is told by pyarrow.

    Raises
    ------
    InputError
        If a server is there and silent.
    """
    from urllib.error import URLError
    from urllib.request import Request, urlopen

    request = Request(url, method="HEAD")  # noqa: S310 - http or https
    try:
        urlopen(request, timeout=CONNECT_SECONDS).close()  # noqa: S310 - as above
    except (OSError, ValueError) as error:
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, TimeoutError):
            host = url.partition("://")[2].rstrip("/")
            raise InputError(
                f"{safe(host)} cannot be reached: it does not answer.",
                "Check the address and the network.",
            ) from error
