"""How time and memory grow with rows, classes, threads and workers.

    python -m tests.benchmarks.scaling [--rows 1e5,1e6,1e7,1e8] [--classes 10,100,1000,10000]
        [--numbers 1e7] [--repeat 2] [--folder DIR] [--write]

Every figure is that of a whole process, ``labelaudit find-issues TABLE -o issues.parquet``, the
quickest of its runs. Tables from 10^8 rows on have ``--memory 2GB`` and one run. The exponent is
the slope of log time against log rows, after the time of a run on a small table is taken off.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.drawing import Line, drawn
from tests.benchmarks.processes import ROOT, Cost, measured
from tests.benchmarks.sizes import Size
from tests.benchmarks.speed import SMALL, contender, machine, memory, ours, put, seconds, show

FIGURE = ROOT / "docs" / "images" / "scaling.svg"
LARGE = 100_000_000
BUDGET = ("--memory", "2GB")
CLUSTERED = 1_000_000
PASS = re.compile(
    r"^ {2}\S.*?(?:, (\d+)x)? +(\d+) +([\d,.]+) kB +([\d,.]+) kB +([\d,.]+) kB$", re.MULTILINE
)


class Bench:
    """Where tables are, and how often each run is made."""

    def __init__(self, folder: Path, repeat: int) -> None:
        self.folder = folder
        self.repeat = repeat

    def table(self, size: Size) -> Path:
        measured(contender("make", str(size), str(self.folder)))
        return self.folder / f"{size}.parquet"

    def run(self, table: Path, *options: str, repeat: int = 0) -> Cost:
        """Return the quickest run, with the highest peak of all."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            command = ours(table, Path(folder) / "issues.parquet", *options)
            costs = [measured(command) for _ in range(repeat or self.repeat)]
        quickest = min(costs, key=lambda cost: cost.wall)
        show(f"{table.stem} {' '.join(options)}: {quickest.wall:.2f} s, {quickest.cpu:.2f} s CPU")
        return quickest._replace(peak=max(cost.peak for cost in costs))

    def sized(self, size: Size, *options: str) -> Cost:
        if size.rows >= LARGE:
            return self.run(self.table(size), *BUDGET, *options, repeat=1)
        return self.run(self.table(size), *options)


def table_of(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cells(cost: Cost) -> list[str]:
    return [seconds(cost), f"{cost.cpu:.2f} s", memory(cost)]


def slope(counts: list[int], times: list[float]) -> float:
    """Return the exponent between the first and the last."""
    return math.log(times[-1] / times[0]) / math.log(counts[-1] / counts[0])


def exponents(costs: dict[int, Cost], start: Cost) -> str:
    """Say how time grows between neighbouring sizes, start-up taken off."""
    rows = []
    for low, high in zip(list(costs), list(costs)[1:], strict=False):
        wall, cpu = (
            slope(
                [low, high], [costs[low][which] - start[which], costs[high][which] - start[which]]
            )
            for which in (0, 1)
        )
        rows.append([f"{low:,} to {high:,}", f"{wall:.2f}", f"{cpu:.2f}"])
    return table_of(["exponent, from rows to rows", "wall", "CPU"], rows)


def by_rows(bench: Bench, counts: list[int], start: Cost) -> tuple[str, dict[int, Cost]]:
    costs = {rows: bench.sized(Size(rows, 10)) for rows in counts}
    lines = [["1,797 (start-up)", *cells(start), ""]]
    for rows, cost in costs.items():
        each = f"{(cost.cpu - start.cpu) / rows * 1e6:.2f} µs"
        lines.append([f"{rows:,}", *cells(cost), each])
    heads = ["rows, K = 10", "wall", "CPU", "peak memory", "CPU a row, above start-up"]
    return table_of(heads, lines) + "\n\n" + exponents(costs, start), costs


def by_classes(bench: Bench, classes: list[int], numbers: list[int]) -> str:
    sizes = [Size(each // k, k) for each in numbers for k in classes]
    lines = [[f"{s.classes:,}", f"{s.rows:,}", *cells(bench.sized(s))] for s in sizes]
    return table_of(["K", "rows", "wall", "CPU", "peak memory"], lines)


def by_threads(bench: Bench, counts: list[int]) -> str:
    lines = []
    for rows in counts:
        size = Size(rows, 10)
        one, two = (bench.sized(size, "--threads", count) for count in ("1", "2"))
        for name, cost in (("1", one), ("2", two)):
            lines.append([f"{rows:,}", name, *cells(cost), f"{one.wall / cost.wall:.2f}"])
    return table_of(["rows", "threads", "wall", "CPU", "peak memory", "times as fast"], lines)


class Travelled(NamedTuple):
    """Passes, and bytes sent to each worker, given by all parts, and arrived at the client."""

    passes: int
    sent: float
    given: float
    arrived: float

    @classmethod
    def of(cls, printed: str) -> Travelled:
        passes, sent, given, arrived = 0, 0.0, 0.0, 0.0
        for times, *numbers in PASS.findall(printed):
            n = int(times or 1)
            parts, to, part, here = (float(each.replace(",", "")) for each in numbers)
            passes += n
            sent, given, arrived = sent + n * to, given + n * parts * part, arrived + n * here
        return cls(passes, sent * 1e3, given * 1e3, arrived * 1e3)


def clustered(bench: Bench, table: Path, workers: str) -> tuple[Cost, Travelled]:
    """Return a run's cost, and what travelled."""
    output = bench.folder / "clustered.parquet"
    command = [each for each in ours(table, output, "--cluster", "dask") if each != "-q"]
    cost = measured([*command, "-v", "--threads", workers])
    output.unlink()
    show(f"{table.stem} {workers} workers: {cost.wall:.2f} s")
    return cost, Travelled.of(cost.printed)


def by_workers(bench: Bench, counts: list[int]) -> str:
    lines = []
    for rows in counts:
        table = bench.table(Size(rows, 10))
        for workers in ("1", "2"):
            cost, found = clustered(bench, table, workers)
            travelled = [
                f"{found.sent / 1e3:,.1f} kB",
                f"{found.given / 1e6:,.1f} MB",
                f"{found.arrived / 1e6:,.1f} MB",
                f"{found.arrived / rows:.2f} B",
            ]
            lines.append([f"{rows:,}", workers, seconds(cost), str(found.passes), *travelled])
    heads = ["rows", "workers", "wall, with their start", "passes"]
    more = ["to each worker", "from all parts", "to the client", "a row"]
    return table_of([*heads, *more], lines)


def figure(costs: dict[int, Cost]) -> str:
    """Draw time and memory against rows."""
    rows = [float(each) for each in costs]
    return drawn(
        "Time and peak memory against rows, K = 10",
        "rows",
        [
            Line("wall, s", "#1f5fa8", rows, [cost.wall for cost in costs.values()]),
            Line("CPU, s", "#b3541e", rows, [cost.cpu for cost in costs.values()]),
            Line("peak memory, GB", "#4a7a2c", rows, [c.peak / 1e9 for c in costs.values()]),
        ],
    )


def started(bench: Bench) -> Cost:
    """Return what a run costs that has next to nothing to do; the first compiles, and is left."""
    bench.run(SMALL, repeat=1)
    return bench.run(SMALL, repeat=3)


def whole(text: str) -> list[int]:
    return [int(float(each)) for each in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="1e5,1e6,1e7,1e8", help="rows, of 10 classes")
    parser.add_argument("--classes", default="10,100,1000,10000")
    parser.add_argument("--numbers", default="1e7", help="rows times classes, against classes")
    parser.add_argument("--repeat", type=int, default=2, help="runs of each")
    parser.add_argument("--folder", type=Path, help="where tables are kept between calls")
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.gettempdir()) / "labelaudit-benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(folder, asked.repeat)
    start, counts = started(bench), whole(asked.rows)
    middle = [rows for rows in counts if CLUSTERED <= rows < LARGE] or counts[:1]
    parts = [
        by_classes(bench, whole(asked.classes), whole(asked.numbers)),
        by_threads(bench, middle),
        by_workers(bench, middle),
    ]
    load = f"Beside other work: {os.getloadavg()[1]:.1f} processes were running on average."
    rows, costs = by_rows(bench, counts, start)
    text = "\n\n".join([f"{machine()} {load}", rows, *parts]) + "\n"
    print(text)
    if asked.write:
        put("scaling", text)
        FIGURE.write_text(figure(costs), "utf-8")


if __name__ == "__main__":
    main()
