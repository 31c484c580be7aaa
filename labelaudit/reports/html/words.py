"""Sentences and marks that pages share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labelaudit.reports.layout import value_text
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Fact", "data_name", "fixed", "name_of", "wilson"]

_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Fact:
    """A number with its name, and what it is of.

    Attributes
    ----------
    name, value, more : str
    """

    name: str
    value: str
    more: str = ""


def wilson(share: float | None, rows: int) -> tuple[float, float, float] | None:
    """Return a share and its 95 % interval for chance (Wilson 1927); None where there is none."""
    if share is None or math.isnan(share) or rows <= 0:
        return None
    middle = share + _Z95**2 / (2 * rows)
    reach = _Z95 * math.sqrt(share * (1 - share) / rows + _Z95**2 / (4 * rows * rows))
    scale = 1 + _Z95**2 / rows
    return share, max((middle - reach) / scale, 0.0), min((middle + reach) / scale, 1.0)


def name_of(value: object, limit: int = 60) -> str:
    """Return a value from data, fit to be shown."""
    shown = value_text(value)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def data_name(files: Sequence[str]) -> str:
    """Name the data as a title does."""
    if not files:
        return "Data in memory"
    last = safe(files[0].rstrip("/").rsplit("/", 1)[-1], 60)
    return last if len(files) == 1 else f"{last} and {len(files) - 1:,} more"


def fixed(value: float | None, digits: int = 3) -> str:
    """Return a number with so many decimals, or a dash where there is none."""
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"
