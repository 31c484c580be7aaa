"""The n lowest keys of many cells at once, in one reading of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["lowest_margins", "merge_heaps", "push", "sift_down"]


@kernel
def sift_down(
    keys: npt.NDArray[np.float64], rows: npt.NDArray[np.int64], start: int, size: int
) -> None:
    """Restore a binary heap with the greatest (key, row) on top after its top was replaced.

    Parameters
    ----------
    keys : (m,) float64, changed in place
    rows : (m,) int64, changed in place
    start, size : int
        The heap is ``start:start + size``.
    """
    parent = 0
    key, row = keys[start], rows[start]
    while True:
        child = 2 * parent + 1
        if child >= size:
            break
        right = start + child + 1
        if child + 1 < size and (
            keys[right] > keys[right - 1]
            or (keys[right] == keys[right - 1] and rows[right] > rows[right - 1])
        ):
            child += 1
        at = start + child
        if keys[at] < key or (keys[at] == key and rows[at] <= row):
            break
        keys[start + parent], rows[start + parent] = keys[at], rows[at]
        parent = child
    keys[start + parent], rows[start + parent] = key, row


@kernel
def push(
    keys: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int64],
    start: int,
    size: int,
    key: float,
    row: int,
) -> None:
    """Put (key, row) into a full heap of the lowest pairs, if it is lower than the greatest.

    Parameters
    ----------
    keys : (m,) float64, changed in place
    rows : (m,) int64, changed in place
    start, size : int
        The heap is ``start:start + size``.
    key, row : float, int
    """
    if key < keys[start] or (key == keys[start] and row < rows[start]):
        keys[start], rows[start] = key, row
        sift_down(keys, rows, start, size)


@kernel
def lowest_margins(
    labels: npt.NDArray[np.int32],
    probs: npt.NDArray[np.floating],
    first_row: int,
    given_start: npt.NDArray[np.int64],
    other: npt.NDArray[np.int32],
    heap_start: npt.NDArray[np.int64],
    keys: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int64],
) -> None:
    """Take a block into the heaps of the rows with the lowest P(given) - P(other).

    Cell c asks for the ``heap_start[c + 1] - heap_start[c]`` lowest of (margin, row) among rows
    of its given class. Heaps start full of (inf, 2**63 - 1).

    Parameters
    ----------
    labels : (n,) int32
        Rows with a negative label are left out.
    probs : (n, K) float
    first_row : int
        Row in the whole input of the block's first row.
    given_start : (K + 1,) int64
        Cells of given class k are ``given_start[k]:given_start[k + 1]``.
    other : (C,) int32
        The other class of each cell.
    heap_start : (C + 1,) int64
    keys : (m,) float64, changed in place
    rows : (m,) int64, changed in place
    """
    for i in range(len(labels)):
        y = labels[i]
        if y >= 0:
            given = probs[i, y]
            for cell in range(given_start[y], given_start[y + 1]):
                margin = np.float64(given - probs[i, other[cell]])
                start = heap_start[cell]
                if margin <= keys[start]:
                    size = heap_start[cell + 1] - start
                    push(keys, rows, start, size, margin, first_row + i)


@kernel
def merge_heaps(
    heap_start: npt.NDArray[np.int64],
    keys: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int64],
    more_keys: npt.NDArray[np.float64],
    more_rows: npt.NDArray[np.int64],
) -> None:
    """Take the heaps of other rows into the heaps of these.

    Parameters
    ----------
    heap_start : (C + 1,) int64
    keys, more_keys : (m,) float64, the first changed in place
    rows, more_rows : (m,) int64, the first changed in place
    """
    for cell in range(len(heap_start) - 1):
        start, end = heap_start[cell], heap_start[cell + 1]
        for at in range(start, end):
            push(keys, rows, start, end - start, more_keys[at], more_rows[at])
