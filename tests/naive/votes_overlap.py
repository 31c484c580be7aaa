"""Slow, obvious twin of the kernel that counts meetings of annotators."""

from __future__ import annotations

__all__ = ["meet_others"]


def meet_others(
    start, worker, label, tasks, labels, place, after, longest, shared, agreed, own, theirs
):
    for task, mine in zip(tasks.tolist(), labels.tolist(), strict=True):
        here = slice(start[task], start[task + 1])
        if start[task + 1] - start[task] > longest:
            continue
        for other, given in zip(place[worker[here]].tolist(), label[here].tolist(), strict=True):
            if other > after:
                shared[other] += 1
                agreed[other] += int(given == mine)
                own[other, mine] += 1
                theirs[other, given] += 1
