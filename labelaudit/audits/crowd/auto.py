"""The default: the plain average of methods that fail in different places."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd import ebcc
from labelaudit.audits.crowd.accuracy import accuracy_of
from labelaudit.audits.crowd.fitting import CrowdFit, described, on_block
from labelaudit.audits.crowd.hierarchical import channel_of, hierarchy
from labelaudit.audits.crowd.one_coin import one_step
from labelaudit.audits.crowd.posterior import consensus
from labelaudit.audits.crowd.shards import Outcome, Shard

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.crowd.crowd import Crowd, Field
    from labelaudit.audits.crowd.fitting import Weights
    from labelaudit.audits.crowd.posterior import CrowdPosterior
    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["affordable_starts", "auto", "fit"]

MEMBERS = ("majority", "one-coin", "hierarchical-dawid-skene", "ebcc")

AFFORDABLE = 5e10
"""Most additions that EBCC may take, votes x classes x subtypes x steps: about a minute."""

STARTS = 3
"""Random starts of EBCC that are averaged, where that is affordable."""

LARGEST = 4e7
"""Most numbers in one of EBCC's tables, of which it holds about eight."""


def fit(crowd: Crowd, seed: int) -> CrowdFit:
    """Average the posteriors of four methods."""
    notes: list[str] = []
    settled = True
    kept = [hierarchy(crowd).q]
    starts = affordable_starts(crowd)
    if starts:
        average, late = _ebcc(crowd, seed, starts)
        kept.append(average)
        settled = not late
        notes += late
    else:
        notes.append("EBCC was left out of the average: too many votes or classes for it.")
    (q,), (_, counts, apart) = crowd.over(partial(_averaged, one_step(crowd)), *kept)
    channel = channel_of(crowd.pairs, counts)
    notes.extend(_disagreements(apart.tolist(), crowd.n_tasks))
    quality, _ = accuracy_of(crowd.pairs, channel.credit)
    return CrowdFit("auto", q, None, quality, channel, 1, settled, notes=tuple(notes))


def auto(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Average the posteriors of four methods.

    Majority; one-step one-coin, where annotators differ; hierarchical Dawid-Skene, where classes
    do; and EBCC, where annotators err together. EBCC is left out, and a note says so, where it
    would take too long.
    """
    return on_block(fit, votes, seed, on)


def _averaged(coin: Weights, shard: Shard, *kept: Floats) -> Outcome:
    """Average the members, and count for each the tasks that it labels differently."""
    members = [shard.graph.vote_share(), coin.of(shard).q, *kept]
    q = shard.graph.rounded(np.add.reduce(members) / len(members))
    labels = consensus(q)
    apart = np.array([int((consensus(own) != labels).sum()) for own in members])
    return Outcome((q,), (*described(Shard.pair_counts, shard, q).sums, apart))


def affordable_starts(crowd: Crowd) -> int:
    """Return from how many starts EBCC is done in about a minute and a few gigabytes."""
    columns = crowd.n_classes * ebcc.SUBTYPES
    rows = max(crowd.n_tasks, len(crowd.pairs.label))
    cost = crowd.n_votes * columns * ebcc.STEPS
    if cost > AFFORDABLE or rows * columns > LARGEST:
        return 0
    return STARTS if cost * STARTS <= AFFORDABLE else 1


def _ebcc(crowd: Crowd, seed: int, starts: int) -> tuple[Field, list[str]]:
    """Average EBCC over random starts: one in ten or so ends far from the others."""
    found: list[Field] = []
    moving: list[float] = []
    for start in range(starts):
        fitted = ebcc.fitted(crowd, ebcc.first_split(crowd, STARTS * seed + start))
        found.append(fitted.q)
        moving += [fitted.moved] if fitted.moved >= ebcc.ENOUGH else []
    return crowd.computed(_mean, *found), _late(moving, starts)


def _mean(shard: Shard, *parts: Floats) -> Floats:
    del shard
    mean: Floats = sum(parts, np.zeros_like(parts[0])) / len(parts)
    return mean


def _late(moving: list[float], starts: int) -> list[str]:
    """Say how many starts have run out of steps, and what that means for the average."""
    if not moving:
        return []
    which = f"{len(moving)} of {starts} starts" if starts > 1 else "one start"
    text = (
        f"EBCC, a member of the average, stopped in {which} after {ebcc.STEPS} steps with "
        f"posteriors still moving by {max(moving):.1g}; the average moves by a quarter of that at "
        "most."
    )
    return [text]


def _disagreements(apart: list[int], tasks: int) -> list[str]:
    """Say for each member how often its label is not that of the average."""
    named = zip(MEMBERS, apart, strict=False)
    said = ", ".join(f"{name} on {number}" for name, number in named if number)
    return [f"Of {tasks:,} tasks, members label differently from the average: {said}."] * bool(said)
