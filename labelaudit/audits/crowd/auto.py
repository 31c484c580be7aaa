"""The default: the plain average of methods that fail in different places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.crowd import ebcc
from labelaudit.audits.crowd.accuracy import one_coin_accuracy
from labelaudit.audits.crowd.graph import VoteGraph
from labelaudit.audits.crowd.hierarchical import channel_given, hierarchical_beliefs
from labelaudit.audits.crowd.one_coin import one_step
from labelaudit.audits.crowd.posterior import CrowdPosterior, consensus, unfinished
from labelaudit.audits.crowd.top_two import recover_pairs

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.blocks import VoteBlock
    from labelaudit.running import Executor

    Floats = npt.NDArray[np.float64]

__all__ = ["auto"]

AFFORDABLE = 5e10
"""Most additions that EBCC may take, votes x classes x subtypes x steps: about a minute."""

LARGEST = 4e7
"""Most numbers in one of EBCC's tables, of which it holds about eight."""


def auto(votes: VoteBlock, *, seed: int = 0, on: Executor | None = None) -> CrowdPosterior:
    """Average the posteriors of five methods.

    Majority; one-step one-coin, where annotators differ; hierarchical Dawid-Skene, where classes
    do; EBCC, where annotators err together; and, from three classes on, top-two, where each task
    has a wrong answer of its own. EBCC is left out, and a note says so, where it would take too
    long.
    """
    graph = VoteGraph.of(votes, on)
    members = {
        "majority": graph.vote_share(),
        "one-coin": one_step(graph)[0].q,
        "hierarchical-dawid-skene": hierarchical_beliefs(graph)[0].q,
    }
    if votes.n_classes >= 3:
        members["top-two"] = recover_pairs(votes, on=on).posterior
    notes: list[str] = []
    if _affordable(graph):
        found = ebcc.fit(graph, ebcc.first_split(graph, seed))
        members["ebcc"] = found.q
        notes += [f"EBCC: {note}" for note in unfinished(found.moved, ebcc.ENOUGH, ebcc.STEPS)]
    else:
        notes.append("EBCC was left out of the average: too many votes or classes for it.")
    total = np.add.reduce(list(members.values())) / len(members)
    q = np.rint(total * graph.units) / graph.units
    quality, _ = one_coin_accuracy(graph, q)
    notes.extend(_disagreements(members, q))
    return CrowdPosterior("auto", q, None, quality, channel_given(graph, q), 1, notes=tuple(notes))


def _affordable(graph: VoteGraph) -> bool:
    """Say whether EBCC is done in about a minute and a few gigabytes."""
    columns = graph.votes.n_classes * ebcc.SUBTYPES
    rows = max(graph.votes.n_tasks, len(graph.pairs.label))
    cost = graph.votes.n_votes * columns * ebcc.STEPS
    return cost <= AFFORDABLE and rows * columns <= LARGEST


def _disagreements(members: dict[str, Floats], q: Floats) -> list[str]:
    """Say for each member how often its label is not that of the average."""
    labels = consensus(q)
    counts = {name: int((consensus(own) != labels).sum()) for name, own in members.items()}
    apart = ", ".join(f"{name} on {count}" for name, count in counts.items() if count)
    if not apart:
        return []
    return [f"Of {len(q)} tasks, members label differently from the average: {apart}."]
