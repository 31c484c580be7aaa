"""Gamma functions for variational bounds, without the cost of importing scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["gamma_logs"]


@kernel
def gamma_logs(
    x: npt.NDArray[np.float64],
    digamma: npt.NDArray[np.float64],
    log_gamma: npt.NDArray[np.float64],
) -> None:
    """Fill in digamma and log-gamma of positive numbers, from Stirling's series beyond 8."""
    for i in range(len(x)):
        y, product, harmonic = x[i], 1.0, 0.0
        while y < 8.0:
            product *= y
            harmonic += 1.0 / y
            y += 1.0
        inverse = 1.0 / y
        square = inverse * inverse
        log_y = np.log(y)
        digamma[i] = (
            log_y
            - 0.5 * inverse
            - harmonic
            - square
            * (
                1 / 12
                - square
                * (
                    1 / 120
                    - square
                    * (1 / 252 - square * (1 / 240 - square * (1 / 132 - square * 691 / 32760)))
                )
            )
        )
        log_gamma[i] = (
            (y - 0.5) * log_y
            - y
            + 0.9189385332046727
            - np.log(product)
            + inverse
            * (
                1 / 12
                - square
                * (
                    1 / 360
                    - square
                    * (1 / 1260 - square * (1 / 1680 - square * (1 / 1188 - square * 691 / 360360)))
                )
            )
        )
