"""What a cluster costs: time with 1 and 2 workers, and the bytes of every pass.

    python -m tests.benchmarks.cluster [--tables 1Mx10,200kx100] [--workers 1,2] [--where dask]

``--where`` is ``dask`` (workers on this machine) or the address of a scheduler, whose workers must
see the folder of the tables; ``--workers`` is for the first. Each audit runs twice on the same
workers, and
the second time counts: workers that have just started compile or load kernels. "Here" is as many
threads of one process.

Bytes are those of the pickled summaries, as they travel. "To a worker" is the step with all that
is known so far, sent once for each pass, whatever the rows; "a part" is what one task gives, and
"to the client" what is left after workers have added up what parts gave.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from labelaudit import api
from labelaudit.cluster.connecting import connected
from labelaudit.tables.options import ReadOptions
from labelaudit.tables.source import open_labels
from tests.benchmarks.sizes import Size
from tests.benchmarks.tables import written

if TYPE_CHECKING:
    from labelaudit.cluster.connecting import Cluster
    from labelaudit.cluster.tasks import Traffic

METHODS = ("rcp", "prune_by_noise_rate")


class Took(NamedTuple):
    """Seconds here and there, and what travelled."""

    here: float
    there: float
    traffic: list[Traffic]


def audited(path: str, method: str, threads: int, cluster: Cluster | None = None) -> float:
    source = open_labels([path], ReadOptions())
    settings = api.audit_settings({"method": method})
    start = time.perf_counter()
    api.audit(source, settings, threads=threads, cluster=cluster)
    return time.perf_counter() - start


def took(path: str, method: str, workers: int, cluster: Cluster) -> Took:
    here = [audited(path, method, workers) for _ in range(2)][-1]
    audited(path, method, workers, cluster)
    cluster.traffic.clear()
    return Took(here, audited(path, method, workers, cluster), list(cluster.traffic))


def passes(traffic: list[Traffic], rows: int) -> list[str]:
    lines = [
        "| pass | parts | to a worker | from a part | to the client | a row |",
        "|---|---|---|---|---|---|",
    ]
    for each in traffic:
        part = each.given / max(each.parts, 1)
        lines.append(
            f"| {each.stage} | {each.parts} | {each.sent / 1e3:,.1f} kB | {part / 1e3:,.1f} kB "
            f"| {each.arrived / 1e3:,.1f} kB | {each.arrived / rows:.2f} B |"
        )
    sent, here = sum(t.sent for t in traffic), sum(t.arrived for t in traffic)
    lines.append(f"| all | | {sent / 1e3:,.1f} kB | | {here / 1e3:,.1f} kB | {here / rows:.2f} B |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tables", default="1Mx10,200kx100")
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--where", default="dask")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    sizes = [Size.parse(text) for text in asked.tables.split(",")]
    counts = [int(text) for text in asked.workers.split(",")]
    found: dict[tuple[Size, str, int], Took] = {}
    for workers in counts if asked.where == "dask" else counts[:1]:
        with connected(asked.where, workers) as cluster:
            for size in sizes:
                for method in METHODS:
                    key = (size, method, cluster.threads)
                    found[key] = took(
                        str(written(size, asked.folder)), method, cluster.threads, cluster
                    )
    print("| table | method | workers | here | cluster |\n|---|---|---|---|---|")
    for (size, method, workers), each in found.items():
        print(f"| {size} | {method} | {workers} | {each.here:.2f} s | {each.there:.2f} s |")
    for (size, method, workers), each in found.items():
        if workers == max(key[2] for key in found):
            print(f"\n{size}, {method}, {workers} workers\n")
            print("\n".join(passes(each.traffic, size.rows)))


if __name__ == "__main__":
    main()
