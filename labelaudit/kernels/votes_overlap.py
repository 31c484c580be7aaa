"""How often one annotator's votes meet and equal those of each other annotator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelaudit.kernels.jit import kernel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["meet_others"]


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
