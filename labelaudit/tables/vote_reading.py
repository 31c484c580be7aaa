"""Batches of a table of votes to coded votes, grouped by task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from labelaudit.blocks import VoteBlock
from labelaudit.crowd_findings import VoteCounts
from labelaudit.errors import InvalidDataError, NothingToAuditError, UsageError
from labelaudit.tables.arrays import null_mask, numbers, strings
from labelaudit.tables.gold import gold_codes
from labelaudit.tables.roles import listed
from labelaudit.tables.selecting import numbered
from labelaudit.tables.vote_classes import ABSTAINED, VoteClasses, vote_classes
from labelaudit.tables.vote_codes import NO_CODE, Encoder, as_text, encoded, plain_values
from labelaudit.tables.vote_groups import CodedVotes, grouped
from labelaudit.tables.vote_roles import ALL_OTHERS
from labelaudit.wording import percent, safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from labelaudit.tables.vote_options import VoteOptions
    from labelaudit.tables.votes import VoteSource

    Codes = npt.NDArray[np.int32]

__all__ = [
    "CodedColumns",
    "Columns",
    "Votes",
    "categories",
    "no_votes",
    "read_columns",
    "read_votes",
    "refuse_strangers",
    "refuse_unknown",
    "repeated",
    "task_starts",
    "vote_warnings",
    "worker_labels",
    "wrapped_ids",
]

BATCH_ROWS = 1 << 19
_MANY = 5
"""Labels from which a column that shares none of them is no worker's."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes as numbers, and what the numbers stand for.

    Attributes
    ----------
    block : VoteBlock
    tasks, workers : pyarrow.Array
        (N,) and (W,) ids, ascending, in the type of the input.
    classes : VoteClasses
    counts : VoteCounts
    warnings : tuple of str
    """

    block: VoteBlock
    tasks: pa.Array
    workers: pa.Array
    classes: VoteClasses
    counts: VoteCounts
    warnings: tuple[str, ...]

    @property
    def task_ids(self) -> Iterable[pa.Array]:
        """The ids of the tasks of each block."""
        return (self.tasks,)


def read_votes(source: VoteSource) -> Votes:
    """Read all votes of a source; what it raises is listed at ``VoteSource.read``."""
    columns = CodedColumns(source)
    read_columns(source, columns, BATCH_ROWS)
    return _votes(columns, source)


def read_columns(source: VoteSource, columns: Columns, values: int) -> None:
    """Read all rows, about so many values at a time."""
    roles = source.roles
    rows = max(values // len(roles.columns), 4096)
    for table in source.tables:
        for batch in table.read(range(len(table.group_rows)), roles.columns, rows):
            columns.add(batch)


class Columns(ABC):
    """Takes batches, and hands on whatever was said, and every task, in row order."""

    def __init__(self, source: VoteSource) -> None:
        self.roles = source.roles
        self.tables = source.tables
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take some rows."""
        roles, n = self.roles, batch.num_rows
        if roles.task is None:
            task = numbers(numbered(self.tables, np.arange(self.rows, self.rows + n)))
        else:
            task = batch.column(roles.task)
        self.rows += n
        gold = pa.nulls(n) if roles.gold is None else batch.column(roles.gold)
        if roles.worker is not None:
            self.take(task, batch.column(roles.worker), batch.column(roles.labels[0]), gold)
            return
        task = encoded(task)
        self.take(task, pa.nulls(n), pa.nulls(n), gold)  # a task is one, asked or not
        for name in roles.wide:
            label = plain_values(batch.column(name))
            rows = numbers(np.flatnonzero(~null_mask(label)))
            worker = pa.DictionaryArray.from_arrays(
                numbers(np.zeros(len(rows), np.int32)), strings([name]).cast(pa.string())
            )
            self.take(task.take(rows), worker, label.take(rows), pa.nulls(len(rows)))

    @abstractmethod
    def take(self, task: pa.Array, worker: pa.Array, label: pa.Array, gold: pa.Array) -> None:
        """Take who said what of which task, and the known labels of these tasks."""


class CodedColumns(Columns):
    """Holds the codes of all rows."""

    def __init__(self, source: VoteSource) -> None:
        super().__init__(source)
        self.task, self.worker, self.label, self.gold = (Encoder() for _ in range(4))

    def take(self, task: pa.Array, worker: pa.Array, label: pa.Array, gold: pa.Array) -> None:
        """Take who said what of which task, and the known labels of these tasks."""
        self.task.add(task)
        self.worker.add(worker)
        self.label.add(label)
        if self.roles.gold is not None:
            self.gold.add(gold)


def _votes(columns: CodedColumns, source: VoteSource) -> Votes:
    options = source.options
    tasks, task = columns.task.finish(pa.string())
    workers, worker = columns.worker.finish(pa.string())
    values, said = columns.label.finish(pa.string())
    classes = vote_classes(values, source.roles, options, categories(source))
    code = np.append(classes.codes_of(values), np.int32(NO_CODE))
    label = code[said]
    refuse_unknown(values, np.bincount(said[said >= 0], minlength=len(values)), classes)
    nameless = (said >= 0) & ((task < 0) | (worker < 0))
    cast = CodedVotes(task, worker, label).take((label >= 0) & ~nameless)
    if not len(cast.task):
        raise no_votes(source, classes)
    if source.roles.origins["worker"] == ALL_OTHERS:
        refuse_strangers(worker_labels(cast, len(classes.names)), len(classes.names), workers)
    keep = "last" if options.duplicates == "error" else options.duplicates
    kept, repeats = grouped(cast, len(workers), keep)
    if options.duplicates == "error" and repeats.votes:
        place = repeats.first
        task_id = as_text(tasks.slice(int(cast.task[place]), 1))[0]
        worker_id = as_text(workers.slice(int(cast.worker[place]), 1))[0]
        raise repeated(repeats.votes, task_id, worker_id)
    gold = gold_codes(columns.gold, task, tasks, classes, source)
    counts = VoteCounts(
        rows=columns.rows,
        votes=len(kept.task),
        abstained=int(((label == ABSTAINED) & ~nameless).sum()),
        null_labels=int((said < 0).sum()) if source.roles.label is not None else 0,
        nameless=int(nameless.sum()),
        repeated=repeats.votes,
        conflicting=repeats.conflicting,
        dropped=len(cast.task) - len(kept.task),
        gold=int((gold >= 0).sum()),
    )
    block = VoteBlock(
        task_start=task_starts(kept.task, len(tasks)),
        worker=kept.worker,
        label=kept.label,
        gold=gold,
        n_workers=len(workers),
        n_classes=len(classes.names),
    )
    warnings = (*vote_warnings(counts, options), *classes.warnings)
    tasks = wrapped_ids(tasks, source, source.roles.task)
    workers = wrapped_ids(workers, source, source.roles.worker)
    return Votes(block, tasks, workers, classes, counts, warnings)


def wrapped_ids(ids: pa.Array, source: VoteSource, column: str | None) -> pa.Array:
    """Return ids as the extension type of their column, if it has one."""
    if column is None:
        return ids
    kind = source.tables[0].schema.field(column).type
    if isinstance(kind, pa.BaseExtensionType) and kind.storage_type == ids.type:
        return pa.ExtensionArray.from_storage(kind, ids)
    return ids


def worker_labels(cast: CodedVotes, n_labels: int) -> npt.NDArray[np.int64]:
    """Return the different ``worker * n_labels + label`` among votes, ascending."""
    return np.unique(cast.worker.astype(np.int64) * n_labels + cast.label)


def refuse_strangers(pairs: npt.NDArray[np.int64], n_labels: int, workers: pa.Array) -> None:
    """Refuse a column that was taken for a worker's, but has many labels of its own and no other.

    It may hold the text of the item, or anything else. ``pairs`` is what ``worker_labels`` finds.
    """
    worker, label = np.divmod(pairs, n_labels)
    shared = np.bincount(label)[label] > 1
    labels = np.bincount(worker, minlength=len(workers))
    known = np.bincount(worker[shared], minlength=len(workers))
    strange = np.flatnonzero((known == 0) & (labels >= _MANY))
    if len(strange):
        names = as_text(workers.take(numbers(strange)))
        raise UsageError(
            f"No label in column {safe(names[0])} is in another one, so it can hardly be a "
            "worker's.",
            "Say which columns are workers with --worker-column, such as 'rater_*'.",
        )


def task_starts(task: Codes, n_tasks: int) -> npt.NDArray[np.int64]:
    """Return where the votes of each task begin, votes being sorted by task."""
    start = np.zeros(n_tasks + 1, np.int64)
    np.cumsum(np.bincount(task, minlength=n_tasks), out=start[1:])
    return start


def categories(source: VoteSource) -> tuple[str, ...] | None:
    """Return the categories, if every part has the same ordered ones."""
    kinds = {
        table.schema.field(name).type for table in source.tables for name in source.roles.labels
    }
    if not all(pt.is_dictionary(kind) and kind.ordered for kind in kinds):
        return None
    found: set[tuple[str, ...]] = set()
    for table in source.tables:
        for name in source.roles.labels:
            for batch in table.read(range(min(len(table.group_rows), 1)), (name,), 1024):
                found.add(as_text(batch.column(0).dictionary))
    return found.pop() if len(found) == 1 else None


def refuse_unknown(values: pa.Array, votes: npt.NDArray[np.int64], classes: VoteClasses) -> None:
    """Refuse labels that are no classes; ``votes`` counts how often each value is given."""
    unknown = np.flatnonzero((classes.codes_of(values) == NO_CODE) & (votes > 0))
    if not len(unknown):
        return
    names = as_text(values.take(numbers(unknown)))
    found = (
        f"{_plural(int(votes[unknown].sum()), 'vote')} for {listed(names, 6)}, which {_are(names)} "
        f"none of the classes {listed(classes.names, 6)} ({safe(classes.order)})."
    )
    raise InvalidDataError(
        [found],
        "Add what is missing to --classes, or name with --abstain what is no vote.",
    )


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _plural(number: int, noun: str) -> str:
    """Return the number and the noun, with an s unless it is one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def no_votes(source: VoteSource, classes: VoteClasses) -> NothingToAuditError:
    """Return the error that there is no vote."""
    where = source.tables[0].name
    if classes.abstained:
        return NothingToAuditError(
            f"{where} holds abstentions ({listed(classes.abstained)}) and no vote.",
            "Leave --abstain out if they are votes, or give a table with votes.",
        )
    return NothingToAuditError(
        f"{where} holds no vote: no row has a task, a worker and a label.",
        "Give a table with at least one vote.",
    )


def repeated(votes: int, task: str, worker: str) -> InvalidDataError:
    """Return the error that says how many votes are repeated, and which is the first."""
    found = (
        f"{_plural(votes, 'vote')} repeat an earlier one by the same worker on the same "
        f"task, the first by {safe(worker)} on {safe(task)}."
    )
    return InvalidDataError(
        [found], "Mend them, or say with --duplicates which of them count: last, first or all."
    )


def vote_warnings(counts: VoteCounts, options: VoteOptions) -> tuple[str, ...]:
    """Say which votes were left out, and which count of repeated ones."""
    said = []
    if counts.nameless:
        said.append(f"{_plural(counts.nameless, 'vote')} without a task or a worker: left out.")
    if counts.repeated:
        share = percent(counts.repeated / (counts.votes + counts.dropped))
        said.append(
            f"{_plural(counts.repeated, 'vote')} ({share}) repeat an earlier one by the same "
            f"worker on the same task, {counts.conflicting:,} times for another label: "
            f"{_KEPT[options.duplicates]}."
        )
    return tuple(said)


_KEPT = {
    "last": "the last of each counts",
    "first": "the first of each counts",
    "all": "all of them count, as if independent",
}
