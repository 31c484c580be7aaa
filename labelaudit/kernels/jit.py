"""How every kernel is compiled: one decorator, so that the choice is made once."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["kernel"]

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def _hidden(*modules: str) -> Iterator[None]:
    """Let the import of these modules fail, where they have not been imported yet."""
    absent = [name for name in modules if name not in sys.modules]
    modules_or_none: dict[str, Any] = sys.modules  # None is what hides one
    modules_or_none.update(dict.fromkeys(absent))
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


# numba imports scipy to offer matrix products inside kernels, coverage to report on compiled
# lines, cffi to call functions of its, and yaml for settings of its own. No kernel of ours needs
# any, and they are 0.4 of the 1.2 seconds that numba takes until its first cached kernel runs.
with _hidden("scipy", "scipy.linalg", "coverage", "cffi", "yaml"):
    import numba
    import numba.core.typing.cffi_utils
    import numba.np.arraymath


def _cache_is_writable() -> bool:
    """Say whether numba will find a folder for its cache beside this file or in the home.

    Without one, ``cache=True`` raises at import time, so kernels are then compiled anew.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    beside = Path(__file__).parent
    candidates = [Path(chosen)] if chosen else [beside / "__pycache__", beside, Path.home()]
    return any(os.access(folder, os.W_OK | os.X_OK) for folder in candidates if folder.is_dir())


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop over arrays with numba.

    ``nogil`` because threads live outside the kernels. Neither ``fastmath`` (it deletes
    ``isnan``) nor ``parallel`` (its sums depend on the number of threads) may touch a result.
    Divisions by zero give infinity, as in numpy: looking out for them takes time to compile.
    """
    compiled: Callable[P, R] = numba.njit(nogil=True, cache=_CACHE, error_model="numpy")(function)
    return compiled


_CACHE = _cache_is_writable()
