"""Run a function over all partitions, here or on any executor.

An audit is a few passes. A pass maps every partition to a summary and adds the summaries up in
partition order, so the result does not depend on where or in which order partitions were read.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from numbers import Integral
from operator import add
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from labelaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

__all__ = [
    "Ahead",
    "Clock",
    "Executor",
    "Here",
    "beside",
    "each",
    "give_back_memory",
    "in_order",
    "prefetched",
    "threads_wanted",
    "together",
    "total",
]

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Anything with ``map``: this thread, a thread or process pool, a cluster's client."""

    def map(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        """Apply the function to the items, giving results in the items' order."""


class Here:
    """The calling thread."""

    def map(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        """Apply the function to one item after the other."""
        return map(function, *iterables)


def threads_wanted(threads: int | None) -> int:
    """Return how many threads to work with: all cores where it is not said.

    Raises
    ------
    UsageError
        If it is no whole number from 1.
    """
    if threads is None:
        return len(os.sched_getaffinity(0))
    given: object = threads
    if isinstance(given, Integral) and int(given) >= 1:
        return int(given)
    raise UsageError(f"threads is {threads!r}.", "Give 1 or more, or None for all cores.")


class Clock:
    """Seconds by stage, since it was made."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.since = perf_counter()

    def stop(self, stage: str) -> None:
        """End a stage; the next one begins."""
        now = perf_counter()
        self.laps[stage], self.since = now - self.since, now


def each(
    function: Callable[[T], R], partitions: Iterable[T], on: Executor | None = None
) -> Iterator[R]:
    """Map the function over the partitions; results come in row order."""
    return (on or Here()).map(function, partitions)


def total(summarize: Callable[[T], R], partitions: Iterable[T], on: Executor | None = None) -> R:
    """Map each partition to its summary and add the summaries up in partition order.

    Raises
    ------
    ValueError
        If there is no partition: there is no empty sum of an unknown summary.
    """
    summaries = each(summarize, partitions, on)
    first = next(summaries, None)
    if first is None:
        raise ValueError("total() needs at least one partition")
    return reduce(add, summaries, first)


def together(on: Executor | None, *tasks: Callable[[], R]) -> list[R]:
    """Do several things that do not need each other; none of them may map on ``on`` itself."""
    return list(each(_call, tasks, on))


@contextmanager
def beside(task: Callable[[], R], on: Executor) -> Iterator[Future[R]]:
    """Do something in a thread of its own while the block runs; first, where there is but one."""
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(task)
        if isinstance(on, Here):
            begun.exception()
        try:
            yield begun
        except CancelledError:  # it may be what failed, on the executor that both work on
            begun.result()
            raise


def _call(task: Callable[[], R]) -> R:
    return task()


def in_order(
    pool: ThreadPoolExecutor,
    function: Callable[..., R],
    items: Iterable[tuple[Any, ...]],
    ahead: int,
) -> Iterator[R]:
    """Call a function in the threads of a pool; a few calls ahead of whoever takes the results."""
    waiting: deque[Future[R]] = deque()
    for arguments in items:
        waiting.append(pool.submit(function, *arguments))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _Ending:
    """No more items: there are none, or what was raised."""

    error: BaseException | None = None


class Ahead(Generic[T]):
    """Items that one thread produces and another takes, through a queue.

    Parameters
    ----------
    items : iterable
    depth : int
        How many may wait to be taken; 0 for any number.
    """

    def __init__(self, items: Iterable[T], depth: int = 0) -> None:
        self._items = items
        self._ready: queue.Queue[_Item[T] | _Ending] = queue.Queue(depth)
        self._stopped = threading.Event()

    def _offer(self, found: _Item[T] | _Ending) -> None:
        while not self._stopped.is_set():
            try:
                return self._ready.put(found, timeout=0.1)
            except queue.Full:
                continue
        return None

    def produce(self) -> None:
        """Produce the items until there are no more or nobody wants them; raise nothing."""
        try:
            for item in self._items:
                self._offer(_Item(item))
                if self._stopped.is_set():
                    return
        except BaseException as error:  # raised again in the thread that consumes
            self._offer(_Ending(error))
        else:
            self._offer(_Ending())

    def stop(self) -> None:
        """Have no more items produced."""
        self._stopped.set()

    def taken(self) -> Iterator[T]:
        """Take the items as they are produced, and raise what producing them raised."""
        try:
            while True:
                found = self._ready.get()
                if isinstance(found, _Item):
                    yield found.value
                elif found.error is not None:
                    raise found.error
                else:
                    return
        finally:
            self.stop()


def prefetched(items: Iterable[T], depth: int = 2) -> Iterator[T]:
    """Produce the items in another thread, at most ``depth`` ahead of their use.

    A single row group cannot be split between threads, but decoding it and counting in it can.
    """
    ahead = Ahead(items, depth)
    thread = threading.Thread(target=ahead.produce, daemon=True)
    thread.start()
    try:
        yield from ahead.taken()
    finally:
        ahead.stop()
        thread.join()


def give_back_memory() -> None:
    """Return to the system what is held for later; after an audit that is some hundred MB.

    The C library keeps what threads have freed. Where it is not glibc, nothing happens.
    """
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
