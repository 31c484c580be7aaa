"""Which tasks and annotators hang together through votes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["component_roots"]


@kernel
def _root(parent: npt.NDArray[np.int64], node: int) -> int:
    """Follow parents to the root, halving the path on the way."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@kernel
def component_roots(
    start: npt.NDArray[np.int64], worker: npt.NDArray[np.int32], n_workers: int
) -> npt.NDArray[np.int64]:
    """Return the component of each annotator, (W,): its annotator of lowest code.

    Tasks join their annotators, so a task's component is that of any of its votes.
    """
    parent = np.arange(n_workers)
    for i in range(start.shape[0] - 1):
        for v in range(start[i] + 1, start[i + 1]):
            a, b = _root(parent, worker[v - 1]), _root(parent, worker[v])
            parent[max(a, b)] = min(a, b)
    for w in range(n_workers):
        parent[w] = _root(parent, w)
    return parent
