"""How often one annotator's votes meet and equal those of each other annotator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["keep_middle", "meet_others"]


@kernel
def meet_others(
    start: npt.NDArray[np.int64],
    worker: npt.NDArray[np.int32],
    label: npt.NDArray[np.int32],
    tasks: npt.NDArray[np.int32],
    labels: npt.NDArray[np.int32],
    place: npt.NDArray[np.int32],
    after: int,
    longest: int,
    shared: npt.NDArray[np.int64],
    agreed: npt.NDArray[np.int64],
    own: npt.NDArray[np.int64],
    theirs: npt.NDArray[np.int64],
) -> None:
    """Add, at the others' places beyond ``after``, the votes met on one annotator's ``tasks``.

    ``shared`` and ``agreed`` (M,) count pairs of votes, ``own`` and ``theirs`` (M, K) the labels
    in them. Tasks with more than ``longest`` votes are passed over.
    """
    for v in range(tasks.shape[0]):
        first, last = start[tasks[v]], start[tasks[v] + 1]
        if last - first > longest:
            continue
        for u in range(first, last):
            other = place[worker[u]]
            if other > after:
                shared[other] += 1
                agreed[other] += label[u] == labels[v]
                own[other, labels[v]] += 1
                theirs[other, label[u]] += 1


@kernel
def keep_middle(
    start: npt.NDArray[np.int64],
    value: npt.NDArray[np.float64],
    estimate: npt.NDArray[np.float64],
    share: float,
) -> npt.NDArray[np.bool_]:
    """Leave out the ``share`` lowest and highest values of each group, equals of the rest kept.

    Only values beyond the group's own estimate are left out (LeBlanc and others 2013).
    """
    keep = np.ones(value.shape[0], dtype=np.bool_)
    for g in range(start.shape[0] - 1):
        first, last = start[g], start[g + 1]
        many = int(share * (last - first))
        if many > 0:
            ranked = np.sort(value[first:last])
            low = min(ranked[many], estimate[g])
            high = max(ranked[last - first - 1 - many], estimate[g])
            for v in range(first, last):
                keep[v] = low <= value[v] <= high
    return keep
