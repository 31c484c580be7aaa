"""Workers and schedulers that go away while votes are aggregated."""

import signal

import pytest

from labelaudit.audits.crowd import dawid_skene, ebcc, would_majority_do
from labelaudit.audits.crowd.aggregating import CrowdSettings, aggregate_votes
from labelaudit.audits.crowd.building import in_runs, in_shards
from labelaudit.audits.crowd.crowd import Crowd
from labelaudit.cluster import patience
from labelaudit.cluster.tasks import Tasks
from labelaudit.cluster.vote_ground import ClusterVotes
from labelaudit.errors import EnvironmentalError
from tests.audits.crowd.whole import everything
from tests.cluster.daemons import killed, started, tasks_left
from tests.crowd_votes import simulated

pytest.importorskip("distributed", reason="dask.distributed is not installed")

SETTINGS = CrowdSettings(method="auto", soft="dawid-skene", extras=("soft",))


class Watched:
    """A ground on which something happens in the middle of a pass."""

    def __init__(self, ground, number, happens):
        self.ground, self.left, self.happens = ground, number, happens

    def __getattr__(self, name):
        return getattr(self.ground, name)

    def over(self, asked):
        for found in self.ground.over(asked):
            self.left -= 1
            if self.left == 0:
                self.happens()
            yield found


@pytest.fixture(scope="module")
def votes():
    return simulated((400, 20, 3), 4, seed=1)[0]


@pytest.fixture(autouse=True)
def _few_passes(monkeypatch):
    monkeypatch.setattr(would_majority_do, "DRAWS", 12)
    for method in (dawid_skene, ebcc):
        monkeypatch.setattr(method, "STEPS", 5)


def aggregated(votes, cluster, number=0, happens=None, parts=4):
    tasks = Tasks(cluster)
    ground = Watched(ClusterVotes(tasks), number, happens)
    sizes = votes.n_workers, votes.n_classes
    crowd = in_shards(list(in_runs(votes, parts)), sizes, ground=ground)
    try:
        found = everything(aggregate_votes(crowd, SETTINGS))
    finally:
        tasks.drop_all()
    assert ground.left <= 0
    return found


@pytest.mark.parametrize(("number", "most"), [(2, 1), (45, 1), (45, 2)])
def test_killed_workers_cost_a_retry(votes, lossy, number, most):
    expected = everything(aggregate_votes(Crowd.of(votes), SETTINGS))
    assert aggregated(votes, lossy, number, lambda: killed(lossy, most)) == expected


def test_a_worker_dies_that_nobody_starts_again(votes, bare):
    cluster, _, worker = bare
    other = started("worker", cluster.shown)
    try:
        cluster.client.wait_for_workers(2, timeout=60)
        expected = everything(aggregate_votes(Crowd.of(votes), SETTINGS))
        assert aggregated(votes, cluster, 30, worker.kill) == expected
        assert worker.wait(timeout=20) == -signal.SIGKILL
        assert len(cluster.client.nthreads()) == 1
    finally:
        other.kill()
        other.wait()


def test_all_workers_are_gone(votes, bare, monkeypatch):
    cluster, _, worker = bare
    monkeypatch.setattr(patience, "_LOOK_SECONDS", 0.3)
    with pytest.raises(EnvironmentalError) as raised:
        aggregated(votes, cluster, 9, worker.kill)
    assert raised.value.found == f"All workers of the cluster at {cluster.shown} are gone."


def test_the_scheduler_is_gone(votes, bare):
    cluster, scheduler, _ = bare
    with pytest.raises(EnvironmentalError) as raised:
        aggregated(votes, cluster, 9, scheduler.kill)
    assert raised.value.found == "The scheduler of the cluster went away during the audit."


def test_workers_keep_only_what_is_needed(votes, lossy):
    """Each step lets go of the posteriors before it."""
    most = []

    def held():
        most.append(len(lossy.client.run_on_scheduler(_held)))

    for number in (8, 60):
        aggregated(votes, lossy, number, held)
    assert most[1] <= most[0] + 12


def _held(dask_scheduler):
    return [key for key in dask_scheduler.tasks if "step" in str(key)]


def test_nothing_is_left_on_the_cluster(votes, lossy):
    aggregated(votes, lossy)
    assert tasks_left(lossy) == 0
