"""Workers and schedulers that go away while they are needed."""

import os
import pickle
import shutil
import time
from dataclasses import replace

import pytest

from labelaudit import api
from labelaudit.cluster import patience, sight
from labelaudit.cluster.connecting import connected
from labelaudit.cluster.tasks import Tasks
from labelaudit.errors import EnvironmentalError, InputError
from labelaudit.tables.input_file import InputFile, state_of
from tests.cluster.daemons import killed, tasks_left
from tests.in_process import FIXTURES
from tests.tables.read_back import opened, saved

pytest.importorskip("distributed", reason="dask.distributed is not installed")
dask = pytest.importorskip("dask")

DATA = FIXTURES / "noisy" / "digits-parts" / "data"


def audited(cluster, stage="", happens=None):
    """Audit while something happens once, when a pass begins."""
    waiting = [happens]

    def told(name, done, total):
        if name == stage and done == 0 and waiting:
            waiting.pop()()

    source = opened(DATA)
    return api.audit(source, api.audit_settings({}), cluster=cluster, progress=told), waiting == []


@pytest.fixture(scope="module")
def expected():
    found, _ = audited(None)
    return found


@pytest.mark.parametrize("stage", ["scoring", "Judge"])
@pytest.mark.parametrize("most", [1, 2], ids=["one", "all"])
def test_killed_workers_cost_a_retry(lossy, expected, stage, most):
    found, happened = audited(lossy, stage, lambda: killed(lossy, most))
    assert happened
    assert found.table.equals(expected.table)
    assert repr(found.audit) == repr(expected.audit)


def test_all_workers_are_gone(bare, monkeypatch):
    cluster, _, worker = bare
    monkeypatch.setattr(patience, "_LOOK_SECONDS", 0.3)
    with pytest.raises(EnvironmentalError) as raised:
        audited(cluster, "scoring", worker.kill)
    assert raised.value.found == f"All workers of the cluster at {cluster.shown} are gone."


def test_the_scheduler_is_gone(bare):
    cluster, scheduler, _ = bare
    begun = []

    def killed():
        begun.append(time.monotonic())
        scheduler.kill()

    with pytest.raises(EnvironmentalError) as raised:
        audited(cluster, "scoring", killed)
    assert time.monotonic() - begun[0] < 20
    assert raised.value.found == "The scheduler of the cluster went away during the audit."


def test_rows_that_kill_every_worker():
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        connected("dask", 1) as one,
    ):
        tasks = Tasks(one)
        with pytest.raises(EnvironmentalError) as raised:
            list(tasks.gathered([tasks.task("end", os._exit, 1)]))
    assert raised.value.remedy.startswith("Give workers more memory")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.unlink(), "does not see "),
        (lambda path: path.write_bytes(b"PAR1"), "sees another "),
    ],
    ids=["gone", "other"],
)
def test_workers_see_other_files(cluster, tmp_path, change, said):
    path = tmp_path / "data.parquet"
    saved(path)
    source = opened(path)
    change(path)
    with pytest.raises(InputError) as raised:
        api.audit(source, api.audit_settings({}), cluster=cluster)
    assert f" {said}{path}" in raised.value.found
    assert raised.value.found.startswith("The worker at tcp://")
    assert raised.value.remedy.startswith("Every worker must see the same files")


@pytest.fixture
def elsewhere(cluster, tmp_path, monkeypatch):
    """This process in one folder, and the workers in another."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    before = next(iter(cluster.client.run(os.getcwd).values()))
    cluster.client.run(os.chdir, str(there))
    yield there
    cluster.client.run(os.chdir, before)


def test_workers_in_another_folder_read_the_files_of_this_one(cluster, elsewhere):
    parts = sorted(DATA.glob("*.parquet"))
    for part in parts:
        shutil.copy2(part, part.name)
        other = shutil.copy2(parts[0], elsewhere / part.name)
        os.truncate(other, part.stat().st_size)
        os.utime(other, ns=(part.stat().st_mtime_ns,) * 2)
    names = [part.name for part in parts]
    found = api.audit(opened(*names), api.audit_settings({}), cluster=cluster)
    alone = api.audit(opened(*names), api.audit_settings({}))
    assert found.table.equals(alone.table)
    assert found.understanding.files == tuple(names)


@pytest.mark.parametrize(
    ("size", "later", "said"),
    [
        (1 << 18, 0, ""),
        (1 << 18, 1, "it was changed at another time than the one here."),
        (1 << 18, None, "of the same size and time, with other content."),
        (9, 0, "of 9 bytes, and here of 262,144."),
    ],
)
def test_what_differs_in_another_file_is_said(tmp_path, size, later, said):
    path = tmp_path / "data.parquet"
    path.write_bytes(bytes(1 << 18))
    file = InputFile(str(path), "data.parquet", "parquet", *state_of(str(path)))
    mark = sight._content_mark(file)
    path.write_bytes(bytes(size - 4) + bytes([later is None] * 4))
    os.utime(path, ns=(file.changed + (later or 0),) * 2)
    complaint = sight._complaint([file], [mark])
    assert complaint == (said and f"sees another data.parquet: {said}")


def test_files_that_travel_are_named_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = InputFile("a/../b.parquet", "a/../b.parquet", "parquet", 1, 2, (("fold", "1"),))
    assert pickle.loads(pickle.dumps(file)) == replace(file, path=str(tmp_path / "a/../b.parquet"))
    far = replace(file, path="s3://bucket/b.parquet")
    assert pickle.loads(pickle.dumps(far)) == far


def test_nothing_is_left_on_the_cluster(cluster):
    audited(cluster)
    assert tasks_left(cluster) == 0
