"""Recipes for the rows of a table, as they are sent to workers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from labelaudit.cluster.parcels import packed
from labelaudit.errors import UsageError
from labelaudit.tables.label_source import GroupsPartition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from distributed import Future

    from labelaudit.blocks import Partition
    from labelaudit.cluster.tasks import Tasks
    from labelaudit.tables.source import LabelSource
    from labelaudit.tables.table import InputTable

__all__ = ["Portion", "Recipe", "demand_files", "opened", "parts_wanted", "recipes"]

_TASKS_A_THREAD = 16
_MOST_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Portion:
    """Consecutive rows that one task reads.

    Attributes
    ----------
    parts : tuple of Partition
        In row order.
    """

    parts: tuple[Partition[Any], ...]

    @property
    def first_row(self) -> int:
        """0-based row in the whole input of the first row."""
        return self.parts[0].first_row

    def blocks(self) -> Iterator[Any]:
        """Read the rows, in order."""
        return chain.from_iterable(part.blocks() for part in self.parts)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A portion as it travels: what many of them share is on the cluster already.

    Attributes
    ----------
    first_row : int
    decoder : Future of Decoder
    tables : list of Future of InputTable
    parts : tuple of (int, int, int, range)
        Of each part, which of the tables it is of, the first row, the rows, and the row groups.
    """

    first_row: int
    decoder: Future
    tables: list[Future]
    parts: tuple[tuple[int, int, int, range], ...]


def opened(
    decoder: Any, tables: Sequence[InputTable], parts: Sequence[tuple[int, int, int, range]]
) -> Portion:
    """Put a portion together from what has travelled."""
    return Portion(
        tuple(
            GroupsPartition(first_row, rows, tables[at], groups, decoder)
            for at, first_row, rows, groups in parts
        )
    )


def demand_files(source: LabelSource) -> None:
    """Refuse a table that only this process can read.

    Raises
    ------
    UsageError
        If it is in memory, or was read from a pipe.
    """
    here = [table.name for table in source.tables if not table.path]
    here += [name for name in source.understanding.files if name == "standard input"]
    if here:
        raise UsageError(
            f"Workers of a cluster cannot read {here[0]}.",
            "Write it to a file that all of them see under the same path, or to a bucket.",
        )


def parts_wanted(source: LabelSource, threads: int) -> int:
    """Return how many portions a table is cut into, about.

    There are some for each thread of the cluster, so that threads that are done early find more to
    do, and none has so many rows that what is known of them would not fit beside others.
    """
    wanted = max(_TASKS_A_THREAD * threads, -(-source.rows // _MOST_ROWS))
    return min(wanted, len(source.partitions))


def recipes(tasks: Tasks, source: LabelSource) -> list[Recipe]:
    """Share partitions out to tasks, and send what these have in common."""
    size = -(-len(source.partitions) // parts_wanted(source, tasks.cluster.threads))
    partitions = [each for each in source.partitions if isinstance(each, GroupsPartition)]
    known: dict[int, Future] = {}

    def held(value: object) -> Future:
        if id(value) not in known:
            known[id(value)] = tasks.held(packed(value))
        return known[id(value)]

    found = []
    for at in range(0, len(partitions), size):
        parts = partitions[at : at + size]
        tables = {id(part.table): part.table for part in parts}
        place = {key: n for n, key in enumerate(tables)}
        found.append(
            Recipe(
                parts[0].first_row,
                held(parts[0].decoder),
                [held(table) for table in tables.values()],
                tuple(
                    (place[id(part.table)], part.first_row, part.rows, part.groups)
                    for part in parts
                ),
            )
        )
    return found
