"""Every aggregation method by its name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from labelaudit.audits.crowd.fitting import CrowdFit
from labelaudit.errors import UsageError

if TYPE_CHECKING:
    from labelaudit.audits.crowd.crowd import Crowd
    from labelaudit.audits.crowd.fitting import Fit
    from labelaudit.audits.crowd.posterior import CrowdMethod

__all__ = ["FITS", "METHODS", "fitted", "method"]

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


FITS = {
    "auto": ("auto", "fit"),
    "dawid-skene": ("dawid_skene", "fit"),
    "ebcc": ("ebcc", "fit"),
    "hierarchical-dawid-skene": ("hierarchical", "fit"),
    "mace": ("mace", "fit"),
    "majority": ("majority", "fit"),
    "one-coin": ("one_coin", "fit"),
    "super-majority": ("majority", "fit_super_majority"),
    "unanimous": ("majority", "fit_unanimous"),
    "wawa": ("skill", "fit_wawa"),
    "zbs": ("skill", "fit_zbs"),
}
"""Of the methods, those that pass over shards of the votes; the others hold all of them."""


def fitted(name: str, crowd: Crowd, seed: int) -> CrowdFit:
    """Aggregate by the method of that name.

    Methods that need all votes at once are given them.
    """
    if name not in FITS:
        return CrowdFit.spread(crowd, method(name)(crowd.block(), seed=seed, on=crowd.threads))
    module, function = FITS[name]
    fit: Fit = getattr(import_module(f"labelaudit.audits.crowd.{module}"), function)
    return fit(crowd, seed)


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
