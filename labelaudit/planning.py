"""Threads and memory: what an audit of a source may use, and what it expects to need."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelaudit.audits.rows import Rows
from labelaudit.audits.settings import AuditSettings
from labelaudit.running import Here, in_order, prefetched, threads_wanted
from labelaudit.shelves import MemoryShelf, SpillShelf, temporary_base
from labelaudit.tables.issue_spill import BYTES_PER_ISSUE, room_for_issues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from labelaudit.blocks import LabelBlock, Partition
    from labelaudit.cluster.grounds import Elsewhere
    from labelaudit.shelves import Shelf
    from labelaudit.tables.source import LabelSource

    Progress = Callable[[str, int, int], None]

__all__ = [
    "DEFAULT_MEMORY",
    "Budget",
    "Expectation",
    "expected",
    "expected_of_workers",
    "room_ahead",
    "working",
]

DEFAULT_MEMORY = 512 << 20
_OURSELVES = 360 << 20
_WORKING = 200 << 20
"""What is being decoded, fitted and added up at any time."""

# Measured: what is resident when it has started, and when 300,000 rows or more are fitted.
_STARTED = 230_000_000
_FITTING, _FITTING_BY_DECODED = 170_000_000, 12
_PER_LEARNT_ROW = 60
_LOOKED_AT = 1024
_AHEAD = 128 << 20
_PER_ROW = 90
_PER_ISSUE_IN_TEN = 60
_SHARE_OF_MACHINE = 0.6
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_LEAST_PIECES = 16 << 20
_PER_SCORED_ROW = 8
_SORTED_ISSUE = 200
_PER_PICKED_CELL = 14
_CELLS_TO_A_PICKED_ONE = 20
_PER_SORTED_ISSUE = 100
_PER_ROW_SCORE = 21


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an audit expects to need.

    Attributes
    ----------
    held : bool
        The decoded table fits, so that it is decoded once.
    memory : int
        Bytes, if a tenth of the rows is flagged.
    readings : int
        How often the table is decoded. Filters read most tables once, and again only what the
        leading classes of rows do not settle.
    spilled : int
        Bytes in temporary files: what is known of the rows and what is to be sorted, where it does
        not fit.
    folder : str
        Where these would be.
    each_worker : int
        Bytes that each worker of a cluster needs; memory is that of this process then.
    passes : int
        How many passes workers make, at least.
    """

    held: bool
    memory: int
    readings: int
    spilled: int = 0
    folder: str = ""
    each_worker: int = 0
    passes: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """How the memory is shared out.

    Attributes
    ----------
    blocks : int
        Bytes for decoded rows that are kept between readings.
    pieces : int or None
        Bytes for what is known of the rows; None where all of it fits.
    """

    blocks: int
    pieces: int | None

    @classmethod
    def of(cls, source: LabelSource, memory: int | None) -> Budget:
        """Share out the bytes that are allowed, or those of the machine."""
        most = memory or int(_SHARE_OF_MACHINE * _machine_memory())
        known = _known(source) + _PER_ISSUE_IN_TEN * source.rows
        if known + _WORKING > most:
            return cls(0, max((most - _WORKING) // 4, _LEAST_PIECES))
        spare = (memory or DEFAULT_MEMORY) - (_WORKING if memory else _OURSELVES) - known
        return cls(max(spare, 0), None)

    def shelf(self) -> Shelf:
        """Return a shelf of that size."""
        return MemoryShelf() if self.pieces is None else SpillShelf(self.pieces)


def _known(source: LabelSource) -> int:
    """Bytes of what is known of the rows between passes, if every twentieth cell may be wrong."""
    if source.understanding.task != "multilabel":
        return source.rows * _PER_ROW
    cells = source.rows * len(source.classes) // _CELLS_TO_A_PICKED_ONE
    return source.rows * _PER_SCORED_ROW + cells * _PER_PICKED_CELL


def _machine_memory() -> int:
    """Bytes that the machine has, or that this process is allowed."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in map(Path, _LIMITS):
        text = path.read_text() if path.is_file() else ""
        if text.strip().isdecimal():
            found.append(int(text))
    return min(found)


def expected(
    source: LabelSource, memory: int | None = None, settings: AuditSettings | None = None
) -> Expectation:
    """Reckon what the audit of a source will need.

    Parameters
    ----------
    source : LabelSource
    memory : int or None
        Bytes that are allowed.
    settings : AuditSettings or None
    """
    budget, decoded = Budget.of(source, memory), source.rows * source.decoder.row_bytes
    held, settings = decoded <= budget.blocks, settings or AuditSettings()
    readings = 1 if held else _readings(source, settings)
    sorted_on_disk = _sorted_on_disk(source, memory, settings)
    room = sys.maxsize if budget.pieces is None else budget.pieces
    # What is known of the rows is let go before the rest is sorted.
    spilled = max(_known(source) - room, sorted_on_disk, 0)
    needed = _STARTED + min(_FITTING, _FITTING_BY_DECODED * decoded)
    needed += min(_learnt(source), room) + min(decoded, budget.blocks)
    return Expectation(held, needed, readings, spilled, temporary_base() if spilled else "")


def _learnt(source: LabelSource) -> int:
    """Bytes that the process grows by, for what is known of the rows and what is flagged."""
    if source.understanding.task != "multilabel":
        return source.rows * _PER_LEARNT_ROW
    return _known(source) + _PER_ISSUE_IN_TEN * source.rows


def expected_of_workers(
    source: LabelSource,
    workers: int,
    threads: int,
    memory: int | None = None,
    settings: AuditSettings | None = None,
) -> Expectation:
    """Reckon what the audit of a source on a cluster will need.

    Parameters
    ----------
    source : LabelSource
    workers, threads : int
        How many workers there are, and threads of all of them.
    memory : int or None
        Bytes that are allowed here.
    settings : AuditSettings or None
    """
    from labelaudit.tables.issue_spill import BYTES_PER_ISSUE, issues_fit, room_for_issues

    asked, issues = settings or AuditSettings(), source.rows // 10
    fits = issues_fit(issues, memory=memory)
    here = _OURSELVES + (issues * BYTES_PER_ISSUE if fits else room_for_issues(memory))
    spilled = 0 if fits else issues * _SORTED_ISSUE
    multilabel = source.understanding.task == "multilabel"
    kept = 0 if multilabel else _known(source) // workers
    there = _OURSELVES + _WORKING * -(-threads // workers) + kept
    readings = _readings(source, asked)
    passes = readings if multilabel else _passes(source, asked)
    folder = temporary_base() if spilled else ""
    return Expectation(False, here, readings, spilled, folder, there, passes)


def _passes(source: LabelSource, settings: AuditSettings) -> int:
    """Return how many passes find single labels, if every guess of a cut holds."""
    from labelaudit.audits.selection import sketch_step

    channel = "rcp" in (settings.method, settings.ranking)
    return 8 + channel + 3 * (sketch_step(source.rows) > 1)


def _sorted_on_disk(source: LabelSource, memory: int | None, settings: AuditSettings) -> int:
    """Bytes of issues in temporary files, twice while they are sorted, and of the scores of rows.

    A tenth of the rows is taken to be flagged, or every twentieth pair of row and class.
    """
    room = room_for_issues(memory) // BYTES_PER_ISSUE
    if source.understanding.task != "multilabel":
        issues = source.rows if settings.every_row else source.rows // 10
        issues = min(issues, settings.top or issues)
        each = _PER_SORTED_ISSUE + _kept_bytes(source)
        return 2 * each * issues if issues > room else 0
    cells = source.rows * len(source.classes) // _CELLS_TO_A_PICKED_ONE
    cells = min(cells, settings.top or cells)
    sorted_cells = 2 * _PER_SORTED_ISSUE * cells if cells > room // 2 else 0
    return sorted_cells + (_PER_ROW_SCORE * source.rows if source.rows > 2 * room else 0)


def _kept_bytes(source: LabelSource) -> int:
    """Bytes that the columns to carry over have in a row, by some of the first rows."""
    kept = source.roles.keep
    for table in source.tables if kept else ():
        if table.group_rows:
            for batch in table.read(range(1), kept, _LOOKED_AT):
                size: int = batch.nbytes // max(batch.num_rows, 1)
                return size
    return 0


def room_ahead(threads: int | None, memory: int | None) -> int:
    """Return how many bytes of decoded rows may wait before an audit begins.

    Parameters
    ----------
    threads, memory : int or None
        What the user allows; where that is one thread, nothing is decoded beside others.
    """
    if threads_wanted(threads) == 1:
        return 0
    return _AHEAD if memory is None else min(_AHEAD, memory // 8)


def _readings(source: LabelSource, settings: AuditSettings) -> int:
    """Return how often a table that is not held is decoded."""
    if source.understanding.task == "multilabel":
        missing = settings.missing or settings.candidates
        return 2 + missing + settings.candidates + 2 * settings.relations
    return 2 if "rcp" in (settings.method, settings.ranking) or settings.adjust else 1


@dataclass(frozen=True, slots=True)
class _ReadAhead:
    """A partition that is decoded in one thread while another counts."""

    partition: Partition[LabelBlock]

    @property
    def first_row(self) -> int:
        return self.partition.first_row

    def blocks(self) -> Iterator[LabelBlock]:
        return prefetched(self.partition.blocks())


@contextmanager
def working(
    source: LabelSource,
    threads: int | None,
    memory: int | None,
    progress: Progress | None,
    elsewhere: Elsewhere | None = None,
) -> Iterator[Rows]:
    """Give the rows of a source with threads to work on them, for as long as they are needed.

    ``elsewhere`` says where passes over them run, if not in this process.
    """
    wanted = threads_wanted(threads)
    budget = Budget.of(source, memory)
    partitions = source.held(budget.blocks).partitions
    if wanted > len(partitions):
        partitions = tuple(_ReadAhead(partition) for partition in partitions)
    rows = Rows(
        partitions,
        source.rows,
        source.classes,
        len(source.understanding.prob_columns),
        numbered=source.numbered,
        progress=progress,
        where=elsewhere.ground if elsewhere else None,
    )
    with _closed(budget.shelf()) as shelf, _naming(source, elsewhere):
        if (
            elsewhere is not None
            and elsewhere.on is not None
            and source.understanding.task == "multilabel"
        ):
            yield replace(rows, on=elsewhere.on, partitions=source.partitions)
            return
        if wanted == 1:
            yield replace(rows, on=Here(), shelf=shelf)
            return
        with ThreadPoolExecutor(wanted) as pool:
            yield replace(rows, on=_Pool(pool, 4 * wanted), shelf=shelf)


def _naming(source: LabelSource, elsewhere: Elsewhere | None) -> AbstractContextManager[None]:
    """Name labels that are none of the classes, unless another engine holds the table."""
    held = elsewhere is not None and elsewhere.on is None
    if held or source.understanding.task == "multilabel":
        return nullcontext()
    from labelaudit.tables.strange_labels import naming_strange_labels

    return naming_strange_labels(source)


@contextmanager
def _closed(shelf: Shelf) -> Iterator[Shelf]:
    try:
        yield shelf
    finally:
        if isinstance(shelf, SpillShelf):
            shelf.close()


@dataclass(frozen=True, slots=True)
class _Pool:
    """A thread pool whose tasks that have not begun are dropped when one fails."""

    pool: ThreadPoolExecutor

    ahead: int

    def map(self, function: Callable[..., Any], *iterables: Any) -> Iterator[Any]:
        """Apply the function a little ahead of whoever takes the results, so that few wait."""
        try:
            yield from in_order(self.pool, function, zip(*iterables, strict=True), self.ahead)
        except BaseException:
            self.pool.shutdown(wait=False, cancel_futures=True)
            raise
