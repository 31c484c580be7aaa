"""Slow, obvious twin of the kernel that counts meetings of annotators."""

from __future__ import annotations

import itertools

import numpy as np

__all__ = ["keep_middle", "meet_others"]


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


def keep_middle(start, value, estimate, share):
    keep = []
    for g, (first, last) in enumerate(itertools.pairwise(start.tolist())):
        own = sorted(value[first:last].tolist())
        many = int(share * len(own))
        for x in value[first:last].tolist():
            too_low = many > 0 and x < own[many] and x < estimate[g]
            too_high = many > 0 and x > own[-1 - many] and x > estimate[g]
            keep.append(not (too_low or too_high))
    return np.array(keep, dtype=bool)
