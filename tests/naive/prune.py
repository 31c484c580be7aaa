"""Slow, obvious twins of ``labelaudit.kernels.prune``.

A heap is kept as any arrangement with the greatest pair on top; the twins sort.
"""

import itertools

import numpy as np


def _sorted(keys, rows, start, size, more=()):
    pairs = sorted(
        [*zip(keys[start : start + size], rows[start : start + size], strict=True), *more]
    )
    pairs = pairs[:size][::-1]
    keys[start : start + size] = [key for key, _ in pairs]
    rows[start : start + size] = [row for _, row in pairs]


def sift_down(keys, rows, start, size):
    _sorted(keys, rows, start, size)


def push(keys, rows, start, size, key, row):
    _sorted(keys, rows, start, size, [(key, row)])


def bounds(given_start, heap_start, keys):
    return np.array(
        [
            max((keys[heap_start[cell]] for cell in range(low, high)), default=-np.inf)
            for low, high in itertools.pairwise(given_start)
        ]
    )


def _take(pairs_of, given_start, other, heap_start, keys, rows):
    for given in range(len(given_start) - 1):
        for cell in range(given_start[given], given_start[given + 1]):
            start, end = heap_start[cell], heap_start[cell + 1]
            _sorted(keys, rows, start, end - start, pairs_of(given, other[cell]))


def leading_margins(
    labels, given, classes, leading, first_row, wanted, given_start, other, heap_start, keys, rows
):
    def pairs_of(k, j):
        return [
            (np.float64(given[i] - leading[i, place]), first_row + i)
            for i in np.flatnonzero((labels == k) & wanted)
            for place in range(3)
            if classes[i, place] == j
        ]

    _take(pairs_of, given_start, other, heap_start, keys, rows)


def lowest_margins(labels, probs, first_row, wanted, given_start, other, heap_start, keys, rows):
    def pairs_of(k, j):
        return [
            (np.float64(probs[i, k] - probs[i, j]), first_row + i)
            for i in np.flatnonzero((labels == k) & wanted)
        ]

    _take(pairs_of, given_start, other, heap_start, keys, rows)


def merge_heaps(heap_start, keys, rows, more_keys, more_rows):
    for start, end in itertools.pairwise(heap_start):
        more = zip(more_keys[start:end], more_rows[start:end], strict=True)
        _sorted(keys, rows, start, end - start, more)


def unsettled_rows(labels, given, leading, bound):
    pairs = zip(labels, given - leading[:, 2], strict=True)
    return np.array([y >= 0 and margin <= bound[y] for y, margin in pairs], bool)


def place_of(values, value, low, high):
    return next((i for i in range(low, high) if values[i] == value), -1)
