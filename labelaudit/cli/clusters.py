"""The cluster that a command works on, and what is said of it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelaudit.cli.options import ClusterRun, Talk
    from labelaudit.cluster.connecting import Cluster

__all__ = ["cluster_plan", "cluster_to_use", "traffic_text"]


@contextmanager
def cluster_to_use(source: Any, run: ClusterRun, talk: Talk) -> Iterator[Cluster | None]:
    """Give the cluster that was asked for; with ``--verbose`` say what travelled in the end."""
    if run.cluster is None:
        yield None
        return
    from labelaudit.cluster.connecting import connected
    from labelaudit.cluster.grounds import demand_fit

    demand_fit(source)
    with connected(run.cluster, run.threads, run.memory) as cluster:
        yield cluster
        if talk.verbose and not talk.quiet:
            sys.stderr.write(traffic_text(cluster))


def traffic_text(cluster: Cluster) -> str:
    """Write what passes sent to each worker, what parts gave, and what of it came here."""
    lines = [
        f"Cluster at {cluster.shown}, {cluster.threads} threads; what travelled:",
        f"  {'pass':<20} {'parts':>7} {'to a worker':>13} {'from a part':>13} {'to here':>13}",
    ]
    for each in cluster.traffic:
        numbers = (each.sent, each.given / max(each.parts, 1), each.arrived)
        sent, part, here = map(_kilobytes, numbers)
        lines.append(f"  {each.stage:<20} {each.parts:>7,} {sent:>13} {part:>13} {here:>13}")
    return "\n".join(lines) + "\n"


def _kilobytes(number: float) -> str:
    return f"{number / 1000:,.1f} kB"


def cluster_plan(source: Any, run: ClusterRun) -> str | None:
    """Say what a run would work on, for ``--dry-run``; no workers are started for that."""
    if run.cluster is None:
        return None
    from labelaudit.cluster.connecting import LOCAL, connected
    from labelaudit.cluster.grounds import demand_fit
    from labelaudit.cluster.portions import parts_wanted
    from labelaudit.reports.layout import plural
    from labelaudit.running import threads_wanted

    demand_fit(source)
    if run.cluster == LOCAL:
        threads = threads_wanted(run.threads)
        where = f"{threads} workers on this machine"
    else:
        with connected(run.cluster) as cluster:
            threads = cluster.threads
            where = f"{cluster.shown}, {len(cluster.client.nthreads())} workers"
    parts = plural(parts_wanted(source, threads), "part")
    return f"{where}, {threads} threads; {parts}"
