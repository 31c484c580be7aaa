"""Which ground an audit has, where it is not this process."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from labelaudit.cluster.engines import EngineTable
from labelaudit.errors import UsageError
from labelaudit.tables.decode import Decoder
from labelaudit.tables.source import source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from distributed import Client

    from labelaudit.audits.ground import Ground
    from labelaudit.audits.rows import Rows
    from labelaudit.cluster.connecting import Cluster
    from labelaudit.cluster.tasks import Tasks
    from labelaudit.running import Executor
    from labelaudit.tables.options import ReadOptions
    from labelaudit.tables.source import LabelSource

__all__ = ["Elsewhere", "demand_fit", "elsewhere", "engine_labels"]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where passes run, if not in this process.

    Attributes
    ----------
    ground : callable
        Gives the ground of an audit that has one.
    on : Executor or None
        Where the passes of other audits run, over partitions that travel.
    """

    ground: Callable[[Rows], Ground]
    on: Executor | None = None


@contextmanager
def elsewhere(
    source: LabelSource,
    cluster: str | Client | Cluster | None,
    threads: int | None = None,
    memory: int | None = None,
) -> Iterator[Elsewhere | None]:
    """Say where passes run; None for this process.

    Parameters
    ----------
    source : LabelSource
    cluster : str or distributed.Client or Cluster or None
        As ``connected`` says.
    threads, memory : int or None
        Of workers that are started on this machine.

    Raises
    ------
    UsageError
        If the cluster cannot read the table, or an engine's has several labels a row.
    LabelauditError
        As ``connected`` and ``demand_sight`` say.
    """
    table = source.tables[0]
    if isinstance(table, EngineTable):
        _demand_no_cluster(cluster)
        yield Elsewhere(partial(_engine_ground, table, _one_label(source)))
    elif cluster is None:
        yield None
    else:
        from labelaudit.cluster.executor import ClusterExecutor

        demand_fit(source)
        with _cluster_tasks(source, cluster, threads, memory) as tasks:
            yield Elsewhere(partial(_cluster_ground, tasks, source), ClusterExecutor(tasks))


def engine_labels(table: EngineTable, options: ReadOptions) -> LabelSource:
    """Understand labels and probabilities that another engine holds.

    Raises
    ------
    UsageError
        If only some rows are asked for, or as ``open_labels`` says.
    """
    if options.where is not None:
        raise UsageError(
            f"--where is for files, and {table.name} is held by another engine.",
            "Have the engine leave rows out, and number those that are left.",
        )
    return source_of((table,), options)


def demand_fit(source: LabelSource) -> None:
    """Refuse a table that workers of a cluster cannot audit.

    Raises
    ------
    UsageError
        If they cannot read it.
    """
    from labelaudit.cluster.portions import demand_files

    demand_files(source)


def _one_label(source: LabelSource) -> Decoder:
    if isinstance(source.decoder, Decoder):
        return source.decoder
    raise UsageError(
        "A table that another engine holds has to have one label a row; this one has several.",
        "Write it to files, and audit these.",
    )


def _demand_no_cluster(cluster: object) -> None:
    if cluster is not None:
        raise UsageError(
            "The table is held by an engine that works on a cluster of its own.",
            "Leave --cluster out.",
        )


def _engine_ground(table: EngineTable, decoder: Decoder, rows: Rows) -> Ground:
    from labelaudit.cluster.engine_ground import EngineGround

    return EngineGround(table, decoder, rows.progress)


@contextmanager
def _cluster_tasks(
    source: LabelSource,
    cluster: str | Client | Cluster,
    threads: int | None,
    memory: int | None,
) -> Iterator[Tasks]:
    from labelaudit.cluster.connecting import connected
    from labelaudit.cluster.sight import demand_sight
    from labelaudit.cluster.tasks import Tasks

    with connected(cluster, threads, memory) as found:
        demand_sight(found.client, source.tables)
        tasks = Tasks(found, memory)
        try:
            yield tasks
        finally:
            tasks.drop_all()


def _cluster_ground(tasks: Tasks, source: LabelSource, rows: Rows) -> Ground:
    from labelaudit.cluster.ground import ClusterGround
    from labelaudit.cluster.portions import recipes

    return ClusterGround(tasks, recipes(tasks, source), rows.progress)
