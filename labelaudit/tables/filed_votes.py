"""More votes than fit in memory, read once and grouped by task in files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelaudit.blocks import VoteBlock
from labelaudit.crowd_findings import VoteCounts
from labelaudit.errors import UsageError
from labelaudit.running import give_back_memory
from labelaudit.shelves import loaded_arrays, save_arrays, spilling
from labelaudit.tables.gold_parts import gold_parts
from labelaudit.tables.vote_classes import ABSTAINED, vote_classes
from labelaudit.tables.vote_codes import NO_CODE, Encoder, as_text
from labelaudit.tables.vote_entries import Entries
from labelaudit.tables.vote_groups import CodedVotes, grouped, repeated_places
from labelaudit.tables.vote_reading import (
    BATCH_ROWS,
    Columns,
    categories,
    no_votes,
    read_columns,
    refuse_strangers,
    refuse_unknown,
    repeated,
    task_starts,
    vote_warnings,
    wrapped_ids,
)
from labelaudit.tables.vote_roles import ALL_OTHERS
from labelaudit.tables.vote_runs import Costs, VoteRuns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    from labelaudit.tables.gold_parts import GoldParts
    from labelaudit.tables.vote_classes import VoteClasses
    from labelaudit.tables.vote_runs import TaskPart
    from labelaudit.tables.votes import VoteSource

    Codes = npt.NDArray[np.int32]

__all__ = ["FiledBlock", "FiledVotes", "filed_votes"]

_ROW_BYTES = 80
"""Of a row that waits to be sorted: its codes, their order, and the copy that is written."""
_TEXT_COPIES = 8
_MOST_LABELS = 1_000_000
_SMALL = np.dtype(np.int32)


@dataclass(frozen=True, slots=True)
class FiledBlock:
    """The votes of some tasks in a file; a ``VotesRecipe``.

    Attributes
    ----------
    path, ids : Path
        The arrays of the block, and the ids of its tasks.
    sizes : (int, int)
        Number of workers and of classes.
    """

    path: Path
    ids: Path
    sizes: tuple[int, int]

    def block(self) -> VoteBlock:
        """Read the votes."""
        task_start, worker, label, gold = loaded_arrays(self.path)
        return VoteBlock(task_start, worker, label, gold, *self.sizes)


@dataclass(frozen=True, slots=True)
class FiledVotes:
    """Votes as numbers in files, and what the numbers stand for.

    Attributes
    ----------
    blocks : tuple of FiledBlock
        Tasks in their order.
    workers : pyarrow.Array
        (W,) ids, ascending, in the type of the input.
    classes : VoteClasses
    counts : VoteCounts
    warnings : tuple of str
    source : VoteSource
    """

    blocks: tuple[FiledBlock, ...]
    workers: pa.Array
    classes: VoteClasses
    counts: VoteCounts
    warnings: tuple[str, ...]
    source: VoteSource

    @property
    def sizes(self) -> tuple[int, int]:
        """Number of workers and of classes."""
        return len(self.workers), len(self.classes.names)

    @property
    def task_ids(self) -> Iterator[pa.Array]:
        """The ids of the tasks of each block."""
        for each in self.blocks:
            with spilling(each.ids.parent), pa.OSFile(str(each.ids)) as file:
                ids = pa.ipc.open_file(file).read_all()["task"].combine_chunks()
            whole = pa.concat_arrays(ids.chunks) if isinstance(ids, pa.ChunkedArray) else ids
            yield wrapped_ids(whole, self.source, self.source.roles.task)


def filed_votes(
    source: VoteSource,
    folder: Path,
    memory: int,
    costs: Callable[[int, int], Costs],
    spilled: Callable[[], None],
) -> FiledVotes:
    """Read all votes of a source; what it raises is listed at ``VoteSource.read``.

    Parameters
    ----------
    source : VoteSource
    folder : Path
        Where the votes go.
    memory : int
        Bytes to take, about.
    costs : callable
        Says, given the number of workers and of classes, how large the blocks may be.
    spilled : callable
        Called when the folder is at its fullest.
    """
    columns = _SpilledColumns(source, _made(folder, "runs"), memory)
    read_columns(source, columns, BATCH_ROWS)
    columns.flush()
    _give_back()
    parts = _Parts(columns, source)
    sizes = len(parts.workers), len(parts.classes.names)
    blocks = []
    for number, part in enumerate(columns.runs.parts(costs(*sizes))):
        block = FiledBlock(folder / f"votes-{number}", folder / f"tasks-{number}", sizes)
        parts.write(part, block)
        blocks.append(block)
    spilled()
    columns.runs.remove()
    _give_back()
    return parts.done(tuple(blocks))


def _give_back() -> None:
    """Return to the system what reading has taken: what comes next takes other things."""
    pa.default_memory_pool().release_unused()
    give_back_memory()


def _made(folder: Path, name: str) -> Path:
    with spilling(folder):
        (folder / name).mkdir()
    return folder / name


class _SpilledColumns(Columns):
    """Codes rows while they are read, and writes them in runs that are sorted by task."""

    def __init__(self, source: VoteSource, folder: Path, memory: int) -> None:
        super().__init__(source)
        self.memory = memory
        self.worker, self.label, self.gold = Entries(), Entries(), Entries()
        self.kinds: dict[str, np.dtype[Any]] = {"worker": _SMALL, "label": _SMALL}
        if source.roles.gold is not None:
            self.kinds["gold"] = _SMALL
        if source.options.duplicates == "error":
            self.kinds["row"] = np.dtype(np.int64)
        self.runs = VoteRuns(folder, self.kinds)
        self.task = Encoder()
        self.waiting: list[dict[str, npt.NDArray[Any]]] = []
        self.held = self.taken = self.nameless = self.unlabelled = 0
        self.cast = np.zeros(0, np.int64)
        self.pairs = np.empty(0, np.int64)
        self.wide = source.roles.origins["worker"] == ALL_OTHERS

    def take(self, task: pa.Array, worker: pa.Array, label: pa.Array, gold: pa.Array) -> None:
        """Take who said what of which task, and the known labels of these tasks."""
        n, met = len(task), len(self.task.dictionaries)
        self.task.add(task)
        for dictionary in self.task.dictionaries[met:]:
            self.held += _TEXT_COPIES * dictionary.nbytes
        found: dict[str, npt.NDArray[Any]] = {
            "worker": self.worker.numbered(worker),
            "label": self.label.numbered(label),
        }
        if "gold" in self.kinds:
            found["gold"] = self.gold.numbered(gold)
        if "row" in self.kinds:
            found["row"] = np.arange(self.taken, self.taken + n)
        self.taken += n
        self.held += _ROW_BYTES * n
        self.waiting.append(found)
        if self.label.total > _MOST_LABELS:
            raise UsageError(
                f"There are more than {_MOST_LABELS:,} different labels, which cannot be classes.",
                "Say which column holds the labels with --label-column.",
            )
        if self.held > self.memory:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait as a run."""
        if not self.waiting:
            return
        columns = {
            name: np.concatenate([each[name] for each in self.waiting]) for name in self.kinds
        }
        self.waiting.clear()
        said, named = columns["label"] >= 0, columns["worker"] >= 0
        useful = said & named
        if "gold" in columns:
            useful |= columns["gold"] >= 0
        task = self.runs.add(self.task, columns, useful)
        named &= task >= 0
        self.nameless += int(np.count_nonzero(said & ~named))
        self.unlabelled += int(np.count_nonzero(~said))
        self._count(columns, said & named)
        self.task, self.held = Encoder(), 0

    def _count(self, columns: dict[str, npt.NDArray[Any]], cast: npt.NDArray[np.bool_]) -> None:
        """Count the votes for each label; of inferred workers note which labels they gave."""
        labels = columns["label"][cast]
        more = np.zeros(self.label.total - len(self.cast), np.int64)
        counted = np.bincount(labels, minlength=self.label.total)
        self.cast = np.concatenate([self.cast, more]) + counted
        if self.wide:
            pairs = columns["worker"][cast].astype(np.int64) << 32 | labels
            self.pairs = np.union1d(self.pairs, pairs)


@dataclass(slots=True)
class _Tally:
    """What is counted part by part."""

    votes: int = 0
    repeated: int = 0
    conflicting: int = 0
    gold: int = 0
    first: tuple[int, str, str] | None = None


class _Parts:
    """Makes blocks of parts, one after another."""

    def __init__(self, columns: _SpilledColumns, source: VoteSource) -> None:
        self.columns, self.source = columns, source
        self.workers, self.worker = columns.worker.finish(pa.string())
        values, place = columns.label.finish(pa.string())
        self.classes = vote_classes(values, source.roles, source.options, categories(source))
        refuse_unknown(values, columns.label.used(place, len(values)), self.classes)
        self.label = np.append(self.classes.codes_of(values), np.int32(NO_CODE))[place]
        if not columns.cast[self.label[:-1] >= 0].sum():
            raise no_votes(source, self.classes)
        if columns.wide:
            self._refuse_strangers()
        self.gold: GoldParts = gold_parts(source, self.classes, self._gold_column())
        self.tally = _Tally()

    def _gold_column(self) -> tuple[pa.Array, Codes] | None:
        if self.source.roles.gold is None:
            return None
        return self.columns.gold.finish(pa.string())

    def _refuse_strangers(self) -> None:
        number, said = self.columns.pairs >> 32, self.columns.pairs & (2**32 - 1)
        label, n_labels = self.label[said], len(self.classes.names)
        pairs = self.worker[number].astype(np.int64) * n_labels + label
        refuse_strangers(np.unique(pairs[label >= 0]), n_labels, self.workers)

    def write(self, part: TaskPart, block: FiledBlock) -> None:
        """Write the votes of a part, and the ids of its tasks."""
        worker = self.worker[part.columns["worker"]]
        label = self.label[part.columns["label"]]
        counts = (label >= 0) & (worker >= 0)
        cast = CodedVotes(part.task, worker, label).take(counts)
        duplicates, n_workers = self.source.options.duplicates, len(self.workers)
        kept, repeats = grouped(cast, n_workers, "last" if duplicates == "error" else duplicates)
        if repeats.votes and duplicates == "error":
            self._note_first(part, cast, part.columns["row"][counts])
        gold = self.gold.of(part)
        self.tally.votes += len(kept.task)
        self.tally.repeated += repeats.votes
        self.tally.conflicting += repeats.conflicting
        self.tally.gold += int((gold >= 0).sum())
        save_arrays(
            block.path, task_starts(kept.task, len(part.tasks)), kept.worker, kept.label, gold
        )
        table = pa.table({"task": part.tasks})
        with (
            spilling(block.ids.parent),
            block.ids.open("wb", 1 << 18) as sink,
            pa.ipc.new_file(sink, table.schema) as writer,
        ):
            writer.write_table(table)

    def _note_first(self, part: TaskPart, cast: CodedVotes, row: npt.NDArray[np.int64]) -> None:
        """Note which vote is the first in the input that repeats an earlier one."""
        again = repeated_places(cast, len(self.workers))
        place = again[np.argmin(row[again])]
        if self.tally.first is None or row[place] < self.tally.first[0]:
            task = as_text(part.tasks.slice(int(cast.task[place]), 1))[0]
            worker = as_text(self.workers.slice(int(cast.worker[place]), 1))[0]
            self.tally.first = int(row[place]), task, worker

    def done(self, blocks: tuple[FiledBlock, ...]) -> FiledVotes:
        """Return all blocks, or tell what was wrong with them."""
        columns, tally, source = self.columns, self.tally, self.source
        if tally.first is not None:
            raise repeated(tally.repeated, *tally.first[1:])
        self.gold.check()
        cast = int(columns.cast[self.label[:-1] >= 0].sum())
        counts = VoteCounts(
            rows=columns.rows,
            votes=tally.votes,
            abstained=int(columns.cast[self.label[:-1] == ABSTAINED].sum()),
            null_labels=columns.unlabelled if source.roles.label is not None else 0,
            nameless=columns.nameless,
            repeated=tally.repeated,
            conflicting=tally.conflicting,
            dropped=cast - tally.votes,
            gold=tally.gold,
        )
        warnings = (*vote_warnings(counts, source.options), *self.classes.warnings)
        workers = wrapped_ids(self.workers, source, source.roles.worker)
        return FiledVotes(blocks, workers, self.classes, counts, warnings, source)
