"""Twins of the gamma functions: scipy's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, psi

Floats = npt.NDArray[np.float64]


def gamma_logs(x: Floats, digamma: Floats, log_gamma: Floats) -> None:
    digamma[:], log_gamma[:] = psi(x), gammaln(x)
