"""How much memory an aggregation may use, and what it is expected to need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labelaudit.audits.crowd.methods import FITS
from labelaudit.audits.crowd.soft_labels import AVERAGED
from labelaudit.errors import EnvironmentalError
from labelaudit.shelves import temporary_base
from labelaudit.tables.vote_runs import Costs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelaudit.audits.crowd.aggregating import CrowdSettings
    from labelaudit.blocks import VoteBlock
    from labelaudit.tables.filed_votes import FiledVotes
    from labelaudit.tables.votes import VoteSource

__all__ = [
    "PASSING",
    "check_held",
    "check_memory",
    "check_pairs",
    "costs",
    "expected",
    "needed",
    "room_beside",
    "room_for_votes",
    "spills",
]

_OURSELVES = 270_000_000
"""The interpreter, its libraries, and a batch of the table that is being decoded."""

_LEAST_ROOM = 60_000_000
_VOTE_BYTES = 64
_CELL_BYTES = 80
"""Of a task and class, in all that is made of them at once while a shard is looked at."""
_HELD_BYTES = 40
_SPILLED_BYTES = 80
_PAIR_TABLES = 8
PASSING = "auto or dawid-skene"


def spills(source: VoteSource, memory: int | None) -> bool:
    """Say whether the votes do not fit in the memory that is allowed."""
    return memory is not None and source.memory_expected > memory


def expected(source: VoteSource, memory: int | None) -> tuple[int, int, str]:
    """Reckon the memory and the bytes of temporary files that votes will need, and say where."""
    if memory is None or not spills(source, memory):
        return source.memory_expected, 0, ""
    return memory, source.cells * _SPILLED_BYTES, temporary_base()


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
        least = min(_OURSELVES + _LEAST_ROOM, source.memory_expected)
        raise _too_much("Aggregating these votes", least, memory, "Raise --memory.")
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


def needed(source: VoteSource, votes: VoteBlock) -> int:
    """Reckon how much memory votes need that have been read: now the classes are known."""
    tables = votes.n_tasks * votes.n_classes * _CELL_BYTES
    return max(source.memory_expected, _OURSELVES + votes.n_votes * _HELD_BYTES + tables)


def room_beside(votes: VoteBlock, memory: int) -> int:
    """Return how many bytes are left for what is known of tasks beside votes that are held."""
    return max(room_for_votes(memory) - votes.n_votes * _HELD_BYTES, _LEAST_ROOM)


def check_held(votes: VoteBlock, settings: CrowdSettings, memory: int) -> None:
    """Refuse what holds numbers of all tasks and classes at once, which do not fit.

    Raises
    ------
    EnvironmentalError
        If the method, or a table that is asked for, does.
    """
    for what, name, remedy in _asked(settings):
        if name not in FITS:
            needed = votes.n_tasks * votes.n_classes * _CELL_BYTES + votes.n_votes * _HELD_BYTES
            raise _too_much(
                f"{what}, which holds {votes.n_classes:,} numbers for each task,",
                _OURSELVES + needed,
                memory,
                f"Raise --memory, or {remedy}.",
            )


def room_for_votes(memory: int) -> int:
    """Return how many bytes votes, and what is worked out from them, may take at any time."""
    return memory - _OURSELVES


def costs(room: int, threads: int, workers: int, classes: int) -> Costs:
    """Say how large a block may be, of which each thread works on one beside what is learnt."""
    left = max(room - _learnt(workers, workers * classes, classes), room // 4)
    return Costs(_VOTE_BYTES, classes * _CELL_BYTES, max(left // (4 * threads), 1))


def _learnt(workers: int, pairs: int, classes: int) -> int:
    """Bytes of all tables of workers, or of pairs of worker and label, that there are at once."""
    return (pairs + 2 * workers) * classes * 8 * _PAIR_TABLES


def check_pairs(votes: FiledVotes, memory: int) -> None:
    """Refuse to learn more of workers than there is room for."""
    workers, classes = votes.sizes
    needed = _learnt(workers, min(workers * classes, votes.counts.votes), classes)
    if needed > room_for_votes(memory):
        raise _too_much(
            f"What is learnt of {workers:,} workers over {classes:,} classes",
            _OURSELVES + needed,
            memory,
            "Raise --memory, or aggregate the votes of fewer workers or classes at a time.",
        )
