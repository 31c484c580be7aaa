"""Batches of a table of votes to coded votes, grouped by task."""

from __future__ import annotations

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
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from labelaudit.tables.vote_groups import Repeats
    from labelaudit.tables.vote_options import VoteOptions
    from labelaudit.tables.votes import VoteSource

    Codes = npt.NDArray[np.int32]

__all__ = ["Votes", "read_votes"]

_BATCH_ROWS = 1 << 19
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
    columns, roles = _Columns(source), source.roles
    rows = max(_BATCH_ROWS // len(roles.columns), 4096)
    for table in source.tables:
        for batch in table.read(range(len(table.group_rows)), roles.columns, rows):
            columns.add(batch)
    return _votes(columns, source)


class _Columns:
    """Takes batches; holds codes of whatever was said, and of every task, in row order."""

    def __init__(self, source: VoteSource) -> None:
        self.roles = source.roles
        self.tables = source.tables
        self.task, self.worker, self.label, self.gold = (Encoder() for _ in range(4))
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        roles, n = self.roles, batch.num_rows
        if roles.task is None:
            task = numbers(numbered(self.tables, np.arange(self.rows, self.rows + n)))
        else:
            task = batch.column(roles.task)
        self.rows += n
        gold = pa.nulls(n) if roles.gold is None else batch.column(roles.gold)
        if roles.worker is not None:
            self._take(task, batch.column(roles.worker), batch.column(roles.labels[0]), gold)
            return
        task = encoded(task)
        self._take(task, pa.nulls(n), pa.nulls(n), gold)  # a task is one, asked or not
        for name in roles.wide:
            label = plain_values(batch.column(name))
            rows = numbers(np.flatnonzero(~null_mask(label)))
            worker = pa.DictionaryArray.from_arrays(
                numbers(np.zeros(len(rows), np.int32)), strings([name]).cast(pa.string())
            )
            self._take(task.take(rows), worker, label.take(rows), pa.nulls(len(rows)))

    def _take(self, task: pa.Array, worker: pa.Array, label: pa.Array, gold: pa.Array) -> None:
        self.task.add(task)
        self.worker.add(worker)
        self.label.add(label)
        if self.roles.gold is not None:
            self.gold.add(gold)


def _votes(columns: _Columns, source: VoteSource) -> Votes:
    options = source.options
    tasks, task = columns.task.finish(pa.string())
    workers, worker = columns.worker.finish(pa.string())
    values, said = columns.label.finish(pa.string())
    classes = vote_classes(values, source.roles, options, _categories(source))
    code = np.append(classes.codes_of(values), np.int32(NO_CODE))
    label = code[said]
    _refuse_unknown(values, said, label, classes)
    nameless = (said >= 0) & ((task < 0) | (worker < 0))
    cast = CodedVotes(task, worker, label).take((label >= 0) & ~nameless)
    if not len(cast.task):
        raise _no_votes(source, classes)
    if source.roles.origins["worker"] == ALL_OTHERS:
        _refuse_strangers(cast, workers)
    keep = "last" if options.duplicates == "error" else options.duplicates
    kept, repeats = grouped(cast, len(workers), keep)
    if options.duplicates == "error" and repeats.votes:
        raise _repeated(repeats, cast, tasks, workers)
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
        task_start=_starts(kept.task, len(tasks)),
        worker=kept.worker,
        label=kept.label,
        gold=gold,
        n_workers=len(workers),
        n_classes=len(classes.names),
    )
    warnings = (*_warnings(counts, options), *classes.warnings)
    schema = source.tables[0].schema
    if source.roles.task is not None:
        tasks = _wrapped(tasks, schema.field(source.roles.task).type)
    if source.roles.worker is not None:
        workers = _wrapped(workers, schema.field(source.roles.worker).type)
    return Votes(block, tasks, workers, classes, counts, warnings)


def _wrapped(ids: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return ids as the input's extension type, if it has one."""
    if isinstance(kind, pa.BaseExtensionType) and kind.storage_type == ids.type:
        return pa.ExtensionArray.from_storage(kind, ids)
    return ids


def _refuse_strangers(cast: CodedVotes, workers: pa.Array) -> None:
    """Refuse a column that was taken for a worker's, but has many labels of its own and no other.

    It may hold the text of the item, or anything else.
    """
    n_labels = int(cast.label.max()) + 1
    pairs = np.unique(cast.worker.astype(np.int64) * n_labels + cast.label)
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


def _starts(task: Codes, n_tasks: int) -> npt.NDArray[np.int64]:
    start = np.zeros(n_tasks + 1, np.int64)
    np.cumsum(np.bincount(task, minlength=n_tasks), out=start[1:])
    return start


def _categories(source: VoteSource) -> tuple[str, ...] | None:
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


def _refuse_unknown(values: pa.Array, said: Codes, label: Codes, classes: VoteClasses) -> None:
    unknown = np.flatnonzero((said >= 0) & (label == NO_CODE))
    if not len(unknown):
        return
    names = as_text(values.take(numbers(np.unique(said[unknown]))))
    found = (
        f"{_plural(len(unknown), 'vote')} for {listed(names, 6)}, which {_are(names)} none of "
        f"the classes {listed(classes.names, 6)} ({safe(classes.order)})."
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


def _no_votes(source: VoteSource, classes: VoteClasses) -> NothingToAuditError:
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


def _repeated(
    repeats: Repeats, cast: CodedVotes, tasks: pa.Array, workers: pa.Array
) -> InvalidDataError:
    task = as_text(tasks.slice(int(cast.task[repeats.first]), 1))[0]
    worker = as_text(workers.slice(int(cast.worker[repeats.first]), 1))[0]
    found = (
        f"{_plural(repeats.votes, 'vote')} repeat an earlier one by the same worker on the same "
        f"task, the first by {safe(worker)} on {safe(task)}."
    )
    return InvalidDataError(
        [found], "Mend them, or say with --duplicates which of them count: last, first or all."
    )


def _warnings(counts: VoteCounts, options: VoteOptions) -> tuple[str, ...]:
    said = []
    if counts.nameless:
        said.append(f"{_plural(counts.nameless, 'vote')} without a task or a worker: left out.")
    if counts.repeated:
        share = counts.repeated / (counts.votes + counts.dropped)
        said.append(
            f"{_plural(counts.repeated, 'vote')} ({share:.1%}) repeat an earlier one by the same "
            f"worker on the same task, {counts.conflicting:,} times for another label: "
            f"{_KEPT[options.duplicates]}."
        )
    return tuple(said)


_KEPT = {
    "last": "the last of each counts",
    "first": "the first of each counts",
    "all": "all of them count, as if independent",
}
