"""Comparisons of whole and decimal numbers with any number, without rounding."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Context, Decimal

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

__all__ = ["exact_comparison", "is_exact"]

_DIGITS = Context(prec=200)
_BEYOND = {True: ("<", "<=", "!="), False: (">", ">=", "!=")}


def is_exact(kind: pa.DataType) -> bool:
    """Say whether values of a type are whole or decimal numbers."""
    return bool(pt.is_integer(kind) or pt.is_decimal(kind))


def exact_comparison(
    kind: pa.DataType, sign: str, number: int | Decimal
) -> tuple[str, int | Decimal] | bool:
    """Put a comparison to values of a type in terms of a number that is of this type.

    Parameters
    ----------
    kind : pyarrow.DataType
        Of the column: whole numbers (then so is ``number``), or decimal ones.
    sign : str
        ``=``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``.
    number : int or Decimal

    Returns
    -------
    (str, int or Decimal) or bool
        A sign and a number of the type with the same answer for every value of it; or what holds
        for all values, where no value is equal to the number.
    """
    low, high = _limits(kind)
    if not low <= number <= high:
        return sign in _BEYOND[number > high]
    if pt.is_integer(kind):
        return sign, number
    unit = Decimal((0, (1,), -kind.scale))
    below = Decimal(number).quantize(unit, ROUND_FLOOR, _DIGITS)
    if below == number:
        return sign, below
    if sign in ("=", "!="):
        return sign == "!="
    return ("<=" if sign in ("<", "<=") else ">"), below


def _limits(kind: pa.DataType) -> tuple[int | Decimal, int | Decimal]:
    if pt.is_integer(kind):
        known = np.iinfo(kind.to_pandas_dtype())
        return int(known.min), int(known.max)
    nines = (9,) * kind.precision
    return Decimal((1, nines, -kind.scale)), Decimal((0, nines, -kind.scale))
