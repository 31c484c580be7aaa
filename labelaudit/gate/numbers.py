"""Exact numbers in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelaudit.gate.metrics import Kind

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = ["number_text", "pair_text"]

_MOST_DECIMALS = 15


def number_text(value: Fraction, kind: Kind, decimals: int = 2) -> str:
    """Return a ratio in percent, anything else as it is, with at most so many decimals."""
    if kind is not Kind.RATIO:
        return _plain(value, decimals)
    return f"{_plain(100 * value, decimals)} %"


def pair_text(left: Fraction, right: Fraction, kind: Kind) -> tuple[str, str]:
    """Return both numbers with as many decimals as tell them apart, if they differ."""
    for decimals in range(2, _MOST_DECIMALS):
        pair = number_text(left, kind, decimals), number_text(right, kind, decimals)
        if left == right or pair[0] != pair[1]:
            return pair
    return f"{left} (exactly)", f"{right} (exactly)"


def _plain(value: Fraction, decimals: int) -> str:
    """Round half to even, with integers only: a float would turn 2.675 into 2.67."""
    scaled = round(value * 10**decimals)
    whole, part = divmod(abs(scaled), 10**decimals)
    sign = "-" if scaled < 0 else ""
    digits = f"{part:0{decimals}d}".rstrip("0")
    return f"{sign}{whole:,}{'.' + digits if digits else ''}"
