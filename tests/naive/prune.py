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


def lowest_margins(labels, probs, first_row, given_start, other, heap_start, keys, rows):
    for given in range(len(given_start) - 1):
        for cell in range(given_start[given], given_start[given + 1]):
            pairs = [
                (np.float64(row[given] - row[other[cell]]), first_row + i)
                for i, (label, row) in enumerate(zip(labels, probs, strict=True))
                if label == given
            ]
            start, end = heap_start[cell], heap_start[cell + 1]
            _sorted(keys, rows, start, end - start, pairs)


def merge_heaps(heap_start, keys, rows, more_keys, more_rows):
    for start, end in itertools.pairwise(heap_start):
        more = zip(more_keys[start:end], more_rows[start:end], strict=True)
        _sorted(keys, rows, start, end - start, more)
