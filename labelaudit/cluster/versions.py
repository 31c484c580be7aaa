"""What must be the same here and on every worker, so that results are."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from labelaudit.errors import EnvironmentalError
from labelaudit.wording import safe

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["demand_same_versions", "versions"]

_PACKAGES = ("numpy", "numba", "pyarrow")
_ABSENT = "none"


def versions() -> dict[str, str]:
    """Return the versions of what computes and of what carries the results."""
    python = ".".join(platform.python_version_tuple()[:2])
    found = {"labelaudit": _own(), "python": python}
    return found | {name: _version(name) for name in _PACKAGES}


def _own() -> str:
    """Return the version of the package, whose names this room may not import."""
    return str(vars(sys.modules["labelaudit"])["__version__"])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return _ABSENT


def demand_same_versions(client: Client) -> None:
    """Ask every worker for its versions.

    Raises
    ------
    EnvironmentalError
        If one has others than this process, or no labelaudit.
    """
    there: dict[str, Any] = client.run(versions, on_error="return")
    here = versions()
    for worker, found in sorted(there.items()):
        if isinstance(found, Exception):
            raise EnvironmentalError(
                f"The worker at {safe(worker)} cannot import labelaudit: {safe(found, 300)}.",
                f"Install it on every worker: pip install labelaudit=={_own()}.",
            )
        for name, wanted in here.items():
            if found.get(name, _ABSENT) != wanted:
                raise _differing(name, wanted, safe(worker), found.get(name, _ABSENT))


def _differing(name: str, here: str, worker: str, there: str) -> EnvironmentalError:
    remedy = f"pip install {name}=={here}" if name != "python" else f"Python {here}"
    return EnvironmentalError(
        f"Here is {name} {here}, and on the worker at {worker} is {safe(there)}.",
        f"Have the same on both, so that results are too: {remedy} on every worker, or the other "
        "way round.",
    )
