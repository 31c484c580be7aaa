"""Hypothesis strategies: small label tables, and ways to cut them up."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from labelaudit.blocks import LabelBlock

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Rows", "blocks_of", "cuts", "label_tables", "probabilities"]


@dataclass(frozen=True)
class Rows:
    """A partition in memory, made of ready blocks."""

    parts: tuple[LabelBlock, ...]

    @property
    def first_row(self) -> int:
        return self.parts[0].first_row if self.parts else 0

    def blocks(self) -> Iterator[LabelBlock]:
        yield from self.parts


@st.composite
def probabilities(draw, n, n_classes, dtype=None):
    """(n, K) distributions; coarse on purpose, so that ties are common."""
    chosen = dtype or draw(st.sampled_from([np.float32, np.float64]))
    weights = draw(
        st.lists(
            st.lists(st.integers(0, 8), min_size=n_classes, max_size=n_classes),
            min_size=n,
            max_size=n,
        )
    )
    table = np.array(weights, float).reshape(n, n_classes) + 1e-3
    return np.ascontiguousarray((table / table.sum(axis=1, keepdims=True)).astype(chosen))


@st.composite
def label_tables(draw, most_rows=24, most_classes=6, least_rows=1, left_out=True, least_classes=2):
    """Labels (some of them left out) and probabilities."""
    n = draw(st.integers(least_rows, most_rows))
    n_classes = draw(st.integers(least_classes, most_classes))
    lowest = -1 if left_out else 0
    labels = draw(
        st.lists(st.integers(lowest, n_classes - 1), min_size=n, max_size=n).map(
            lambda found: np.array(found, np.int32)
        )
    )
    return labels, draw(probabilities(n, n_classes))


@st.composite
def cuts(draw, n):
    """Places to cut n rows at: 0, some in between, n."""
    inner = draw(st.lists(st.integers(0, n), max_size=4))
    return sorted({0, n, *inner})


def blocks_of(labels, members, places):
    """Cut a table into partitions of one block each."""
    return tuple(
        Rows((LabelBlock(low, labels[low:high], tuple(m[low:high] for m in members)),))
        for low, high in itertools.pairwise(places)
    )
