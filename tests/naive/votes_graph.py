"""Slow, obvious twin of the kernel that finds components."""

from __future__ import annotations

import numpy as np

__all__ = ["component_roots"]


def component_roots(start, worker, n_workers):
    root = np.arange(n_workers)
    moved = True
    while moved:
        before = root.copy()
        for i in range(len(start) - 1):
            together = worker[start[i] : start[i + 1]]
            if len(together):
                root[together] = root[together].min()
        moved = bool((before != root).any())
    return root
