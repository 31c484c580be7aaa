"""Work handed to a cluster, and what comes back of it, in order."""

from __future__ import annotations

import asyncio
import warnings
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4
from weakref import WeakSet

from labelaudit.cluster.parcels import packed, unpacked
from labelaudit.cluster.patience import Patience
from labelaudit.errors import EnvironmentalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future as Promise

    from distributed import Client, Future

    from labelaudit.cluster.connecting import Cluster

__all__ = ["Findings", "Tasks", "Traffic", "stage_of"]

_FAN_IN = 8
_MOST_ON_THEIR_WAY = 16
_ROOM = 256 << 20
_LEAST_ROOM = 16 << 20
_SHARE = 8


@dataclass(slots=True)
class Traffic:
    """What one pass sent to and fro.

    Attributes
    ----------
    stage : str
    sent : int
        Bytes of the pass itself, with what is known so far: sent once to each worker.
    parts : int
        How many parts gave findings.
    given : int
        Bytes of the findings of all parts.
    arrived : int
        Bytes that came here, after workers added findings up.
    """

    stage: str
    sent: int
    parts: int = 0
    given: int = 0
    arrived: int = 0

    def take(self, found: Findings) -> None:
        """Count what has arrived."""
        self.parts += found.parts
        self.given += found.given
        self.arrived += len(found.parcel)


class Findings(NamedTuple):
    """What a pass found in one part, or in neighbouring parts together.

    Attributes
    ----------
    parcel : bytes
    parts : int
    given : int
        Bytes of the parcels of these parts.
    """

    parcel: bytes
    parts: int
    given: int

    @classmethod
    def of(cls, parcel: bytes) -> Findings:
        """Return what was found in one part."""
        return cls(parcel, 1, len(parcel))


def _added(*found: Findings) -> Findings:
    """Add up what neighbouring parts gave, in row order."""
    whole = reduce(add, (unpacked(each.parcel) for each in found))
    return Findings(
        packed(whole), sum(each.parts for each in found), sum(each.given for each in found)
    )


def stage_of(function: Any) -> str:
    """Return what a function does, for people."""
    inner = getattr(function, "func", function)
    name = str(getattr(inner, "__name__", type(inner).__name__))
    return name.strip("_").replace("_", " ")


@dataclass(frozen=True, slots=True)
class Tasks:
    """Hands work to a cluster.

    Attributes
    ----------
    cluster : Cluster
    memory : int or None
        Bytes that the user allows; what arrives at once takes a share of them.
    """

    cluster: Cluster
    memory: int | None = None
    _handed: WeakSet[Future] = field(default_factory=WeakSet)

    @property
    def client(self) -> Client:
        """Whom work is handed to."""
        return self.cluster.client

    def held(self, value: bytes) -> Future:
        """Have the cluster keep a pickled value, unpickled, for many tasks to use.

        A task makes it, so that it is made again if the worker that keeps it dies; data that are
        scattered would be gone.
        """
        return self.task("held", unpacked, value)

    def task(self, name: str, function: Callable[..., Any], *arguments: Any) -> Future:
        """Have a function called; arguments that are futures stay where they are."""
        with warnings.catch_warnings():
            # What is large here goes once.
            warnings.filterwarnings("ignore", message="Sending large graph")
            handed = self.client.submit(
                function, *arguments, key=f"labelaudit-{name}-{uuid4().hex}", pure=False
            )
        self._handed.add(handed)
        return handed

    def tasks(
        self, name: str, function: Callable[..., Any], *columns: Sequence[Any]
    ) -> list[Future]:
        """Have a function called with each line of some columns, all handed over at once."""
        if not columns[0]:
            return []
        run = f"labelaudit-{name}-{uuid4().hex}"
        keys = [f"{run}-{at}" for at in range(len(columns[0]))]
        handed: list[Future] = self.client.map(function, *columns, key=keys, pure=False)
        self._handed.update(handed)
        return handed

    def drop_all(self) -> None:
        """Have the cluster let go of everything, also of what it has not begun."""
        if self.client.status == "running" and self._handed:
            self.client.cancel(list(self._handed), force=True)

    def summed(self, parts: list[Future], told: Callable[[int], None]) -> list[Findings]:
        """Have findings added up where they are, neighbours first, until few are left.

        Parameters
        ----------
        parts : list of Future of Findings
            In row order.
        told : callable
            Told now and then how many of them are there.

        Raises
        ------
        LabelauditError
            What went wrong in the first part, in row order, in which anything did.
        EnvironmentalError
            As ``gathered`` says.
        """
        found = parts
        while len(found) > _FAN_IN:
            groups = [found[at : at + _FAN_IN] for at in range(0, len(found), _FAN_IN)]
            found = [self.task("sum", _added, *group) for group in groups]

        def look() -> None:
            told(sum(part.done() for part in parts))

        try:
            sums = self._awaited(self._fetched(found), look)
        except EnvironmentalError:
            raise
        except Exception:
            self._raise_first(parts)
            raise
        told(len(parts))
        return sums

    def _raise_first(self, parts: list[Future]) -> None:
        for part in parts:
            self._awaited(self._fetched([part]))

    def gathered(self, futures: list[Future]) -> Iterator[Any]:
        """Yield what tasks return, in their order, and let go of it on the cluster.

        Few results are on their way at once: no more than fit in a share of the memory, if the next
        are as large as those before.

        Parameters
        ----------
        futures : list of Future
            Emptied.

        Raises
        ------
        EnvironmentalError
            If the scheduler, or all workers, are gone, or one part kills every worker.
        """
        room = _ROOM if self.memory is None else max(self.memory // _SHARE, _LEAST_ROOM)
        ahead: deque[Promise[list[Any]]] = deque()
        futures.reverse()
        largest, most = 1, 1
        try:
            while futures or ahead:
                while futures and len(ahead) < most:
                    ahead.append(self._fetched([futures.pop()]))
                (found,) = self._awaited(ahead[0])
                ahead.popleft()
                largest = max(largest, _size(found))
                most = min(max(room // largest, 1), _MOST_ON_THEIR_WAY)
                yield found
        finally:
            for each in ahead:
                each.cancel()

    def _fetched(self, futures: list[Future]) -> Promise[list[Any]]:
        work = self.client.gather(futures, asynchronous=True)
        return asyncio.run_coroutine_threadsafe(work, self.client.loop.asyncio_loop)

    def _awaited(
        self, found: Promise[list[Any]], look: Callable[[], None] = lambda: None
    ) -> list[Any]:
        with _losses():
            try:
                return Patience(self.cluster).wait(found, look)
            finally:
                found.cancel()


def _size(found: Any) -> int:
    parcel = found.parcel if isinstance(found, Findings) else found
    return len(parcel) if isinstance(parcel, bytes) else 1


@contextmanager
def _losses() -> Iterator[None]:
    """Turn what goes wrong with a cluster, not with the data, into errors of ours."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        yield
    except KilledWorker as error:
        raise EnvironmentalError(
            "Several workers of the cluster died one after another over the same rows.",
            "Give workers more memory, which dask worker takes as its memory limit.",
        ) from error
    except (CancelledError, asyncio.CancelledError) as error:
        raise EnvironmentalError(
            "The scheduler of the cluster went away during the audit.",
            "Start it again, and look at what it wrote when it ended.",
        ) from error
