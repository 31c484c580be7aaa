"""A scheduler that speaks TLS, with certificates made for the test."""

import os
import shutil
import subprocess

import pytest

from labelaudit import api
from labelaudit.cluster.connecting import connected
from labelaudit.errors import EnvironmentalError, UsageError
from tests.cluster.daemons import scheduler_and_worker
from tests.in_process import FIXTURES
from tests.tables.read_back import opened

dask = pytest.importorskip("dask")
pytest.importorskip("distributed", reason="dask.distributed is not installed")
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")

DATA = FIXTURES / "noisy" / "digits" / "data.parquet"


def certified(folder, name):
    """Make a certificate that vouches for itself, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    how = "req -x509 -newkey rsa:2048 -nodes -days 2 -addext subjectAltName=IP:127.0.0.1"
    made = ["openssl", *how.split(), "-subj", f"/CN={name}", "-keyout", key, "-out", cert]
    subprocess.run(made, check=True, capture_output=True)
    return cert, key


def told(cert, key):
    """What dask is told of certificates, as its options have it."""
    found = {"distributed.comm.tls.ca-file": str(cert)}
    for role in ("client", "scheduler", "worker"):
        found[f"distributed.comm.tls.{role}.cert"] = str(cert)
        found[f"distributed.comm.tls.{role}.key"] = str(key)
    return found


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    cert, key = certified(folder, "ours")
    files = ("--tls-ca-file", cert, "--tls-cert", cert, "--tls-key", key)
    with scheduler_and_worker(folder, *files, scheduler=("--protocol", "tls")) as begun:
        from distributed import Client

        with dask.config.set(told(cert, key)), Client(scheduler_file=str(begun.file)) as client:
            client.wait_for_workers(1, timeout=60)
            address = client.scheduler.address
        yield address, (cert, key), folder


def test_an_encrypted_cluster_gives_the_same(encrypted):
    address, ours, _ = encrypted
    assert address.startswith("tls://")
    settings = api.audit_settings({})
    with dask.config.set(told(*ours)):
        found = api.audit(opened(DATA), settings, cluster=address)
    assert found.table.equals(api.audit(opened(DATA), settings).table)


def test_no_certificates(encrypted):
    address, _, _ = encrypted
    with pytest.raises(UsageError) as raised, connected(address):
        pass
    assert raised.value.found == f"{address} is encrypted, and dask is told of no certificates."
    assert "DASK_DISTRIBUTED__COMM__TLS__CA_FILE" in raised.value.remedy


def test_other_certificates(encrypted):
    address, _, folder = encrypted
    others = certified(folder, "others")
    with (
        dask.config.set(told(*others)),
        pytest.raises(EnvironmentalError) as raised,
        connected(address),
    ):
        pass
    assert "does not trust our certificates" in raised.value.found


def test_certificates_that_are_not_there(encrypted):
    address, _, folder = encrypted
    gone = folder / "gone.pem"
    with (
        dask.config.set(told(gone, gone)),
        pytest.raises(EnvironmentalError) as raised,
        connected(address),
    ):
        pass
    assert raised.value.found.startswith("The certificates that dask is told of cannot be read")
    assert os.fspath(gone) not in raised.value.remedy
