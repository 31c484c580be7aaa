"""Where an aggregation works: in this process, or on a cluster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labelaudit.audits.crowd.building import in_runs, in_shards
from labelaudit.audits.crowd.crowd import Crowd
from labelaudit.audits.crowd.methods import FITS
from labelaudit.errors import UsageError
from labelaudit.running import Here, threads_wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

    from labelaudit.audits.crowd.aggregating import CrowdSettings
    from labelaudit.audits.crowd.ground import CrowdGround
    from labelaudit.blocks import VoteBlock
    from labelaudit.cluster.connecting import Cluster
    from labelaudit.cluster.tasks import Tasks
    from labelaudit.running import Executor

__all__ = ["Place", "demand_shards", "place_for", "shards_wanted"]

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


@dataclass(frozen=True, slots=True)
class Place:
    """Where passes over votes run.

    Attributes
    ----------
    on : Executor
        Threads of this process.
    tasks : Tasks or None
        Hands work to a cluster, if that is where passes run.
    """

    on: Executor
    tasks: Tasks | None = None

    @property
    def threads(self) -> int:
        """Threads of the cluster; 0 without one."""
        return 0 if self.tasks is None else self.tasks.cluster.threads

    @property
    def ground(self) -> CrowdGround | None:
        """The cluster, if that is where shards are."""
        if self.tasks is None:
            return None
        from labelaudit.cluster.vote_ground import ClusterVotes

        return ClusterVotes(self.tasks)

    def crowd(self, votes: VoteBlock) -> Crowd:
        """Make a crowd of votes in memory; what needs all of them runs here in any case."""
        if self.tasks is None:
            return Crowd.of(votes, self.on)
        blocks = list(in_runs(votes, shards_wanted(votes.n_votes, self.threads)))
        return in_shards(blocks, (votes.n_workers, votes.n_classes), on=self.on, ground=self.ground)


@contextmanager
def place_for(
    settings: CrowdSettings,
    cluster: str | Client | Cluster | None,
    threads: int | None,
    memory: int | None,
) -> Iterator[Place]:
    """Say where an aggregation works, for as long as it does.

    Parameters
    ----------
    settings : CrowdSettings
    cluster : str or distributed.Client or Cluster or None
        As ``labelaudit.cluster.connecting.connected`` says; None: this process.
    threads, memory : int or None
        Of this process, and of workers that are started on this machine.

    Raises
    ------
    LabelauditError
        As ``demand_shards`` and ``connected`` say.
    """
    if cluster is not None:
        demand_shards(settings)
    with _working(threads) as on:
        if cluster is None:
            yield Place(on)
            return
        from labelaudit.cluster.connecting import connected
        from labelaudit.cluster.tasks import Tasks

        with connected(cluster, threads, memory) as found:
            tasks = Tasks(found, memory)
            try:
                yield Place(on, tasks)
            finally:
                tasks.drop_all()


@contextmanager
def _working(threads: int | None) -> Iterator[Executor]:
    """Give threads to work with, for as long as they are needed."""
    wanted = threads_wanted(threads)
    if wanted == 1:
        yield Here()
        return
    with ThreadPoolExecutor(wanted) as pool:
        try:
            yield pool
        except BaseException:  # what has begun is waited for, and the rest is not done
            pool.shutdown(wait=False, cancel_futures=True)
            raise
