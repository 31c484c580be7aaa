import asyncio
import sys
from http.server import BaseHTTPRequestHandler

import pytest

from labelaudit.cluster import connecting, versions
from labelaudit.cluster.connecting import connected
from labelaudit.errors import (
    EnvironmentalError,
    ExitCode,
    LabelauditError,
    MissingExtraError,
    UsageError,
)
from tests.serving import free_port, serving, silent

distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")


def refused(cluster):
    with pytest.raises(LabelauditError) as raised, connected(cluster):
        pass
    return raised.value


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "tcp://", "tcp://127.0.0.1", "http://127.0.0.1:8786", "tcp://127.0.0.1:x"],
)
def test_what_is_no_address(address):
    error = refused(address)
    assert type(error) is UsageError
    assert error.found == f"'{address}' is no address of a scheduler."
    assert error.exit_code == ExitCode.USAGE


def test_control_characters_of_an_address_are_shown():
    assert "\x1b" not in str(refused("tcp://\x1b[31m:1"))


def test_nobody_is_there():
    address = f"tcp://127.0.0.1:{free_port()}"
    error = refused(address)
    assert type(error) is EnvironmentalError
    assert error.found == f"There is no scheduler at {address}."
    assert error.exit_code == ExitCode.ENVIRONMENT


class Stranger(BaseHTTPRequestHandler):
    def log_message(self, *said):
        pass


def test_a_stranger_is_there(monkeypatch):
    monkeypatch.setattr(connecting, "PATIENCE", 0.5)
    with serving(Stranger) as url:
        error = refused(url.replace("http", "tcp"))
    assert "There is no scheduler at tcp://127.0.0.1:" in error.found


def test_somebody_silent_is_there(monkeypatch):
    monkeypatch.setattr(connecting, "PATIENCE", 0.5)
    with silent() as port:
        error = refused(f"tcp://127.0.0.1:{port}")
    assert "There is no scheduler at tcp://127.0.0.1:" in error.found


def test_a_worker_is_there(cluster):
    worker = next(iter(cluster.client.nthreads()))
    error = refused(worker)
    assert error.found == f"At {worker} there is no scheduler of dask, but a Worker."


def test_a_notebook_has_an_event_loop(cluster):
    async def inside():
        with connected(cluster.shown) as again:
            return again.threads

    assert asyncio.run(inside()) == 2


def test_addresses_and_clients_are_connected_to(cluster):
    with connected(cluster.shown) as by_address:
        assert by_address.client is not cluster.client
        assert by_address.threads == 2
    with connected(cluster.client) as by_client:
        assert by_client.client is cluster.client
    assert cluster.client.status == "running"


def test_no_workers():
    with distributed.LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as empty:
        error = refused(empty.scheduler_address)
    assert error.found == f"The scheduler at {empty.scheduler_address} has no workers."


def test_what_is_no_cluster():
    assert refused(3).found == "cluster is of type int."


def test_asynchronous_client(cluster):
    async def inside():
        async with distributed.Client(cluster.shown, asynchronous=True) as client:
            return refused(client)

    assert asyncio.run(inside()).found == "The client of the cluster is an asynchronous one."


def test_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    error = refused("dask")
    assert type(error) is MissingExtraError
    assert error.remedy == "pip install 'labelaudit[dask]'"


@pytest.mark.parametrize("name", ["labelaudit", "python", "numpy", "numba", "pyarrow"])
def test_other_versions(cluster, monkeypatch, name):
    there = versions.versions()
    monkeypatch.setattr(versions, "versions", lambda: {**there, name: "0.1.dev"})
    monkeypatch.setattr(cluster.client, "run", lambda *_, **_how: {"tcp://w:1": there})
    with pytest.raises(EnvironmentalError) as raised:
        versions.demand_same_versions(cluster.client)
    assert raised.value.found == (
        f"Here is {name} 0.1.dev, and on the worker at tcp://w:1 is {there[name]}."
    )


def test_a_worker_without_labelaudit(cluster):
    client = cluster.client
    worker = max(client.nthreads())
    client.run(
        exec, "import sys; sys.modules['labelaudit.cluster.versions'] = None", workers=[worker]
    )
    try:
        error = refused(cluster.shown)
    finally:
        client.run(
            exec, "import sys; del sys.modules['labelaudit.cluster.versions']", workers=[worker]
        )
    assert error.found.startswith(f"The worker at {worker} cannot import labelaudit: ")


def test_versions_come_from_every_worker(cluster):
    there = cluster.client.run(versions.versions)
    assert list(there.values()) == [versions.versions()] * 2
