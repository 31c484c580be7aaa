"""Peak memory on multi-label tables against rows: ``python -m tests.benchmarks.tag_memory``.

Each table is written in pieces by a process of its own, and audited with a budget by another whose
peak the kernel reports. The one that measures stays small, or its own size would be measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.processes import Cost, measured
from tests.benchmarks.sizes import Size

SIZES = "1Mx20,5Mx20"
BUDGETS = "0.1,0.5,2"
OUTPUTS = ("issues.parquet", "rows:rows.parquet")
BASE = "2kx20"


def written(size: Size, folder: Path) -> Path:
    """Return the table's file, made on first use, its seeds those of its row groups."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tests.benchmarks.tag_speed import made

    path = folder / f"tags-{size}.parquet"
    if path.exists():
        return path
    kind = pa.list_(pa.float32(), size.classes)
    schema = pa.schema([("id", pa.int64()), ("labels", pa.list_(pa.int32())), ("probs", kind)])
    unfinished = path.with_suffix(".part")
    with pq.ParquetWriter(unfinished, schema) as writer:
        for group, start in enumerate(range(0, size.rows, size.group_rows)):
            rows = min(size.group_rows, size.rows - start)
            given, probs = made(rows, size.classes, seed=group)
            ends = np.concatenate([[0], np.cumsum(given.sum(axis=1))]).astype(np.int32)
            tags = pa.ListArray.from_arrays(ends, np.nonzero(given)[1].astype(np.int32))
            lists = pa.FixedSizeListArray.from_arrays(pa.array(probs.ravel()), type=kind)
            ids = pa.array(np.arange(start, start + rows))
            table = pa.table([ids, tags, lists], schema=schema)
            writer.write_table(table, row_group_size=rows)
    unfinished.rename(path)
    return path


def audited(path: Path, folder: Path, budget: float, threads: int) -> Cost:
    """Audit a table with a budget in GB, and write all of its issues."""
    command = [sys.executable, "-m", "labelaudit", "find-issues", str(path), "-q", "--force"]
    command += ["--memory", f"{round(budget * 1e9)}", "--threads", str(threads)]
    for name in OUTPUTS:
        table, _, file = name.rpartition(":")
        command += ["-o", f"{table}:{folder / file}" if table else str(folder / file)]
    return measured(command)


def make(size: str, folder: Path) -> None:
    """Have another process write a table."""
    measured([sys.executable, "-m", "tests.benchmarks.tag_memory", "--make", size, str(folder)])


def compare(sizes: list[str], budgets: list[float], folder: Path, threads: int) -> str:
    """Return the lines of a table: a row for each size and budget."""
    make(BASE, folder)
    base = audited(folder / f"tags-{BASE}.parquet", folder, 0.5, threads).peak
    lines = [
        f"A table of {BASE} takes {base / 1e6:,.0f} MB: the interpreter and its libraries.\n",
        "| rows x classes | `--memory` | peak memory | above the smallest | wall | CPU |",
        "|---|---|---|---|---|---|",
    ]
    for text in sizes:
        size = Size.parse(text)
        make(text, folder)
        for budget in budgets:
            cost = audited(folder / f"tags-{size}.parquet", folder, budget, threads)
            above = (cost.peak - base) / 1e6
            lines.append(
                f"| {size} | {budget:g} GB | {cost.peak / 1e6:,.0f} MB | {above:,.0f} MB | "
                f"{cost.wall:.0f} s | {cost.cpu:.0f} s |"
            )
    return "\n".join(lines)


def main() -> None:
    """Make one table, or measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=SIZES)
    parser.add_argument("--budgets", default=BUDGETS, help="GB")
    parser.add_argument("--threads", type=int, default=2)
    there = Path(tempfile.gettempdir()) / "labelaudit-benchmarks"
    parser.add_argument("--folder", type=Path, default=there)
    parser.add_argument("--make", nargs=2)
    chosen = parser.parse_args()
    if chosen.make:
        written(Size.parse(chosen.make[0]), Path(chosen.make[1]))
        return
    chosen.folder.mkdir(parents=True, exist_ok=True)
    budgets = [float(text) for text in chosen.budgets.split(",")]
    print(compare(chosen.sizes.split(","), budgets, chosen.folder, chosen.threads))


if __name__ == "__main__":
    main()
