"""The default: the plain average of methods that fail in different places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd import ebcc
from labelaudit.audits.crowd.accuracy import one_coin_accuracy
from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.hierarchical import channel_given, hierarchical_beliefs
from labelaudit.audits.crowd.one_coin import one_step
from labelaudit.audits.crowd.posterior import CrowdPosterior, consensus

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["auto"]

AFFORDABLE = 5e10
"""Most additions that EBCC may take, votes x classes x subtypes x steps: about a minute."""

STARTS = 3
"""Random starts of EBCC that are averaged, where that is affordable."""

LARGEST = 4e7
"""Most numbers in one of EBCC's tables, of which it holds about eight."""


def auto(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Average the posteriors of four methods.

    Majority; one-step one-coin, where annotators differ; hierarchical Dawid-Skene, where classes
    do; and EBCC, where annotators err together. EBCC is left out, and a note says so, where it
    would take too long.
    """
    graph = VoteGraph.of(votes, on)
    members = {
        "majority": graph.vote_share(),
        "one-coin": one_step(graph)[0].q,
        "hierarchical-dawid-skene": hierarchical_beliefs(graph)[0].q,
    }
    notes: list[str] = []
    settled = True
    starts = _affordable_starts(graph)
    if starts:
        members["ebcc"], late = _ebcc(graph, seed, starts)
        settled = not late
        notes += late
    else:
        notes.append("EBCC was left out of the average: too many votes or classes for it.")
    q = graph.rounded(np.add.reduce(list(members.values())) / len(members))
    quality, _ = one_coin_accuracy(graph, q)
    notes.extend(_disagreements(members, q))
    return CrowdPosterior(
        "auto", q, None, quality, channel_given(graph, q), 1, settled, notes=tuple(notes)
    )


def _affordable_starts(graph: VoteGraph) -> int:
    """Return from how many starts EBCC is done in about a minute and a few gigabytes."""
    columns = graph.votes.n_classes * ebcc.SUBTYPES
    rows = max(graph.votes.n_tasks, len(graph.pairs.label))
    cost = graph.votes.n_votes * columns * ebcc.STEPS
    if cost > AFFORDABLE or rows * columns > LARGEST:
        return 0
    return STARTS if cost * STARTS <= AFFORDABLE else 1


def _ebcc(graph: VoteGraph, seed: int, starts: int) -> tuple[Floats, list[str]]:
    """Average EBCC over random starts: one in ten or so ends far from the others."""
    total: Floats = np.zeros((graph.votes.n_tasks, graph.votes.n_classes))
    moving: list[float] = []
    for start in range(starts):
        found = ebcc.fit(graph, ebcc.first_split(graph, STARTS * seed + start))
        total += found.q
        moving += [found.moved] if found.moved >= ebcc.ENOUGH else []
    return total / starts, _late(moving, starts)


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


def _disagreements(members: dict[str, Floats], q: Floats) -> list[str]:
    """Say for each member how often its label is not that of the average."""
    labels = consensus(q)
    counts = {name: int((consensus(own) != labels).sum()) for name, own in members.items()}
    apart = ", ".join(f"{name} on {count}" for name, count in counts.items() if count)
    if not apart:
        return []
    return [f"Of {len(q):,} tasks, members label differently from the average: {apart}."]
