"""What a cluster costs an aggregation: time with 1 and 2 workers, and the bytes of every pass.

    python -m tests.benchmarks.vote_cluster [--votes 1000000] [--methods dawid-skene]
        [--workers 1,2] [--where dask]

Workers aggregate few votes first: those that have just started compile or load kernels. "Here" is
as many threads of one process. Seconds on the clock and seconds of all cores (of this process, with
the scheduler where it has started one, and of all workers) are those of reading a Parquet file,
aggregating, and making the tables; where a machine has other work, the second say more.

Bytes are those of what is pickled and compressed, as it travels: "to a worker" is the step with all
that is known of annotators; "from a part" the sums over the tasks of one shard, and "to here" what
of all shards comes to the client. The first pass sends the votes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from labelaudit import crowd
from labelaudit.audits.crowd.aggregating import CrowdSettings
from labelaudit.cluster.connecting import connected
from labelaudit.tables.vote_options import VoteOptions
from labelaudit.tables.votes import open_votes
from tests.benchmarks.crowd_speed import synthetic
from tests.crowd_votes import rows_of

if TYPE_CHECKING:
    from labelaudit.cluster.connecting import Cluster
    from labelaudit.cluster.tasks import Traffic

FEW = 20_000


class Took(NamedTuple):
    """Seconds on the clock, and of all cores."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.1f} s | {self.cpu:.1f} s"


def written(n_votes: int, folder: Path) -> Path:
    path = folder / f"votes-{n_votes}.parquet"
    if not path.exists():
        rows = rows_of(synthetic(n_votes))
        columns = zip(("task", "worker", "label"), rows.T, strict=True)
        pq.write_table(pa.table({name: pa.array(column) for name, column in columns}), path)
    return path


def cores(cluster: Cluster | None) -> float:
    """Return the seconds of all cores so far."""
    workers = {} if cluster is None else cluster.client.run(time.process_time)
    return time.process_time() + sum(workers.values())


def audited(path: Path, method: str, threads: int, cluster: Cluster | None = None) -> Took:
    source = open_votes([str(path)], VoteOptions())
    before, start = cores(cluster), time.perf_counter()
    crowd.audit(source, CrowdSettings(method=method), threads=threads, cluster=cluster)
    return Took(time.perf_counter() - start, cores(cluster) - before)


def passes(traffic: list[Traffic]) -> list[str]:
    """List the passes; of equal ones in a row the mean."""
    lines = [
        "| pass | times | parts | to a worker | from a part | to here |",
        "|---|---|---|---|---|---|",
    ]
    for stage, group in groupby(traffic, lambda each: each.stage):
        some = list(group)
        n, parts = len(some), sum(each.parts for each in some)
        sent = sum(each.sent for each in some) / n
        given = sum(each.given for each in some) / max(parts, 1)
        here = sum(each.arrived for each in some) / n
        sizes = " | ".join(f"{number / 1e3:,.1f} kB" for number in (sent, given, here))
        lines.append(f"| {stage} | {n} | {parts // n} | {sizes} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--votes", default="1000000")
    parser.add_argument("--methods", default="dawid-skene")
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--where", default="dask")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    counts = [int(text) for text in asked.workers.split(",")]
    few = written(FEW, asked.folder)
    print("| votes | method | workers | here | all cores | cluster | all cores |")
    print("|---|---|---|---|---|---|---|")
    for workers in counts if asked.where == "dask" else counts[:1]:
        with connected(asked.where, workers) as cluster:
            for n_votes in map(int, asked.votes.split(",")):
                path = written(n_votes, asked.folder)
                for method in asked.methods.split(","):
                    for place in (None, cluster):
                        audited(few, method, cluster.threads, place)
                    cluster.traffic.clear()
                    here, there = (
                        audited(path, method, cluster.threads, place) for place in (None, cluster)
                    )
                    start = f"| {n_votes:,} | {method} | {cluster.threads} "
                    print(f"{start}| {here} | {there} |", flush=True)
            found = "\n".join(passes(cluster.traffic))
    print(f"\n{n_votes:,} votes, {method}, {workers} workers\n\n{found}")


if __name__ == "__main__":
    main()
