"""One safeguarded Newton step for GLAD's abilities and for its tasks' ease.

A vote is right with probability sigmoid(s), s = ability * exp(ease); what is climbed is the sum of
c s - log(1 + exp(s)) over votes, c the posterior of the vote's label, plus the N(1, 1) prior.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["climb_ability", "climb_ease"]

HALVINGS = 12


@kernel
def climb_ability(
    start: npt.NDArray[np.int64],
    task: npt.NDArray[np.int32],
    slope: npt.NDArray[np.float64],
    credit: npt.NDArray[np.float64],
    ability: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return (W,) abilities; `slope` = exp(ease) by task, votes and `credit` by annotator."""
    out = ability.copy()
    for w in range(start.shape[0] - 1):
        value = -0.5 * (ability[w] - 1.0) ** 2
        gradient = 1.0 - ability[w]
        curvature = 1.0
        for v in range(start[w], start[w + 1]):
            x = slope[task[v]]
            s = ability[w] * x
            tail = np.exp(-abs(s))
            right = (1.0 if s > 0 else tail) / (1.0 + tail)
            value += credit[v] * s - max(s, 0.0) - np.log1p(tail)
            gradient += (credit[v] - right) * x
            curvature += right * (1.0 - right) * x * x
        step = gradient / curvature
        for _ in range(HALVINGS):
            trial = ability[w] + step
            reached = -0.5 * (trial - 1.0) ** 2
            for v in range(start[w], start[w + 1]):
                s = trial * slope[task[v]]
                reached += credit[v] * s - max(s, 0.0) - np.log1p(np.exp(-abs(s)))
            if reached >= value:
                out[w] = trial
                break
            step *= 0.5
    return out


@kernel
def climb_ease(
    start: npt.NDArray[np.int64],
    worker: npt.NDArray[np.int32],
    ability: npt.NDArray[np.float64],
    credit: npt.NDArray[np.float64],
    ease: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return (N,) ease and the sum over each task's votes of log(1 + exp(s)) there."""
    out = ease.copy()
    level = np.zeros(ease.shape[0])
    for i in range(start.shape[0] - 1):
        slope = np.exp(ease[i])
        linear = 0.0
        gradient = 1.0 - ease[i]
        curvature = 1.0
        for v in range(start[i], start[i + 1]):
            s = ability[worker[v]] * slope
            tail = np.exp(-abs(s))
            right = (1.0 if s > 0 else tail) / (1.0 + tail)
            level[i] += max(s, 0.0) + np.log1p(tail)
            linear += credit[v] * s
            gradient += (credit[v] - right) * s
            curvature += right * (1.0 - right) * s * s
        value = linear - level[i] - 0.5 * (ease[i] - 1.0) ** 2
        step = min(max(gradient / curvature, -1.0), 1.0)
        for _ in range(HALVINGS):
            trial = ease[i] + step
            stretch = np.exp(trial)
            softplus = 0.0
            for v in range(start[i], start[i + 1]):
                s = ability[worker[v]] * stretch
                softplus += max(s, 0.0) + np.log1p(np.exp(-abs(s)))
            if linear * (stretch / slope) - softplus - 0.5 * (trial - 1.0) ** 2 >= value:
                out[i] = trial
                level[i] = softplus
                break
            step *= 0.5
    return out, level
