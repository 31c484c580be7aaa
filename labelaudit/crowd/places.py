"""Where an aggregation works: in this process, or on a cluster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from labelaudit.audits.crowd.building import in_runs, in_shards
from labelaudit.audits.crowd.crowd import Crowd
from labelaudit.audits.crowd.methods import FITS
from labelaudit.errors import UsageError
from labelaudit.running import Here, threads_wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from distributed import Client

    from labelaudit.audits.crowd.aggregating import CrowdSettings
    from labelaudit.blocks import VoteBlock
    from labelaudit.cluster.connecting import Cluster
    from labelaudit.cluster.tasks import Tasks
    from labelaudit.running import Executor

    Crowding = Callable[[VoteBlock], Crowd]

__all__ = ["crowding", "demand_shards", "shards_wanted", "working"]

_MOST_VOTES = 1_000_000


def demand_shards(settings: CrowdSettings) -> None:
    """Refuse a method that no cluster can help with.

    Raises
    ------
    UsageError
        If the method needs all votes in one process.
    """
    if settings.method not in FITS:
        raise UsageError(
            f"{settings.method} needs all votes in one process, so a cluster is of no use to it.",
            f"Leave --cluster out, or choose one of {', '.join(FITS)}.",
        )


def shards_wanted(votes: int, threads: int) -> int:
    """Return how many shards votes are cut into for a cluster: for each thread the same number.

    A shard is small enough that what is known of its tasks fits beside that of others.
    """
    return threads * max(-(-votes // (_MOST_VOTES * threads)), 1)


@contextmanager
def crowding(
    settings: CrowdSettings,
    cluster: str | Client | Cluster | None,
    threads: int | None,
    memory: int | None,
) -> Iterator[Crowding]:
    """Give what makes a crowd of votes, where it is to be worked on.

    Parameters
    ----------
    settings : CrowdSettings
    cluster : str or distributed.Client or Cluster or None
        As ``labelaudit.cluster.connecting.connected`` says; None: this process.
    threads, memory : int or None
        Of this process, or of workers that are started on this machine.

    Raises
    ------
    LabelauditError
        As ``demand_shards`` and ``connected`` say.
    """
    if cluster is not None:
        demand_shards(settings)
    with working(threads) as on:
        if cluster is None:
            yield partial(Crowd.of, on=on)
            return
        from labelaudit.cluster.connecting import connected
        from labelaudit.cluster.tasks import Tasks

        with connected(cluster, threads, memory) as found:
            tasks = Tasks(found)
            try:
                yield partial(_on_cluster, tasks, on)
            finally:
                tasks.drop_all()


def _on_cluster(tasks: Tasks, on: Executor, votes: VoteBlock) -> Crowd:
    """Hand votes out to workers; what needs all of them runs here."""
    from labelaudit.cluster.vote_ground import ClusterVotes

    parts = shards_wanted(votes.n_votes, tasks.cluster.threads)
    blocks = list(in_runs(votes, parts))
    return in_shards(blocks, (votes.n_workers, votes.n_classes), on=on, ground=ClusterVotes(tasks))


@contextmanager
def working(threads: int | None) -> Iterator[Executor]:
    """Give threads to work with, for as long as they are needed."""
    wanted = threads_wanted(threads)
    if wanted == 1:
        yield Here()
        return
    with ThreadPoolExecutor(wanted) as pool:
        yield pool
