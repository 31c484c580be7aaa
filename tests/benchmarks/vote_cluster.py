"""What a cluster costs an aggregation: time with 1 and 2 workers, and the bytes of every pass.

    python -m tests.benchmarks.vote_cluster [--votes 1000000] [--methods majority,dawid-skene]
        [--workers 1,2] [--where dask]

Each aggregation runs twice on the same workers, and the second time counts; "here" is as many
threads of one process. Seconds are those of reading a Parquet file, aggregating, and making the
tables.

Bytes are those of what is pickled, as it travels: "to a worker" is the step with all that is known
of annotators; "from a part" the sums over the tasks of one shard, and "to here" what of all shards
comes to the client. The first pass sends the votes.
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


class Took(NamedTuple):
    """Seconds here and there, and what travelled."""

    here: float
    there: float
    traffic: list[Traffic]


def written(n_votes: int, folder: Path) -> Path:
    path = folder / f"votes-{n_votes}.parquet"
    if not path.exists():
        rows = rows_of(synthetic(n_votes))
        columns = zip(("task", "worker", "label"), rows.T, strict=True)
        pq.write_table(pa.table({name: pa.array(column) for name, column in columns}), path)
    return path


def audited(path: Path, method: str, threads: int, cluster: Cluster | None = None) -> float:
    source = open_votes([str(path)], VoteOptions())
    start = time.perf_counter()
    crowd.audit(source, CrowdSettings(method=method), threads=threads, cluster=cluster)
    return time.perf_counter() - start


def took(path: Path, method: str, workers: int, cluster: Cluster) -> Took:
    here = min(audited(path, method, workers) for _ in range(2))
    audited(path, method, workers, cluster)
    cluster.traffic.clear()
    return Took(here, audited(path, method, workers, cluster), list(cluster.traffic))


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
    parser.add_argument("--methods", default="majority,dawid-skene")
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--where", default="dask")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    counts = [int(text) for text in asked.workers.split(",")]
    print("| votes | method | workers | here | cluster |\n|---|---|---|---|---|")
    for workers in counts if asked.where == "dask" else counts[:1]:
        with connected(asked.where, workers) as cluster:
            for n_votes in map(int, asked.votes.split(",")):
                path = written(n_votes, asked.folder)
                for method in asked.methods.split(","):
                    each = took(path, method, cluster.threads, cluster)
                    print(
                        f"| {n_votes:,} | {method} | {cluster.threads} | {each.here:.1f} s "
                        f"| {each.there:.1f} s |",
                        flush=True,
                    )
    print(f"\n{n_votes:,} votes, {method}, {workers} workers\n")
    print("\n".join(passes(each.traffic)))


if __name__ == "__main__":
    main()
