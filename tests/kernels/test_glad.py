"""GLAD's Newton steps equal their twins and never go down."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from labelaudit.kernels.glad import climb_ability, climb_ease
from tests.naive import glad as naive

GROUPS = st.lists(st.integers(0, 5), min_size=1, max_size=6)
SEEDS = st.integers(0, 2**32 - 1)


def drawn(
    sizes: list[int], seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], list[npt.NDArray[np.float64]]]:
    rng = np.random.default_rng(seed)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    other = rng.integers(0, 4, start[-1]).astype(np.int32)
    own = rng.normal(1.0, 1.0, len(sizes))
    return start, other, [rng.normal(1.0, 1.0, 4), rng.random(start[-1]), own]


@given(GROUPS, SEEDS)
def test_climb_ability(sizes: list[int], seed: int) -> None:
    start, task, (ease, credit, ability) = drawn(sizes, seed)
    slope = np.exp(ease)
    found = climb_ability(start, task, slope, credit, ability)
    np.testing.assert_allclose(
        found, naive.climb_ability(start, task, slope, credit, ability), rtol=1e-9, atol=1e-9
    )
    for w, (a, b) in enumerate(itertools.pairwise(start)):
        votes = slope[task[a:b]], credit[a:b]
        before = naive.ability_value(float(ability[w]), *votes)
        assert naive.ability_value(float(found[w]), *votes) >= before - 1e-9


@given(GROUPS, SEEDS)
def test_climb_ease(sizes: list[int], seed: int) -> None:
    start, worker, (ability, credit, ease) = drawn(sizes, seed)
    found, level = climb_ease(start, worker, ability, credit, ease)
    expected, expected_level = naive.climb_ease(start, worker, ability, credit, ease)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(level, expected_level, rtol=1e-9, atol=1e-9)
    for i, (a, b) in enumerate(itertools.pairwise(start)):
        votes = ability[worker[a:b]], credit[a:b]
        before = naive.ease_value(float(ease[i]), *votes)
        assert naive.ease_value(float(found[i]), *votes) >= before - 1e-9
