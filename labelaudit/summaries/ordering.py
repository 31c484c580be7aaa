"""The order of values, ties in row order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["grouped_order", "stable_order"]

FEW_GROUPS = 2**15
_SIGN = np.uint32(1 << 31)


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
    # Value and place in one whole number: sorting these takes half the time. The bits of
    # floats are in the order of their values, those of negative ones the other way round.
    bits = (values + np.float32(0.0)).view(np.uint32)
    bits ^= np.where(bits & _SIGN, ~np.uint32(0), _SIGN)
    keys = (bits.astype(np.uint64) << np.uint64(32)) | np.arange(len(values), dtype=np.uint64)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)


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
    order, most = stable_order(values), int(groups.max(initial=0))
    if most == 0:
        return order
    # Small whole numbers are sorted by their digits, which takes no comparison.
    narrow = groups.astype(np.int16) if most < FEW_GROUPS else groups
    return order[np.argsort(narrow[order], kind="stable")]
