"""Sums of fractions that do not depend on the order of addition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["LOW_BITS", "UNIT", "ExactSum"]

UNIT = 2.0**52
"""Numbers of at most about 1 are counted in units of 2**-52, the spacing of floats below 2."""

LOW_BITS = 26


@dataclass(frozen=True, slots=True)
class ExactSum:
    """Sums of numbers in [-2, 2], kept as integers: ``(high * 2**26 + low) / 2**52``.

    Floats added in another order give other bits; integers do not. Two int64 hold the sums of
    2**37 rows.

    Attributes
    ----------
    high, low : int64 arrays of one shape
        What kernels count: with ``q = rint(x * 2**52)``, ``high += q >> 26`` and
        ``low += q & (2**26 - 1)``.
    """

    high: npt.NDArray[np.int64]
    low: npt.NDArray[np.int64]

    @classmethod
    def of(cls, values: npt.NDArray[np.floating]) -> ExactSum:
        """Sum an array over its first axis."""
        units = np.rint(np.asarray(values, dtype=np.float64) * UNIT).astype(np.int64)
        low = units & ((1 << LOW_BITS) - 1)
        return cls(np.sum(units >> LOW_BITS, axis=0), np.sum(low, axis=0))

    def __add__(self, other: ExactSum) -> ExactSum:
        return ExactSum(self.high + other.high, self.low + other.low)

    def value(self) -> npt.NDArray[np.float64]:
        """Return the sums as floats, each rounded once."""
        units = self.high.astype(object) * (1 << LOW_BITS) + self.low.astype(object)
        return np.asarray(units / (1 << 52), dtype=np.float64)
