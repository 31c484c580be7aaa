"""Consensus labels and worker quality, for files, arrays and data frames."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from os import sched_getaffinity
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.audits.crowd.aggregating import (
    SOFT,
    Aggregated,
    CrowdSettings,
    aggregate_votes,
)
from labelaudit.audits.crowd.tables import wilson
from labelaudit.crowd_findings import CrowdConsensus, MajorityVerdict, VoteAgreement
from labelaudit.errors import UsageError
from labelaudit.findings import Estimate
from labelaudit.running import Clock, Here
from labelaudit.tables.consensus import (
    coded,
    confusion_table,
    measured,
    pairs_as_text,
    soft_table,
    table_of,
)
from labelaudit.tables.vote_codes import as_text
from labelaudit.tables.vote_options import VoteOptions
from labelaudit.tables.votes import open_votes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.running import Executor
    from labelaudit.tables.votes import Votes, VoteSource

    Floats = npt.NDArray[np.float64]
    Progress = Callable[[str, int, int], None]

__all__ = ["aggregate", "audit"]

_NEXT_VOTES = 100
_MOST_CONFUSION_ROWS = 100_000_000


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
    level: str = "nominal",
    soft: str | None = None,
    extras: Collection[str] = ("confusion",),
    seed: int = 0,
    threads: int | None = None,
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
        ``auto``, ``majority``, ``dawid-skene``, ... as on the command line.
    task, label : str, optional
        Columns of the table; inferred where they are not given.
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
    level : str
        ``nominal``, ``ordinal`` or ``interval``: what agreement is measured by.
    soft : str, optional
        Also make label distributions, this way: ``average``, ``share``, ``dawid-skene``, ...
    extras : collection of str
        Further tables: ``confusion``, ``soft``, ``top-two``.
    seed : int
    threads : int, optional
        How many to work with; all cores where not given. The result does not depend on it.

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
        extras=tuple(dict.fromkeys((*extras, *(("soft",) if soft else ())))),
    )
    options = VoteOptions(
        task=task,
        workers=(worker,) if isinstance(worker, str) else tuple(worker or ()),
        label=label,
        duplicates=duplicates,
        abstain=_texts(abstain),
        gold=str(gold) if isinstance(gold, str | Path) else None,
        classes=None if classes is None else _texts(list(classes)),
    )
    if gold is not None and options.gold is None:
        from labelaudit.tables.votes_memory import gold_in_memory

        options = replace(options, known=gold_in_memory(gold))
    return audit(_source(votes, workers, labels, options), settings, threads=threads)


def _texts(values: Any) -> tuple[str, ...]:
    """Return labels as the texts that name them."""
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        values = [values]
    listed = list(values)
    return as_text(pa.array(listed)) if listed else ()


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
    threads: int | None = None,
    progress: Progress | None = None,
) -> CrowdConsensus:
    """Read an opened table of votes, aggregate them, and put names to what was found.

    Parameters
    ----------
    source : VoteSource
    settings : CrowdSettings
    threads : int or None
    progress : callable or None
        Called with the stage, how many stages are done, and how many there are.
    """
    clock = Clock()
    votes = source.read()
    clock.stop("reading")
    with _working(threads) as on:
        found = aggregate_votes(
            votes.block,
            settings,
            numbers=_numbers(votes, settings),
            on=on,
            progress=progress,
        )
    clock.stop("aggregation")
    result = _named(source, votes, found, settings)
    clock.stop("tables")
    return replace(result, timings=clock.laps)


@contextmanager
def _working(threads: int | None) -> Iterator[Executor]:
    wanted = threads or len(sched_getaffinity(0))
    if wanted == 1:
        yield Here()
        return
    with ThreadPoolExecutor(wanted) as pool:
        yield pool


def _numbers(votes: Votes, settings: CrowdSettings) -> Floats | None:
    """Return what the classes stand for, where that matters and they are numbers."""
    if settings.level != "interval":
        return None
    try:
        return np.array([float(name) for name in votes.classes.names])
    except ValueError:
        return None


def _named(
    source: VoteSource, votes: Votes, found: Aggregated, settings: CrowdSettings
) -> CrowdConsensus:
    classes = votes.classes
    understanding = replace(source.understanding, classes=classes.names, class_order=classes.order)
    consensus = _consensus(votes, found)
    rate = found.agreement.alphas[0]
    proof = found.certificate
    return CrowdConsensus(
        understanding=understanding,
        method=settings.method,
        settings=asdict(settings),
        counts=votes.counts,
        consensus=consensus,
        workers=_workers(votes, found),
        pairs=_confused_pairs(found.confused, classes.values),
        next_votes=_next_votes(consensus, found),
        confusion=_confusion(votes, found) if "confusion" in settings.extras else None,
        soft=None
        if found.soft is None
        else soft_table(
            votes.tasks, consensus["label"].combine_chunks(), found.soft, classes.names
        ),
        top_two=_top_two(votes, found) if "top-two" in settings.extras else None,
        agreement=VoteAgreement(
            settings.level,
            Estimate(rate.value, rate.low, rate.high),
            found.agreement.fleiss_kappa,
            found.agreement.pairwise,
            found.agreement.pairable_tasks,
        ),
        certificate=MajorityVerdict(
            proof.sentence,
            proof.tied,
            Estimate(proof.same_share, proof.same_low, proof.same_high),
            proof.pattern_share,
            proof.expected_gain,
        ),
        gold_accuracy=_gold_accuracy(votes, found),
        converged=found.result.converged,
        warnings=(*votes.warnings, *found.warnings),
        notes=tuple(note for note in found.result.notes if note not in found.warnings),
    )


def _consensus(votes: Votes, found: Aggregated) -> pa.Table:
    """Name the tasks' labels; a task without votes or known label has none."""
    tasks, values = found.tasks, votes.classes.values
    silent = (tasks.n_votes == 0) & (votes.block.gold < 0)
    second, second_share = _second(found)
    columns: dict[str, Any] = {
        "task": votes.tasks,
        "label": coded(np.where(silent, -1, tasks.label).astype(np.int32), values),
        "confidence": np.where(silent, np.nan, tasks.confidence),
        "runner_up": coded(np.where(silent, -1, second).astype(np.int32), values),
        "runner_up_confidence": np.where(silent | (second < 0), np.nan, second_share),
    }
    if found.pairs is not None and found.result.method == "top-two":
        columns["confusion_probability"] = found.pairs.confusion_probability
    columns |= {
        "n_votes": tasks.n_votes,
        "agreement": tasks.agreement,
        "entropy": tasks.entropy,
        "tie": tasks.tie,
        "majority_label": coded(tasks.majority_label, values),
    }
    return table_of(columns)


def _second(found: Aggregated) -> tuple[npt.NDArray[np.int32], Floats]:
    """Return the second answers: those of the recovered pairs, where the method recovers them."""
    tasks = found.tasks
    if found.pairs is None or found.result.method != "top-two":
        return tasks.runner_up, tasks.runner_up_confidence
    same = found.pairs.first == tasks.label
    second = np.where(same, found.pairs.second, tasks.runner_up).astype(np.int32)
    return second, found.result.posterior[np.arange(len(second)), second]


def _workers(votes: Votes, found: Aggregated) -> pa.Table:
    workers = found.workers
    return table_of(
        {
            "worker": votes.workers,
            "n_votes": workers.n_votes,
            "accuracy": workers.accuracy,
            "accuracy_low": workers.accuracy_low,
            "accuracy_high": workers.accuracy_high,
            "agreement": workers.agreement,
            "spammer_score": workers.spammer_score,
            "worst_pair": pairs_as_text(
                workers.worst_true, workers.worst_given, votes.classes.names
            ),
        }
    )


def _confused_pairs(confused: Floats, values: pa.Array) -> pa.Table:
    true, given = np.nonzero((confused >= 0.5) & ~np.eye(len(confused), dtype=np.bool_))
    expected = confused[true, given]
    order = np.lexsort((given, true, -np.round(expected, 9)))
    true, given, expected = true[order], given[order], expected[order]
    return table_of(
        {
            "true": coded(true.astype(np.int32), values),
            "given": coded(given.astype(np.int32), values),
            "expected": expected,
            "share": expected / confused.sum(axis=1)[true],
        }
    )


def _next_votes(consensus: pa.Table, found: Aggregated) -> pa.Table:
    following = found.next_votes
    order = following.order[:_NEXT_VOTES]
    order = order[following.error_reduction[order] > 0]
    chosen = consensus.select(["task", "label", "confidence"]).take(pa.array(order))
    return chosen.append_column("error_reduction", measured(following.error_reduction[order]))


def _confusion(votes: Votes, found: Aggregated) -> pa.Table:
    n, k = votes.block.n_workers, votes.block.n_classes
    if n * k * k > _MOST_CONFUSION_ROWS:
        raise UsageError(
            f"The confusion matrices of {n:,} workers over {k:,} classes have {n * k * k:,} rows.",
            "Leave the confusion table out.",
        )
    matrices = found.workers.confusion.dense(0, n)
    return confusion_table(matrices, votes.workers, votes.classes.values)


def _top_two(votes: Votes, found: Aggregated) -> pa.Table | None:
    pairs, values = found.pairs, votes.classes.values
    if pairs is None:
        return None
    return table_of(
        {
            "task": votes.tasks,
            "first": coded(pairs.first, values),
            "second": coded(pairs.second, values),
            "pair_confidence": pairs.pair_confidence,
            "confusion_probability": pairs.confusion_probability,
            "tied_second": pairs.tied_second,
        }
    )


def _gold_accuracy(votes: Votes, found: Aggregated) -> Estimate | None:
    """Compare majority vote, the one thing that gold labels have no part in, with gold labels."""
    known = (votes.block.gold >= 0) & (found.tasks.n_votes > 0)
    total = int(known.sum())
    if not total:
        return None
    right = int((found.tasks.majority_label == votes.block.gold)[known].sum())
    low, high = wilson(np.array([float(right)]), np.array([total]))
    return Estimate(right / total, float(low[0]), float(high[0]))
