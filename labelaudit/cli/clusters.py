"""The cluster that a command works on, and what is said of it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from labelaudit.cli.options import ClusterRun, Talk
    from labelaudit.cli.vote_options import VoteRun
    from labelaudit.cluster.connecting import Cluster

__all__ = ["PlannedCluster", "cluster_plan", "cluster_to_use", "traffic_text", "votes_plan"]


@contextmanager
def cluster_to_use(source: Any, run: ClusterRun | VoteRun, talk: Talk) -> Iterator[Cluster | None]:
    """Give the cluster that was asked for; with ``--verbose`` say what travelled in the end.

    ``source`` is a table that workers are to read, or None: what this process reads is sent.
    """
    if run.cluster is None:
        yield None
        return
    from labelaudit.cluster.connecting import connected
    from labelaudit.cluster.grounds import demand_fit

    if source is not None:
        demand_fit(source)
    with connected(run.cluster, run.threads, run.memory) as cluster:
        yield cluster
        if talk.verbose and not talk.quiet:
            sys.stderr.write(traffic_text(cluster))


def traffic_text(cluster: Cluster) -> str:
    """Write what passes sent to each worker, what parts gave, and what of it came here.

    Of equal passes in a row it is the mean.
    """
    lines = [
        f"Cluster at {cluster.shown}, {cluster.threads} threads; what travelled:",
        f"  {'pass':<20} {'parts':>7} {'to a worker':>13} {'from a part':>13} {'to here':>13}",
    ]
    for stage, group in groupby(cluster.traffic, lambda each: each.stage):
        passes = list(group)
        n, parts = len(passes), sum(each.parts for each in passes)
        sent = sum(each.sent for each in passes) / n
        given = sum(each.given for each in passes) / max(parts, 1)
        here = sum(each.arrived for each in passes) / n
        name = stage if n == 1 else f"{stage}, {n}x"
        columns = " ".join(f"{_kilobytes(number):>13}" for number in (sent, given, here))
        lines.append(f"  {name:<20} {parts // n:>7,} {columns}")
    return "\n".join(lines) + "\n"


def _kilobytes(number: float) -> str:
    return f"{number / 1000:,.1f} kB"


class PlannedCluster(NamedTuple):
    """A cluster in words, its workers and the threads of all of them."""

    text: str
    workers: int
    threads: int


def cluster_plan(source: Any, run: ClusterRun) -> PlannedCluster | None:
    """Say what a run would work on, for ``--dry-run``; no workers are started for that."""
    if run.cluster is None:
        return None
    from labelaudit.cluster.grounds import demand_fit
    from labelaudit.cluster.portions import parts_wanted

    demand_fit(source)
    return _planned(run.cluster, run.threads, partial(parts_wanted, source))


def votes_plan(votes: int, run: VoteRun) -> str | None:
    """Say what an aggregation of so many votes would work on, as ``cluster_plan``."""
    if run.cluster is None:
        return None
    from labelaudit.crowd.places import shards_wanted

    return _planned(run.cluster, run.threads, partial(shards_wanted, votes)).text


def _planned(place: str, wanted: int | None, parts_for: Callable[[int], int]) -> PlannedCluster:
    from labelaudit.cluster.connecting import LOCAL, connected
    from labelaudit.reports.layout import plural
    from labelaudit.running import threads_wanted

    if place == LOCAL:
        workers = threads = threads_wanted(wanted)
        where = f"{threads} workers on this machine"
    else:
        with connected(place) as cluster:
            threads, workers = cluster.threads, len(cluster.client.nthreads())
            where = f"{cluster.shown}, {workers} workers"
    parts = plural(parts_for(threads), "part")
    return PlannedCluster(f"{where}, {threads} threads; {parts}", workers, threads)
