"""The order of values, ties in row order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["grouped_order", "label_order", "order_around", "stable_order", "values_at"]

FEW_GROUPS = 2**15
_SIGN = np.uint32(1 << 31)
_HALF = np.uint64(32)


def stable_order(values: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """Return the places of ascending values, of equal ones the first first.

    Parameters
    ----------
    values : (n,) float
        None of them NaN.

    Returns
    -------
    (n,) int64
    """
    if values.dtype != np.float32 or len(values) >= 2**32:
        return np.argsort(values, kind="stable")
    # Value and place in one whole number: sorting these takes half the time.
    keys = _ascending_bits(values).astype(np.uint64) << _HALF
    keys |= np.arange(len(values), dtype=np.uint64)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _ascending_bits(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
    """Return whole numbers that are in the order of the values.

    The bits of floats are, those of negative ones the other way round.
    """
    bits = (values + np.float32(0.0)).view(np.uint32)
    bits ^= np.where(bits & _SIGN, ~np.uint32(0), _SIGN)
    return bits


def label_order(labels: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.intp]:
    """Return the places of ascending whole numbers from 0, of equal ones the first first.

    Parameters
    ----------
    labels : (n,) int

    Returns
    -------
    (n,) int64
    """
    # Small whole numbers are sorted by their digits, which takes no comparison.
    narrow = labels.astype(np.int16) if labels.max(initial=0) < FEW_GROUPS else labels
    return np.argsort(narrow, kind="stable")


def grouped_order(
    groups: npt.NDArray[np.signedinteger], values: npt.NDArray[np.floating]
) -> npt.NDArray[np.int64]:
    """Return the places by group and value, of equal ones the first first.

    Parameters
    ----------
    groups : (n,) int
        From 0.
    values : (n,) float
        None of them NaN.

    Returns
    -------
    (n,) int64
    """
    most, n, values = int(groups.max(initial=0)), len(values), _single(values)
    spare = 32 - n.bit_length() - most.bit_length()
    if values.dtype == np.float32 and spare >= 0:
        # Group, value and place in one whole number.
        keys = groups.astype(np.uint64) << _HALF
        keys |= _ascending_bits(values)
        keys <<= np.uint64(n.bit_length())
        keys |= np.arange(n, dtype=np.uint64)
        keys.sort()
        return (keys & np.uint64((1 << n.bit_length()) - 1)).astype(np.int64)
    order = stable_order(values)
    if most == 0:
        return order
    return order[label_order(groups[order])]


def order_around(values: npt.NDArray[np.floating], place: int) -> npt.NDArray[np.int64]:
    """Return places such that one value stands where it would if they were sorted.

    Lower values come before it, higher ones behind it; equal ones beside it, the first first.

    Parameters
    ----------
    values : (n,) float
        None of them NaN.
    place : int
        In 0..n-1.

    Returns
    -------
    (n,) int64
    """
    value = np.partition(values, place)[place]
    sides = (values < value, values == value, values > value)
    return np.concatenate([np.flatnonzero(side) for side in sides])


def values_at(
    groups: npt.NDArray[np.signedinteger],
    values: npt.NDArray[np.floating],
    places: npt.NDArray[np.int64],
) -> npt.NDArray[np.floating]:
    """Return values by their places among all, sorted by group and value.

    Parameters
    ----------
    groups : (n,) int
        From 0.
    values : (n,) float
        None of them NaN.
    places : (m,) int64

    Returns
    -------
    (m,) float
    """
    if not len(places):
        return values[:0]
    if not groups.any():
        return np.partition(values, np.unique(places))[places]
    values = _single(values)
    if values.dtype != np.float32:
        return values[grouped_order(groups, values)[places]]
    keys = groups.astype(np.uint64) << _HALF
    keys |= _ascending_bits(values)
    keys.sort()
    bits = keys[places].astype(np.uint32)
    bits ^= np.where(bits & _SIGN, _SIGN, ~np.uint32(0))
    return bits.view(np.float32)


def _single(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return values in single precision if they all are."""
    if values.dtype == np.float32:
        return values
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    return single if np.array_equal(single, values) else values
