"""Twins of GLAD's Newton steps: derivatives by formula, one group at a time in plain numpy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

Ints = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


def ability_value(at: float, x: Floats, credit: Floats) -> float:
    s = at * x
    return float((credit * s - np.logaddexp(0.0, s)).sum() - 0.5 * (at - 1.0) ** 2)


def ease_value(at: float, a: Floats, credit: Floats) -> float:
    s = a * np.exp(at)
    return float((credit * s - np.logaddexp(0.0, s)).sum() - 0.5 * (at - 1.0) ** 2)


def climb_ability(
    start: Ints, task: Ints, slope: Floats, credit: Floats, ability: Floats
) -> Floats:
    out = ability.copy()
    for w, (a, b) in enumerate(itertools.pairwise(start)):
        x, c, old = slope[task[a:b]], credit[a:b], float(ability[w])
        right = expit(old * x)
        step = ((c - right) @ x + 1.0 - old) / ((right * (1 - right) * x * x).sum() + 1.0)
        for trial in (old + step / 2.0**halving for halving in range(12)):
            if ability_value(trial, x, c) >= ability_value(old, x, c):
                out[w] = trial
                break
    return out


def climb_ease(
    start: Ints, worker: Ints, ability: Floats, credit: Floats, ease: Floats
) -> tuple[Floats, Floats]:
    out, level = ease.copy(), np.zeros(len(ease))
    for i, (a, b) in enumerate(itertools.pairwise(start)):
        x, c, old = ability[worker[a:b]], credit[a:b], float(ease[i])
        s = x * np.exp(old)
        right = expit(s)
        step = ((c - right) @ s + 1.0 - old) / ((right * (1 - right) * s * s).sum() + 1.0)
        for trial in (old + np.clip(step, -1, 1) / 2.0**halving for halving in range(12)):
            if ease_value(trial, x, c) >= ease_value(old, x, c):
                out[i] = trial
                break
        level[i] = np.logaddexp(0.0, x * np.exp(out[i])).sum()
    return out, level
