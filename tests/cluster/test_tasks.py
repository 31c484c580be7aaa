"""What comes back of tasks: in order, added up on the way, and a little at a time."""

import time

import pytest

from labelaudit.cluster import tasks as cluster_tasks
from labelaudit.cluster.parcels import packed, unpacked
from labelaudit.cluster.tasks import Findings, Tasks

pytest.importorskip("distributed", reason="dask.distributed is not installed")


def part(at):
    return Findings.of(packed((at,)))


def failing(at):
    time.sleep(1.0 if at == 3 else 0.0)
    if at in (3, 17):
        raise ValueError(f"part {at}")
    return part(at)


@pytest.mark.parametrize("n", [1, 8, 30, 70])
def test_sums_of_neighbours_come_however_many_parts(cluster, n):
    told = []
    tasks = Tasks(cluster)
    found = tasks.summed([tasks.task("part", part, at) for at in range(n)], told.append)
    assert len(found) <= 8
    assert [at for each in found for at in unpacked(each.parcel)] == list(range(n))
    assert sum(each.parts for each in found) == told[-1] == n
    assert sum(each.given for each in found) == sum(len(part(at).parcel) for at in range(n))


def test_the_first_part_that_fails_is_told(cluster):
    tasks = Tasks(cluster)
    parts = [tasks.task("part", failing, at) for at in range(20)]
    with pytest.raises(ValueError, match="part 3"):
        tasks.summed(parts, lambda _: None)


def large(at, size):
    return Findings.of(bytes([at]) * size)


@pytest.mark.parametrize(("memory", "most"), [(1, 2), (400 << 20, 10), (4 << 30, 16)])
def test_as_many_are_on_their_way_as_fit(cluster, monkeypatch, memory, most):
    size, n = 5 << 20, 24
    tasks, begun, waiting = Tasks(cluster, memory), [], []
    fetched = Tasks._fetched

    def counted(self, futures):
        begun.append(1)
        return fetched(self, futures)

    monkeypatch.setattr(Tasks, "_fetched", counted)
    monkeypatch.setattr(cluster_tasks, "_LEAST_ROOM", 2 * size)
    futures = [tasks.task("large", large, at, size) for at in range(n)]
    for done, found in enumerate(tasks.gathered(futures)):
        assert found.parcel[0] == done
        waiting.append(len(begun) - done)
    assert max(waiting) == most
    assert not futures
