"""Where votes are kept while they are aggregated: in memory, or in files within a budget."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Self

from labelaudit.audits.crowd.building import in_runs, in_shards
from labelaudit.crowd import budget
from labelaudit.crowd.places import place_for
from labelaudit.crowd_findings import VoteWork
from labelaudit.running import threads_wanted
from labelaudit.shelves import TemporaryFolder
from labelaudit.tables.filed_table import TableFile, TableParts
from labelaudit.tables.filed_votes import FiledVotes, filed_votes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

    from labelaudit.audits.crowd.aggregating import CrowdSettings
    from labelaudit.audits.crowd.crowd import Crowd
    from labelaudit.blocks import VoteBlock
    from labelaudit.cluster.connecting import Cluster
    from labelaudit.crowd.places import Place
    from labelaudit.tables.vote_reading import Votes
    from labelaudit.tables.votes import VoteSource

__all__ = ["Disk", "Workplace", "at_work"]


@dataclass(slots=True)
class Workplace:
    """Votes, and where to work on them.

    Attributes
    ----------
    votes : Votes or FiledVotes
    crowd : Crowd
    results : TemporaryFolder or None
        Where tables of tasks go; None: they stay in memory.
    disk : Disk
    """

    votes: Votes | FiledVotes
    crowd: Crowd
    results: TemporaryFolder | None
    disk: Disk

    @property
    def in_files(self) -> bool:
        """Whether something did not fit in memory."""
        return self.results is not None

    @property
    def work(self) -> VoteWork:
        """How often the votes were gone through, now that all tables are there."""
        self.disk.look()
        return VoteWork(1, self.crowd.passes, self.disk.most)

    def table(self, name: str) -> TableFile | TableParts:
        """Return what takes a table of tasks or workers, part by part."""
        return TableParts() if self.results is None else TableFile(self.results, name)


@dataclass(slots=True)
class Disk:
    """Temporary folders, and how many bytes they hold at the most.

    Threads write there: it is closed after them. The results stay, unless something went wrong.

    Attributes
    ----------
    folders : list of TemporaryFolder
    results : TemporaryFolder or None
    most : int
    """

    folders: list[TemporaryFolder] = field(default_factory=list)
    results: TemporaryFolder | None = None
    most: int = 0

    def for_results(self) -> TemporaryFolder:
        """Make the folder that stays."""
        self.results = self.folder()
        return self.results

    def folder(self) -> TemporaryFolder:
        """Make another folder."""
        self.folders.append(TemporaryFolder())
        return self.folders[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for folder in self.folders:
            if kind is not None or folder is not self.results:
                folder.close()

    def look(self) -> None:
        """See how many bytes there are now."""
        self.most = max(self.most, sum(map(_bytes_in, self.folders)))


def _bytes_in(folder: TemporaryFolder) -> int:
    found = 0
    for path in folder.path.rglob("*"):
        with suppress(FileNotFoundError):  # numbers that nobody needs any more go at any time
            found += path.lstat().st_size
    return found


@contextmanager
def at_work(
    source: VoteSource,
    settings: CrowdSettings,
    cluster: str | Client | Cluster | None,
    threads: int | None,
    memory: int | None,
) -> Iterator[Workplace]:
    """Read the votes of a source, and keep them for as long as they are worked on.

    Parameters
    ----------
    source : VoteSource
    settings : CrowdSettings
    cluster : str or distributed.Client or Cluster or None
        Where to work, if not in this process.
    threads, memory : int or None

    Raises
    ------
    LabelauditError
        As ``budget.check_memory``, ``VoteSource.read`` and ``place_for`` say.
    """
    budget.check_memory(source, settings, memory)
    with Disk() as disk, place_for(settings, cluster, threads, memory) as place:
        at_once = max(threads_wanted(threads), place.threads)
        if memory is not None and budget.spills(source, memory):
            yield _in_files(source, memory, at_once, place, disk)
            return
        votes = source.read()
        here = place.tasks is None
        if here and memory is not None and budget.needed(source, votes.block) > memory:
            budget.check_held(votes.block, settings, memory)
            yield _cut(votes, memory, at_once, place, disk)
            return
        yield Workplace(votes, place.crowd(votes.block), None, disk)


def _in_files(source: VoteSource, memory: int, threads: int, place: Place, disk: Disk) -> Workplace:
    """Keep the votes in files, and what is learnt of workers in memory."""
    room = budget.room_for_votes(memory)
    results, folder = disk.for_results(), disk.folder()
    costs = partial(budget.costs, room, threads)
    filed = filed_votes(source, folder.path, room // 2, costs, disk.look)
    budget.check_pairs(filed, memory)
    crowd = in_shards(
        filed.blocks, filed.sizes, on=place.on, folder=folder.path, ground=place.ground
    )
    crowd.watch = disk.look
    return Workplace(filed, crowd, results, disk)


def _cut(votes: Votes, memory: int, threads: int, place: Place, disk: Disk) -> Workplace:
    """Keep what is known of tasks in files: the votes fit, and their tasks times classes do not."""
    block = votes.block
    costs = budget.costs(budget.room_beside(block, memory), threads, *_sizes(block))
    size = block.n_votes * costs.row + block.n_tasks * costs.task
    results, folder = disk.for_results(), disk.folder()
    blocks = list(in_runs(block, -(-size // costs.most)))
    crowd = in_shards(blocks, _sizes(block), on=place.on, folder=folder.path)
    crowd.watch = disk.look
    return Workplace(votes, crowd, results, disk)


def _sizes(votes: VoteBlock) -> tuple[int, int]:
    return votes.n_workers, votes.n_classes
