"""Votes aggregated on a cluster give the bytes of votes aggregated here."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

import labelaudit
from labelaudit.audits.crowd import dawid_skene, ebcc, mace, one_coin, would_majority_do
from labelaudit.audits.crowd.building import in_runs, in_shards
from labelaudit.cluster import vote_ground
from labelaudit.cluster.connecting import connected
from labelaudit.cluster.tasks import Tasks
from labelaudit.cluster.vote_ground import ClusterVotes
from labelaudit.crowd import budget, places
from labelaudit.errors import UsageError
from labelaudit.tables import votes as votes_source
from tests.cluster.everywhere import Runs
from tests.crowd_votes import rows_of, simulated
from tests.in_process import FIXTURES, call

FILES = ("consensus.parquet", "consensus.arrow", "consensus.csv", "consensus.jsonl", "report.txt")
TABLES = ("workers", "confusion", "soft")
RUNS = Runs("aggregate", FILES, TABLES, varying=("timings", "work"))


@pytest.fixture(autouse=True)
def _few_passes(monkeypatch):
    monkeypatch.setattr(would_majority_do, "DRAWS", 12)
    for method in (dawid_skene, ebcc, mace, one_coin):
        monkeypatch.setattr(method, "STEPS", 6)
    monkeypatch.setattr(mace, "STARTS", 2)


@pytest.fixture(scope="module")
def table():
    """600 tasks, some with a known label, and the last without votes but abstentions."""
    votes, truth = simulated((600, 25, 4), 4, seed=2)
    task, worker, label = rows_of(votes).T
    names = np.array(["ant", "bee", "cat", "dog"])
    said = np.where(task == 599, "unsure", names[label])
    known = np.where(task % 7 == 0, names[truth[task]], None)
    return pa.table({"task": task, "worker": worker, "label": said, "gold": pa.array(known)})


@pytest.fixture
def long(table, tmp_path):
    pq.write_table(table.drop_columns("gold"), tmp_path / "votes.parquet", row_group_size=500)
    return tmp_path / "votes.parquet"


@pytest.mark.parametrize(
    "more",
    [
        ("--method", "majority", "--soft", "share"),
        ("--method", "dawid-skene", "--soft", "dawid-skene"),
        ("--method", "one-coin", "--soft", "softmax"),
        ("--method", "auto", "--soft", "auto", "--seed", "3"),
        ("--method", "super-majority", "--soft", "zbs", "--ordered", "ordinal"),
    ],
    ids=lambda more: more[1],
)
def test_methods(tmp_path, cluster, long, more):
    arguments = (long, *more, "--abstain", "unsure")
    RUNS.same_everywhere(tmp_path, *arguments, clusters=[cluster.shown])


def test_one_worker_two_and_many_shards(tmp_path, cluster, long, monkeypatch):
    arguments = (long, "--method", "dawid-skene")
    with connected("dask", threads=1) as one:
        RUNS.same_everywhere(
            tmp_path, *arguments, clusters=[one.shown, cluster.shown], tables=("workers",)
        )
    monkeypatch.setattr(places, "_MOST_VOTES", 130)
    done = call("aggregate", long, "--method", "majority", "-v", "--cluster", cluster.shown)
    assert done.err.splitlines()[2].split()[:2] == ["votes", "18"]
    arguments = (long, "--method", "dawid-skene")
    (tmp_path / "many").mkdir()
    RUNS.same_everywhere(
        tmp_path / "many", *arguments, clusters=[cluster.shown], tables=("confusion",)
    )


def test_what_is_large_is_sent_once(tmp_path, cluster, long, monkeypatch):
    monkeypatch.setattr(vote_ground, "_SMALL", 0)
    arguments = (long, "--method", "one-coin", "--soft", "wawa")
    RUNS.same_everywhere(tmp_path, *arguments, clusters=[cluster.shown])


def test_wide_votes(tmp_path, cluster, table):
    task, worker = table["task"].to_numpy(), table["worker"].to_numpy()
    cells = np.full((600, 25), None, dtype=object)
    cells[task, worker] = table["label"].to_numpy(zero_copy_only=False)
    columns = {f"rater_{w}": pa.array(cells[:, w], pa.string()) for w in range(25)}
    pa_csv.write_csv(pa.table({"item": range(600), **columns}), tmp_path / "votes.csv")
    arguments = [tmp_path / "votes.csv", "-t", "item", "-w", "rater_*", "--method", "dawid-skene"]
    RUNS.same_everywhere(tmp_path, *arguments, clusters=[cluster.shown], tables=("confusion",))


def test_votes_that_do_not_fit_in_memory(tmp_path, cluster, long, monkeypatch):
    monkeypatch.setattr(votes_source, "_BASE_BYTES", 10**9)
    monkeypatch.setattr(budget, "_VOTE_BYTES", 10**5)
    arguments = ("aggregate", long, "--method", "dawid-skene", "--cluster", cluster.shown)
    here = call(*arguments, "-o", "a.csv", "-o", "soft:sa.csv", "--soft", "zbs", cwd=tmp_path)
    there = call(
        *arguments,
        *("-o", "b.csv", "-o", "soft:sb.csv", "--soft", "zbs", "--memory", "400MB", "-v"),
        cwd=tmp_path,
    )
    assert (here.code, there.code) == (0, 0), there.err
    assert there.err.splitlines()[2].split()[0] == "votes"
    assert int(there.err.splitlines()[2].split()[1]) > 2
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "sa.csv").read_bytes() == (tmp_path / "sb.csv").read_bytes()


def test_known_labels(tmp_path, cluster, table):
    pq.write_table(table, tmp_path / "votes.parquet")
    arguments = [tmp_path / "votes.parquet", "--gold", "gold", "--method", "dawid-skene"]
    RUNS.same_everywhere(tmp_path, *arguments, clusters=[cluster.shown], tables=("soft",))


def test_what_needs_all_votes_runs_here(tmp_path, cluster, long):
    arguments = (long, "--method", "majority", "--soft", "average")
    tables = ("soft", "top-two", "page.html")
    RUNS.same_everywhere(tmp_path, *arguments, clusters=[cluster.shown], tables=tables)


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["run", "dry"])
@pytest.mark.parametrize("name", ["glad", "kos", "mmsr", "top-two"])
def test_methods_that_need_all_votes_are_refused(long, name, dry):
    done = call("aggregate", long, "--method", name, "--cluster", "tcp://127.0.0.1:1", *dry)
    assert done.code == 2
    assert f"{name} needs all votes in one process" in done.err


def test_a_gate(cluster, long):
    arguments = ("check", long, "--require", "votes > 5", "--method", "dawid-skene")
    here, there = call(*arguments), call(*arguments, "--cluster", cluster.shown)
    assert here.code == 0
    assert there == here
    done = call("check", long, "--require", "votes > 5", "--method", "kos", "--cluster", "dask")
    assert done.code == 2
    assert "kos needs all votes in one process" in done.err


def test_from_python(cluster, table):
    columns = [table[name] for name in ("task", "worker", "label")]
    here = labelaudit.aggregate(*columns, method="dawid-skene", extras=("confusion", "soft"))
    there = labelaudit.aggregate(
        *columns, method="dawid-skene", extras=("confusion", "soft"), cluster=cluster.client
    )
    for name in ("consensus", "workers", "confusion", "soft", "pairs", "next_votes"):
        assert getattr(there, name).equals(getattr(here, name))
    assert labelaudit.report(there) == labelaudit.report(here)


def test_refusals_in_python():
    with pytest.raises(UsageError) as raised:
        labelaudit.aggregate([1], ["a"], ["x"], method="glad", cluster="dask")
    assert str(raised.value).startswith("glad needs all votes in one process")
    assert "Leave cluster= out" in str(raised.value)


BROKEN = sorted(path.name for path in (FIXTURES / "broken").glob("votes-*"))


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_said_in_the_same_words(tmp_path, cluster, name):
    case = FIXTURES / "broken" / name
    verdict = json.loads((case / "expected.json").read_text("utf-8"))
    output = tmp_path / "consensus.csv"
    arguments = ("aggregate", case / verdict["data"], *verdict["options"], "-o", output)
    here, there = call(*arguments), call(*arguments, "--cluster", cluster.shown)
    assert here.code > 1
    assert there == here
    assert list(tmp_path.iterdir()) == []


def test_nobody_is_there_before_votes_are_read(tmp_path, long):
    long.write_bytes(long.read_bytes()[:4000] + bytes(100) + long.read_bytes()[4100:])
    output = tmp_path / "consensus.csv"
    done = call("aggregate", long, "--cluster", "tcp://127.0.0.1:1", "-o", output)
    assert done.code == 4
    assert "There is no scheduler at tcp://127.0.0.1:1." in done.err
    assert not output.exists()


def test_a_plan(cluster, long):
    done = call("aggregate", long, "--dry-run", "--cluster", cluster.shown)
    assert f"\nCluster   {cluster.shown}, 2 workers, 2 threads; 2 parts\n" in done.out
    done = call("aggregate", long, "--dry-run", "--json", "--cluster", "dask", "--threads", "3")
    assert json.loads(done.out)["cluster"] == "3 workers on this machine, 3 threads; 3 parts"
    done = call("aggregate", long, "--dry-run", "--json")
    assert json.loads(done.out)["cluster"] is None


def test_what_travelled_is_said(cluster, long):
    done = call("aggregate", long, "-v", "--method", "dawid-skene", "--cluster", cluster.shown)
    first, heading, *passes = done.err.splitlines()
    assert first == f"Cluster at {cluster.shown}, 2 threads; what travelled:"
    assert " ".join(heading.split()) == "pass parts to a worker from a part to here"
    assert [line.split()[0] for line in passes[:2]] == ["votes", "pairs"]
    again = next(line for line in passes if line.startswith("  revised, "))
    assert again.split()[:3] == ["revised,", "6x", "2"]
    assert len(passes) < 20
    assert max(map(len, done.err.splitlines())) <= 80


def test_shards_and_values_can_be_brought_here(cluster):
    votes, _ = simulated((40, 6, 3), 3, seed=5)
    tasks = Tasks(cluster)
    blocks = list(in_runs(votes, 3))
    crowd = in_shards(blocks, (6, 3), ground=ClusterVotes(tasks))
    shard = crowd.recipes[1].shard()
    assert shard.graph.votes.worker.tolist() == blocks[1].block().worker.tolist()
    given = crowd.spread(np.arange(40.0))
    assert given.parts[1].of(shard).tolist() == list(range(blocks[1].first, blocks[1].last))
    assert crowd.gathered(given).tolist() == list(range(40))
    tasks.drop_all()
