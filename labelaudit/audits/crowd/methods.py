"""Every aggregation method by its name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from labelaudit.errors import UsageError

if TYPE_CHECKING:
    from labelaudit.audits.crowd.posterior import CrowdMethod

__all__ = ["METHODS", "method"]

METHODS = {
    "auto": ("auto", "auto"),
    "dawid-skene": ("dawid_skene", "dawid_skene"),
    "ebcc": ("ebcc", "ebcc"),
    "glad": ("glad", "glad"),
    "hierarchical-dawid-skene": ("hierarchical", "hierarchical_dawid_skene"),
    "kos": ("kos", "kos"),
    "mace": ("mace", "mace"),
    "majority": ("majority", "majority"),
    "mmsr": ("mmsr", "mmsr"),
    "one-coin": ("one_coin", "one_coin"),
    "super-majority": ("majority", "super_majority"),
    "top-two": ("top_two", "top_two"),
    "unanimous": ("majority", "unanimous"),
    "wawa": ("skill", "wawa"),
    "zbs": ("skill", "zbs"),
}
"""Name of each method: (module beside this one, function). Loaded when asked for."""


def method(name: str) -> CrowdMethod:
    """Return the function behind a method's name.

    Raises
    ------
    UsageError
        If there is no such method.
    """
    if name not in METHODS:
        raise UsageError(
            f"There is no aggregation method '{name}'.", f"Choose one of: {', '.join(METHODS)}."
        )
    module, function = METHODS[name]
    found: CrowdMethod = getattr(import_module(f"labelaudit.audits.crowd.{module}"), function)
    return found
