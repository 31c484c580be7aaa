"""Work handed to a cluster, and what comes back of it, in order."""

from __future__ import annotations

import asyncio
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakSet

from labelaudit.cluster.parcels import unpacked
from labelaudit.errors import EnvironmentalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from distributed import Client, Future

    from labelaudit.cluster.connecting import Cluster

__all__ = ["Tasks", "Traffic", "stage_of"]

_AT_ONCE = 64
_LOOK_SECONDS = 5.0
_LOOKS = 6


@dataclass(slots=True)
class Traffic:
    """What one pass sent back.

    Attributes
    ----------
    stage : str
    sent : int
        Bytes of the pass itself, with what is known so far: sent once.
    received : list of int
        Bytes of each summary that came back.
    """

    stage: str
    sent: int
    received: list[int] = field(default_factory=list)


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
    """

    cluster: Cluster
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

    def drop_all(self) -> None:
        """Have the cluster let go of everything, also of what it has not begun."""
        if self.client.status == "running" and self._handed:
            self.client.cancel(list(self._handed), force=True)

    def gathered(self, futures: Iterable[Future]) -> Iterator[Any]:
        """Yield what tasks return, in their order, and let go of it on the cluster.

        Raises
        ------
        EnvironmentalError
            If the scheduler, or all workers, are gone, or one part kills every worker.
        """
        waiting = list(futures)
        while waiting:
            done = self._found(waiting[:_AT_ONCE])
            del waiting[:_AT_ONCE]
            yield from done

    def _found(self, futures: list[Future]) -> list[Any]:
        with _losses():
            work = self.client.gather(futures, asynchronous=True)
            found = asyncio.run_coroutine_threadsafe(work, self.client.loop.asyncio_loop)
            try:
                return self._patiently(found)
            finally:
                found.cancel()

    def _patiently(self, found: Any) -> list[Any]:
        """Wait, and look now and then whether there is anybody left to wait for."""
        idle = 0
        while True:
            try:
                done: list[Any] = found.result(_LOOK_SECONDS)
            except TimeoutError:
                idle = 0 if self._anybody() else idle + 1
            else:
                return done
            if idle == _LOOKS:
                raise EnvironmentalError(
                    f"All workers of the cluster at {self.cluster.shown} are gone.",
                    "Start workers with more memory, and look at what they wrote when they ended.",
                )

    def _anybody(self) -> bool:
        try:
            return bool(self.client.nthreads())
        except OSError:  # the scheduler does not answer either; what was asked of it will fail
            return False


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
