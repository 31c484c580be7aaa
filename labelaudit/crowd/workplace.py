"""Where votes are kept while they are aggregated: in memory, or in files within a budget."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from labelaudit.audits.crowd.building import in_shards
from labelaudit.audits.crowd.methods import FITS
from labelaudit.audits.crowd.soft_labels import AVERAGED
from labelaudit.crowd.places import place_for
from labelaudit.crowd_findings import VoteWork
from labelaudit.errors import EnvironmentalError
from labelaudit.running import threads_wanted
from labelaudit.shelves import TemporaryFolder
from labelaudit.tables.filed_table import TableFile, TableParts
from labelaudit.tables.filed_votes import FiledVotes, filed_votes
from labelaudit.tables.vote_runs import Costs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

    from labelaudit.audits.crowd.aggregating import CrowdSettings
    from labelaudit.audits.crowd.crowd import Crowd
    from labelaudit.cluster.connecting import Cluster
    from labelaudit.crowd.places import Place
    from labelaudit.tables.vote_reading import Votes
    from labelaudit.tables.votes import VoteSource

__all__ = [
    "Disk",
    "Workplace",
    "at_work",
    "check_memory",
    "check_pairs",
    "room_for_votes",
    "spills",
]

_OURSELVES = 270_000_000
"""The interpreter, its libraries, and a batch of the table that is being decoded."""

_LEAST_ROOM = 60_000_000
_VOTE_BYTES = 64
_CELL_BYTES = 80
"""Of a task and class, in all that is made of them at once while a shard is looked at."""
_PAIR_TABLES = 8
PASSING = "auto or dawid-skene"


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
    def work(self) -> VoteWork:
        """How often the votes were gone through, now that all tables are there."""
        self.disk.look()
        return VoteWork(1, self.crowd.passes, self.disk.most)

    def table(self, name: str) -> TableFile | TableParts:
        """Return what takes a table of tasks or workers, part by part."""
        return TableParts() if self.results is None else TableFile(self.results, name)


@dataclass(slots=True)
class Disk:
    """How many bytes temporary folders hold at the most.

    Attributes
    ----------
    folders : list of TemporaryFolder
    most : int
    """

    folders: list[TemporaryFolder] = field(default_factory=list)
    most: int = 0

    def folder(self) -> TemporaryFolder:
        """Make another folder."""
        self.folders.append(TemporaryFolder())
        return self.folders[-1]

    def look(self) -> None:
        """See how many bytes there are now."""
        self.most = max(self.most, sum(map(_bytes_in, self.folders)))


def _bytes_in(folder: TemporaryFolder) -> int:
    found = 0
    for path in folder.path.rglob("*"):
        with suppress(FileNotFoundError):  # numbers that nobody needs any more go at any time
            found += path.lstat().st_size
    return found


def spills(source: VoteSource, memory: int | None) -> bool:
    """Say whether the votes do not fit in the memory that is allowed."""
    return memory is not None and source.memory_expected > memory


def check_memory(source: VoteSource, settings: CrowdSettings, memory: int | None) -> None:
    """Refuse what holds all votes at once where they do not fit.

    Raises
    ------
    EnvironmentalError
        If the method, or a table that is asked for, needs more than is allowed.
    """
    if memory is None or not spills(source, memory):
        return
    if memory < _OURSELVES + _LEAST_ROOM:
        raise _too_much(
            "Aggregating votes from files", _OURSELVES + _LEAST_ROOM, memory, "Raise --memory."
        )
    for what, name, remedy in _asked(settings):
        if name not in FITS:
            raise _too_much(
                f"{what}, which holds all votes at once,",
                source.memory_expected,
                memory,
                f"Raise --memory, or {remedy}.",
            )


def _too_much(what: str, needed: int, memory: int, remedy: str) -> EnvironmentalError:
    return EnvironmentalError(
        f"{what} is expected to need about {needed / 1e6:,.0f} MB, and --memory allows "
        f"{memory / 1e6:,.0f} MB.",
        remedy,
    )


def _asked(settings: CrowdSettings) -> Iterator[tuple[str, str, str]]:
    """Yield what is asked for, the method behind it, and what to ask for instead."""
    yield f"The method {settings.method}", settings.method, f"choose another one, such as {PASSING}"
    if "top-two" in settings.extras:
        yield "The top-two table", "top-two", "leave that table out"
    if "soft" in settings.extras:
        members = AVERAGED if settings.soft == "average" else (settings.soft,)
        for member in members:
            if member not in ("share", "softmax"):
                yield f"--soft {settings.soft}", member, "add --soft auto or --soft share"


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
        As ``check_memory``, ``VoteSource.read`` and ``place_for`` say.
    """
    check_memory(source, settings, memory)
    disk = Disk()
    with place_for(settings, cluster, threads, memory) as place:
        if memory is not None and spills(source, memory):
            at_once = max(threads_wanted(threads), place.threads)
            with _in_files(source, memory, at_once, place, disk) as found:
                yield found
            return
        votes = source.read()
        yield Workplace(votes, place.crowd(votes.block), None, disk)


@contextmanager
def _in_files(
    source: VoteSource, memory: int, threads: int, place: Place, disk: Disk
) -> Iterator[Workplace]:
    """Keep the votes in files, and what is learnt of workers in memory."""
    room = room_for_votes(memory)
    results = disk.folder()
    try:
        with disk.folder() as folder:
            costs = partial(_costs, room, threads)
            filed = filed_votes(source, folder.path, room // 2, costs, disk.look)
            check_pairs(filed, memory)
            crowd = in_shards(
                filed.blocks, filed.sizes, on=place.on, folder=folder.path, ground=place.ground
            )
            crowd.watch = disk.look
            yield Workplace(filed, crowd, results, disk)
    except BaseException:
        results.close()
        raise


def room_for_votes(memory: int) -> int:
    """Return how many bytes votes, and what is worked out from them, may take at any time."""
    return memory - _OURSELVES


def _costs(room: int, threads: int, workers: int, classes: int) -> Costs:
    """Say how large a block may be, of which each thread works on one."""
    del workers
    return Costs(_VOTE_BYTES, classes * _CELL_BYTES, max(room // (4 * threads), 1))


def check_pairs(votes: FiledVotes, memory: int) -> None:
    """Refuse to learn more of workers than there is room for."""
    workers, classes = votes.sizes
    pairs = min(workers * classes, votes.counts.votes)
    needed = (pairs + 2 * workers) * classes * 8 * _PAIR_TABLES
    if needed > room_for_votes(memory):
        raise _too_much(
            f"What is learnt of {workers:,} workers over {classes:,} classes",
            _OURSELVES + needed,
            memory,
            "Raise --memory, or aggregate the votes of fewer workers or classes at a time.",
        )
