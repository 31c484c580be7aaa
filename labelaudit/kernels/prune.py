"""The n lowest keys of many cells at once, in one reading of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "bounds",
    "leading_margins",
    "lowest_margins",
    "merge_heaps",
    "place_of",
    "push",
    "sift_down",
    "unsettled_rows",
]


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
def leading_margins(
    labels: npt.NDArray[np.int32],
    given: npt.NDArray[np.floating],
    classes: npt.NDArray[np.signedinteger],
    leading: npt.NDArray[np.floating],
    first_row: int,
    wanted: npt.NDArray[np.bool_],
    given_start: npt.NDArray[np.int64],
    other: npt.NDArray[np.int32],
    heap_start: npt.NDArray[np.int64],
    keys: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int64],
) -> None:
    """Take the leading classes of rows into the heaps of the rows with the lowest margins.

    Parameters
    ----------
    labels : (n,) int32
        Rows with a negative label are left out.
    given : (n,) float
        Probability of the given label.
    classes, leading : (n, 3)
        From ``leading_classes``.
    first_row : int
        Row in the whole input of the first of these.
    wanted : (n,) bool
        Rows to take.
    given_start, other, heap_start, keys, rows
        As in ``lowest_margins``.
    """
    # Contradicted rows first: they fill the heaps with margins that the others do not beat.
    for sweep in range(2):
        bound = bounds(given_start, heap_start, keys)
        for i in range(len(labels)):
            y = labels[i]
            if y < 0 or not wanted[i] or (classes[i, 0] == y) == (sweep == 0):
                continue
            for place in range(3):
                k = classes[i, place]
                margin = np.float64(given[i] - leading[i, place])
                if k < 0 or margin > bound[y]:
                    break
                cell = place_of(other, k, given_start[y], given_start[y + 1])
                if cell >= 0:
                    start = heap_start[cell]
                    push(keys, rows, start, heap_start[cell + 1] - start, margin, first_row + i)


@kernel
def place_of(values: npt.NDArray[np.int32], value: int, low: int, high: int) -> int:
    """Find a value among ascending ones by halving; numba's own search compiles for a second.

    Parameters
    ----------
    values : (n,) int32
        Ascending from ``low`` to ``high``, the end not included.
    value, low, high : int

    Returns
    -------
    int
        Its place, or -1.
    """
    end = high
    while low < high:
        middle = (low + high) // 2
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low if low < end and values[low] == value else -1


@kernel
def bounds(
    given_start: npt.NDArray[np.int64],
    heap_start: npt.NDArray[np.int64],
    keys: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """(K,) float64: the greatest margin that any heap of each given class would still take."""
    n_classes = len(given_start) - 1
    result = np.full(n_classes, -np.inf)
    for k in range(n_classes):
        for cell in range(given_start[k], given_start[k + 1]):
            result[k] = max(result[k], keys[heap_start[cell]])
    return result


@kernel
def unsettled_rows(
    labels: npt.NDArray[np.int32],
    given: npt.NDArray[np.floating],
    leading: npt.NDArray[np.floating],
    bound: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    """Find rows whose further classes might have a margin that belongs in a heap.

    Any further class has at most the probability of the third.

    Parameters
    ----------
    labels : (n,) int32
    given : (n,) float
    leading : (n, 3) float
    bound : (K,) float64
        From ``bounds``.

    Returns
    -------
    (n,) bool
    """
    result = np.zeros(len(labels), np.bool_)
    for i in range(len(labels)):
        if labels[i] >= 0:
            result[i] = np.float64(given[i] - leading[i, 2]) <= bound[labels[i]]
    return result


@kernel
def lowest_margins(
    labels: npt.NDArray[np.int32],
    probs: npt.NDArray[np.floating],
    first_row: int,
    wanted: npt.NDArray[np.bool_],
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
    wanted : (n,) bool
        Rows to take.
    given_start : (K + 1,) int64
        Cells of given class k are ``given_start[k]:given_start[k + 1]``.
    other : (C,) int32
        The other class of each cell, ascending for each given class.
    heap_start : (C + 1,) int64
    keys : (m,) float64, changed in place
    rows : (m,) int64, changed in place
    """
    for i in range(len(labels)):
        y = labels[i]
        if y >= 0 and wanted[i]:
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
