"""What runs against what: each is one process, ``python -m tests.benchmarks.contenders NAME ...``.

Heavy imports stand inside the functions, so that no contender pays for another's.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = ["label", "pred_probs"]
METHOD = "prune_by_noise_rate"


def arrays(path: str) -> tuple[Any, Any]:
    """Read labels and probabilities as numpy arrays."""
    import numpy as np
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=COLUMNS)
    labels = table.column("label").to_numpy()
    chunks = [chunk.flatten().to_numpy() for chunk in table.column("pred_probs").chunks]
    del table
    flat = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
    return labels, flat.reshape(len(labels), -1)


def make(size: str, folder: str) -> None:
    """Make a table where it is not there yet."""
    from tests.benchmarks.sizes import Size
    from tests.benchmarks.tables import written

    written(Size.parse(size), Path(folder))


def peer(path: str, output: str) -> None:
    """Do the whole job as a script with the peer does it."""
    import numpy as np
    from cleanlab.filter import find_label_issues

    labels, probs = arrays(path)
    rows = find_label_issues(
        labels, probs, filter_by=METHOD, return_indices_ranked_by="self_confidence"
    )
    given, suggested = labels[rows], probs[rows].argmax(axis=1)
    quality = probs[rows, given]
    with Path(output).open("w", encoding="utf-8") as file:
        file.write("row,given_label,suggested_label,label_quality\n")
        np.savetxt(
            file, np.column_stack([rows, given, suggested, quality]), fmt=("%d", "%d", "%d", "%.9g")
        )


def floor_whole(path: str) -> None:
    """Decode the columns and nothing else, all at once."""
    import pyarrow.parquet as pq

    pq.read_table(path, columns=COLUMNS)


def floor_batches(path: str) -> None:
    """Decode the columns and nothing else, in batches."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for _ in file.iter_batches(batch_size=65_536, columns=COLUMNS):
            pass


def timed(job: Callable[[Any, Any], Any], path: str) -> None:
    """Print the seconds of the best of three calls on arrays, after a first one on few of them."""
    labels, probs = arrays(path)
    few = min(len(labels), 20 * probs.shape[1])
    job(labels[:few], probs[:few])
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        job(labels, probs)
        seconds.append(time.perf_counter() - start)
    print(json.dumps(min(seconds)))


def api_ours(path: str, method: str = METHOD) -> None:
    """Call our API on arrays."""
    import labelaudit

    timed(lambda labels, probs: labelaudit.find_issues(labels, probs, method=method), path)


def api_rcp(path: str) -> None:
    """Call our API with the default method."""
    api_ours(path, "rcp")


def api_peer(path: str) -> None:
    """Call the peer's function on arrays."""
    from cleanlab.filter import find_label_issues

    timed(
        lambda labels, probs: find_label_issues(
            labels, probs, filter_by=METHOD, return_indices_ranked_by="self_confidence"
        ),
        path,
    )


EVERY = (make, peer, floor_whole, floor_batches, api_ours, api_rcp, api_peer)
JOBS = {job.__name__: job for job in EVERY}

if __name__ == "__main__":
    JOBS[sys.argv[1]](*sys.argv[2:])
