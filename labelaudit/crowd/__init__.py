"""Consensus labels and worker quality, for files, arrays and data frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.audits.crowd.aggregating import SOFT, CrowdSettings, aggregate_votes
from labelaudit.calling import bytes_allowed, in_python, listed, one_text, speaking_python, texts
from labelaudit.crowd.naming import named
from labelaudit.crowd.workplace import at_work
from labelaudit.running import Clock
from labelaudit.tables.filed_table import in_tables
from labelaudit.tables.vote_codes import as_text
from labelaudit.tables.vote_options import VoteOptions
from labelaudit.tables.votes import open_votes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import numpy.typing as npt
    from distributed import Client

    from labelaudit.cluster.connecting import Cluster
    from labelaudit.crowd.workplace import Workplace
    from labelaudit.crowd_findings import CrowdConsensus
    from labelaudit.tables.filed_votes import FiledVotes
    from labelaudit.tables.vote_reading import Votes
    from labelaudit.tables.votes import VoteSource

    Floats = npt.NDArray[np.float64]
    Progress = Callable[[str, int, int], None]

__all__ = ["aggregate", "audit"]

NO_PAIRS = (
    "The two best answers of each task are left out: to recover them, all votes must fit in memory."
)


@speaking_python
def aggregate(
    votes: Any,
    workers: Any = None,
    labels: Any = None,
    *,
    method: str = "auto",
    task: str | None = None,
    worker: str | Sequence[str] | None = None,
    label: str | None = None,
    duplicates: str = "last",
    abstain: Any = (),
    gold: Any = None,
    classes: Sequence[Any] | None = None,
    where: str | None = None,
    level: str = "nominal",
    soft: str | None = None,
    extras: Collection[str] = ("confusion",),
    seed: int = 0,
    threads: int | None = None,
    memory: int | str | None = None,
    cluster: str | Client | None = None,
) -> CrowdConsensus:
    """Aggregate votes into consensus labels, and rate the workers.

    Parameters
    ----------
    votes : array of (V,) task ids; or (N, W) array of labels; or a table; or paths
        Task ids go with ``workers`` and ``labels``, one of each per vote. An array with two
        dimensions has a row per task and a column per worker; NaN, None and ``abstain`` are no
        votes. A table is anything with ``__arrow_c_stream__`` (a data frame of pandas or polars, a
        DuckDB relation, a pyarrow table or reader), long or wide. Paths are a string, a ``Path``
        or a list of them.
    workers, labels : arrays of (V,)
    method : str
        ``auto``, ``majority``, ``unanimous``, ``super-majority``, ``dawid-skene``, ``one-coin``,
        ``hierarchical-dawid-skene``, ``ebcc``, ``glad``, ``mace``, ``wawa``, ``zbs``, ``kos``,
        ``mmsr`` or ``top-two``.
    task, label : str, optional
        Columns of the table; inferred where they are not given. Arrays of labels are ``labels``.
    worker : str, or sequence of str, optional
        Column of a long table; or the columns, or a glob of them, of a wide one.
    duplicates : str
        ``last``, ``first``, ``all`` or ``error``: which votes of one worker on one task count.
    abstain : label, or sequence of labels
        Labels that are no votes.
    gold : str, path, or mapping of task to label, optional
        Known labels: a column of the table, a file with ``task`` and ``label``, or pairs.
    classes : sequence, optional
        The classes in order.
    where : str, optional
        Condition that rows must meet to be read, such as ``"batch = 7"``.
    level : str
        ``nominal``, ``ordinal`` or ``interval``: what agreement is measured by.
    soft : str, optional
        Also make label distributions, this way: ``average``, ``share``, ``dawid-skene``, ...
        They can differ from the consensus, which is that of ``method``.
    extras : collection of str
        Further tables: ``confusion``, ``soft``, ``top-two``.
    seed : int
    threads : int, optional
        How many to work with; all cores where not given. The result does not depend on it.
    memory : int or str, optional
        Bytes to aim at, or a size such as ``"4GiB"``: votes that are expected not to fit go to
        temporary files, and the tables of tasks are read from disk where they are looked at. The
        result does not depend on it.
    cluster : str or distributed.Client, optional
        Where to work: ``dask`` for workers on this machine, the address of a scheduler, or a
        client. The votes are read here and sent to the workers; the result is the same. ``glad``,
        ``kos``, ``mmsr`` and ``top-two`` need all votes at once: as a method they are refused, as
        a part of soft labels and for further tables they run here.

    Returns
    -------
    CrowdConsensus

    Raises
    ------
    UsageError
        If a column or a setting cannot be.
    InputError
        If the votes cannot be read, or labels are none of the classes.
    NothingToAuditError
        If there are no votes.
    EnvironmentalError
        If there is no such cluster, its workers cannot be used, or more memory is needed.

    Examples
    --------
    >>> tasks = [1, 1, 1, 2, 2, 2]
    >>> workers = ["ann", "bob", "cy"] * 2
    >>> labels = ["cat", "cat", "dog", "dog", "dog", "dog"]
    >>> aggregate(tasks, workers, labels, method="majority").consensus["label"].to_pylist()
    ['cat', 'dog']
    """
    settings = CrowdSettings(
        method=method,
        soft=soft or SOFT[0],
        level=level,
        seed=seed,
        extras=tuple(dict.fromkeys((*texts("extras", extras), *(("soft",) if soft else ())))),
    )
    options = VoteOptions(
        task=one_text("task", task),
        workers=() if worker is None else texts("worker", worker),
        label=one_text("label", label),
        duplicates=duplicates,
        abstain=_texts(abstain),
        gold=str(gold) if isinstance(gold, str | Path) else None,
        classes=None if classes is None else _texts(listed("classes", classes)),
        where=one_text("where", where),
    )
    if gold is not None and options.gold is None:
        from labelaudit.tables.votes_memory import gold_in_memory

        options = replace(options, known=gold_in_memory(gold))
    source = _source(votes, workers, labels, options)
    found = audit(source, settings, threads=threads, memory=bytes_allowed(memory), cluster=cluster)
    return replace(
        in_tables(found),
        warnings=tuple(map(in_python, found.warnings)),
        notes=tuple(map(in_python, found.notes)),
    )


def _texts(values: Any) -> tuple[str, ...]:
    """Return labels as the texts that name them; missing ones name nothing."""
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        values = [values]
    arrays = (pa.array([value], from_pandas=True) for value in values)
    return tuple(text for array in arrays if not array.null_count for text in as_text(array))


def _source(votes: Any, workers: Any, labels: Any, options: VoteOptions) -> VoteSource:
    if workers is None and labels is None:
        paths = votes if isinstance(votes, list | tuple) else [votes]
        if paths and all(isinstance(path, str | Path) for path in paths):
            return open_votes([str(path) for path in paths], options)
    from labelaudit.tables.votes_memory import memory_votes

    return memory_votes(votes, workers, labels, options)


def audit(
    source: VoteSource,
    settings: CrowdSettings,
    *,
    pairs: bool = False,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
    cluster: str | Client | Cluster | None = None,
) -> CrowdConsensus:
    """Read an opened table of votes, aggregate them, and put names to what was found.

    Parameters
    ----------
    source : VoteSource
    settings : CrowdSettings
    pairs : bool
        Recover the two best answers of each task too, where there are three classes to tell apart.
    threads, memory : int or None
        With ``cluster`` that of workers that are started for it.
    progress : callable or None
        Called with the stage, how many stages are done, and how many there are.
    cluster : str or distributed.Client or Cluster or None
        Where to work, if not in this process.

    Returns
    -------
    CrowdConsensus
        Its tables of tasks are ``FiledTable`` where the votes did not fit in memory.
    """
    clock = Clock()
    with at_work(source, settings, cluster, threads, memory) as place:
        clock.stop("reading")
        settings = _with_pairs(settings, place) if pairs else settings
        found = aggregate_votes(
            place.crowd,
            settings,
            numbers=_numbers(place.votes, settings),
            progress=progress,
        )
        clock.stop("aggregation")
        result = named(source, place, found, settings)
    clock.stop("tables")
    more = [NO_PAIRS] if pairs and found.pairs is None and place.in_files else []
    return replace(result, timings=clock.laps, notes=(*result.notes, *more))


def _with_pairs(settings: CrowdSettings, place: Workplace) -> CrowdSettings:
    """Ask for the two best answers too, where there are three classes and all votes are held."""
    if place.in_files or place.crowd.n_classes < 3 or "top-two" in settings.extras:
        return settings
    return replace(settings, extras=(*settings.extras, "top-two"))


def _numbers(votes: Votes | FiledVotes, settings: CrowdSettings) -> Floats | None:
    """Return what the classes stand for, where that matters and they are numbers."""
    if settings.level != "interval":
        return None
    try:
        return np.array([float(name) for name in votes.classes.names])
    except ValueError:
        return None
