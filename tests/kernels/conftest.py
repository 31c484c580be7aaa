"""Kernels run with the compiler on and off; both ways they treat infinities alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _silent_as_compiled() -> Iterator[None]:
    """Compiled loops do not warn of inf - inf, numpy's scalars do."""
    with np.errstate(all="ignore"):
        yield
