"""Threads and memory: what an audit of a source may use, and what it expects to need."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from labelaudit.audits.rows import Rows
from labelaudit.running import Here, prefetched, threads_wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from labelaudit.blocks import LabelBlock, Partition
    from labelaudit.tables.source import LabelSource

    Progress = Callable[[str, int, int], None]

__all__ = ["DEFAULT_MEMORY", "Expectation", "expected", "working"]

DEFAULT_MEMORY = 512 << 20
_OURSELVES = 360 << 20
_PER_ROW = 100
_PER_ISSUE_IN_TEN = 60


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an audit expects to need.

    Attributes
    ----------
    held : bool
        The decoded table fits, so that it is decoded once.
    memory : int
        Bytes, if a tenth of the rows is flagged.
    """

    held: bool
    memory: int


def expected(source: LabelSource, memory: int | None = None) -> Expectation:
    """Reckon what the audit of a source will need.

    Parameters
    ----------
    source : LabelSource
    memory : int or None
        Bytes to aim at.
    """
    spare, decoded = _spare(source, memory), source.rows * source.decoder.row_bytes
    per_row = source.rows * (_PER_ROW + _PER_ISSUE_IN_TEN)
    return Expectation(decoded <= spare, _OURSELVES + per_row + min(decoded, spare))


def _spare(source: LabelSource, memory: int | None) -> int:
    """Bytes that are left for decoded blocks."""
    return max((memory or DEFAULT_MEMORY) - _OURSELVES - _PER_ROW * source.rows, 0)


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
    source: LabelSource, threads: int | None, memory: int | None, progress: Progress | None
) -> Iterator[Rows]:
    """Give the rows of a source with threads to work on them, for as long as they are needed."""
    wanted = threads_wanted(threads)
    partitions = source.held(_spare(source, memory)).partitions
    if wanted > len(partitions):
        partitions = tuple(_ReadAhead(partition) for partition in partitions)
    rows = Rows(
        partitions,
        source.rows,
        source.classes,
        len(source.understanding.prob_columns),
        numbered=source.numbered,
        progress=progress,
    )
    if wanted == 1:
        yield replace(rows, on=Here())
        return
    with ThreadPoolExecutor(wanted) as pool:
        yield replace(rows, on=_Pool(pool))


@dataclass(frozen=True, slots=True)
class _Pool:
    """A thread pool whose tasks that have not begun are dropped when one fails."""

    pool: ThreadPoolExecutor

    def map(self, function: Callable[..., Any], *iterables: Any) -> Iterator[Any]:
        try:
            yield from self.pool.map(function, *iterables)
        except BaseException:
            self.pool.shutdown(wait=False, cancel_futures=True)
            raise
