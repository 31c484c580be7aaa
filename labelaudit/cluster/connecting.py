"""A scheduler found, its workers counted, and everything closed again."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from labelaudit.cluster.encrypted import connection_arguments, encrypted
from labelaudit.cluster.versions import demand_same_versions
from labelaudit.errors import EnvironmentalError, LabelauditError, MissingExtraError, UsageError
from labelaudit.running import threads_wanted
from labelaudit.shelves import TemporaryFolder
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

    from labelaudit.cluster.tasks import Traffic

__all__ = ["LOCAL", "Cluster", "connected"]

LOCAL = "dask"
PATIENCE = 10.0
_LEAST_MEMORY = 512 << 20
_LOGGERS = ("distributed", "tornado", "asyncio")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster to work on.

    Attributes
    ----------
    client : distributed.Client
    shown : str
        Its address, fit to be shown.
    traffic : list of Traffic
        What was sent back, pass by pass.
    """

    client: Client
    shown: str
    traffic: list[Traffic] = field(default_factory=list)

    @property
    def threads(self) -> int:
        """Threads of all workers together."""
        return sum(self.client.nthreads().values())


@contextmanager
def connected(
    cluster: str | Client | Cluster, threads: int | None = None, memory: int | None = None
) -> Iterator[Cluster]:
    """Give a cluster for as long as it is needed, with workers that run the same versions.

    Parameters
    ----------
    cluster : str or distributed.Client or Cluster
        ``dask`` starts workers on this machine; an address names a scheduler; a client is used as
        it is, and left open.
    threads : int or None
        Workers to start; one for each core where not given.
    memory : int or None
        Bytes for all workers that are started, together.

    Raises
    ------
    MissingExtraError
        If ``dask.distributed`` is not installed.
    UsageError
        If that is no address and no client.
    EnvironmentalError
        If there is no scheduler, it has no workers, or their versions differ from those here.
    """
    if isinstance(cluster, Cluster):
        yield cluster
        return
    distributed = _distributed()
    if isinstance(cluster, distributed.Client):
        yield _checked(_demand_synchronous(cluster))
        return
    if not isinstance(cluster, str):
        raise UsageError(
            f"cluster is of type {type(cluster).__name__}.",
            "Give 'dask', the address of a scheduler, or a client of dask.distributed.",
        )
    with _quiet():
        opened = _started(threads, memory) if cluster == LOCAL else _found(cluster)
        with opened as client:
            # Else what is given up when a run ends early complains on standard error.
            client.loop.asyncio_loop.set_exception_handler(_ignored)
            yield _checked(client)


def _ignored(loop: object, context: object) -> None:
    """Say nothing of what went wrong in a task that nobody waits for."""


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise MissingExtraError(
            "Working on a cluster needs dask.distributed, which is not installed.",
            "pip install 'labelaudit[dask]'",
        ) from error
    return distributed


def _demand_synchronous(client: Client) -> Client:
    if client.asynchronous:
        raise UsageError(
            "The client of the cluster is an asynchronous one.",
            "Give one that was made without asynchronous=True.",
        )
    return client


def _checked(client: Client) -> Cluster:
    """Demand workers, of the versions that are here."""
    shown = safe(client.scheduler.address if client.scheduler else "the cluster")
    if not client.nthreads():
        raise EnvironmentalError(
            f"The scheduler at {shown} has no workers.",
            f"Start some: dask worker {shown}.",
        )
    demand_same_versions(client)
    return Cluster(client, shown)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the libraries log to themselves: what matters is raised."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith(_LOGGERS)]
    loggers = [logging.getLogger(name) for name in (*names, *_LOGGERS)]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _started(threads: int | None, memory: int | None) -> Iterator[Client]:
    """Start workers on this machine, one process for each thread that is wanted."""
    import distributed

    wanted = threads_wanted(threads)
    limit = "auto" if memory is None else max(memory // wanted, _LEAST_MEMORY)
    with TemporaryFolder() as folder:
        try:
            with _interrupts_later():
                cluster = distributed.LocalCluster(
                    n_workers=wanted,
                    threads_per_worker=1,
                    memory_limit=limit,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL + 1,
                    local_directory=str(folder.path),
                )
        except (RuntimeError, OSError) as error:
            raise EnvironmentalError(
                "The workers of a cluster on this machine could not be started.",
                "In a script, start the audit below if __name__ == '__main__': workers are new "
                "processes, which read the script too.",
            ) from error
        with cluster, distributed.Client(cluster, set_as_default=False) as client:
            yield client


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Have workers, which inherit it, never see Ctrl-C: they are ended in good order."""
    resource_tracker.ensure_running()  # which lets them through again when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _found(address: str) -> Iterator[Client]:
    """Connect to a scheduler that somebody else runs."""
    import distributed

    _knock(address)
    with warnings.catch_warnings():
        # That versions differ is said in our words.
        warnings.simplefilter("ignore")
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    with client:
        yield client


def _knock(address: str) -> None:
    """Find out who is at an address before a client is made, which would try for long."""
    with ThreadPoolExecutor(1) as beside:  # a notebook has an event loop of its own
        kind = beside.submit(asyncio.run, _kind_at(address)).result()
    if kind != "Scheduler":
        raise EnvironmentalError(
            f"At {safe(address)} there is no scheduler of dask, but a {safe(kind)}.",
            "Give the address that the scheduler prints when it starts.",
        )


async def _kind_at(address: str) -> str:
    from distributed.core import rpc

    host, port = _host_and_port(address)
    nobody, how = _nobody(address), connection_arguments(address)
    try:
        with socket.create_connection((host, port), PATIENCE):
            pass
        async with asyncio.timeout(PATIENCE), rpc(address, connection_args=how) as there:
            said = await there.identity()
    except (OSError, TimeoutError) as error:
        raise nobody from error
    return str(said.get("type", "stranger"))


def _nobody(address: str) -> LabelauditError:
    doubt = ", or it does not trust our certificates, or we not its" if encrypted(address) else ""
    return EnvironmentalError(
        f"There is no scheduler at {safe(address)}{doubt}.",
        "Start one (dask scheduler), or give the address that it prints when it starts.",
    )


def _host_and_port(address: str) -> tuple[str, int]:
    """Take an address apart.

    Raises
    ------
    UsageError
        If it is none.
    """
    from distributed.comm import get_address_host_port, parse_address

    try:
        parse_address(address, strict=True)
        host, port = get_address_host_port(address, strict=True)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"'{safe(address)}' is no address of a scheduler.",
            "Give one such as tcp://10.0.0.1:8786, or dask for workers on this machine.",
        ) from error
    return host, int(port)
