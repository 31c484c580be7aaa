"""Speed and memory of the whole process against the peer and against mere decoding.

    python -m tests.benchmarks.speed [--tables 1Mx10,50kx1000] [--repeat 3] [--write]
    python -m tests.benchmarks.speed --startup

Contenders run in turns, so that all meet the same machine; the best run of each counts. Memory is
the peak resident set of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import psutil

from tests.benchmarks.contenders import METHOD
from tests.benchmarks.processes import ROOT, Cost, measured
from tests.benchmarks.sizes import Size

PAGE = ROOT / "docs" / "benchmarks.md"
SMALL = ROOT / "fixtures" / "noisy" / "digits" / "data.parquet"
OURS = str(Path(sys.executable).with_name("labelaudit"))
TABLES = "1Mx10,10Mx10,1Mx100,50kx1000,10Mx100"
MOST_IN_PROCESS = 200_000_000
PEER_BYTES_PER_NUMBER = 24

WHOLE = ("ours", "rcp", "peer", "floor, whole", "floor, batches")
HEADS = (
    (
        "| table | ours | rcp | peer | floor, whole | floor, batches | peer / ours "
        "| ours / floor, whole | ours / floor, batches | rcp / ours | CPU of ours |"
    ),
    "| peak memory | ours | rcp | peer | floor, whole | floor, batches |",
    "| in process | ours | rcp | peer | peer / ours |",
)


def contender(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.contenders", name, *arguments]


def ours(table: Path, output: Path, *options: str) -> list[str]:
    return [OURS, "find-issues", str(table), *options, "-o", str(output), "--force", "-q"]


def commands(size: Size, table: Path, folder: Path, *, peer: bool) -> dict[str, list[str]]:
    """Return every contender's command for one table."""
    found = {
        "ours": ours(table, folder / "ours.csv", "--method", METHOD),
        "rcp": ours(table, folder / "rcp.csv"),
        "floor, whole": contender("floor_whole", str(table)),
        "floor, batches": contender("floor_batches", str(table)),
    }
    if peer:
        found["peer"] = contender("peer", str(table), str(folder / "peer.csv"))
    if size.numbers <= MOST_IN_PROCESS:
        found["api, ours"] = contender("api_ours", str(table))
        found["api, rcp"] = contender("api_rcp", str(table))
        if peer:
            found["api, peer"] = contender("api_peer", str(table))
    return found


def best(name: str, costs: list[Cost]) -> Cost:
    """Return the quickest run; one within a process says itself how long it took."""
    if name.startswith("api"):
        seconds = min(json.loads(cost.printed) for cost in costs)
        return Cost(seconds, min(cost.cpu for cost in costs), max(cost.peak for cost in costs))
    quickest = min(costs, key=lambda cost: cost.wall)
    return quickest._replace(peak=max(cost.peak for cost in costs))


def raced(todo: dict[str, list[str]], repeat: int) -> dict[str, Cost]:
    """Run the commands in turns, and return the best of each."""
    runs: dict[str, list[Cost]] = {name: [] for name in todo}
    for turn in range(repeat):
        for name, command in todo.items():
            cost = measured(command)
            runs[name].append(cost)
            show(
                f"  {turn + 1}: {name:15} {cost.wall:7.2f} s  {cost.cpu:7.2f} s CPU"
                f"  {cost.peak / 1e6:6.0f} MB"
            )
    return {name: best(name, costs) for name, costs in runs.items()}


def show(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def ratio(over: Cost | None, under: Cost | None) -> str:
    return f"{over.wall / under.wall:.1f}" if over and under else "-"


def seconds(cost: Cost | None) -> str:
    return f"{cost.wall:.2f} s" if cost else "-"


def memory(cost: Cost | None) -> str:
    return f"{cost.peak / 1e6:,.0f} MB" if cost else "-"


def lines(size: Size, costs: dict[str, Cost]) -> tuple[str, str, str]:
    """Return a line for each of the three tables: whole process, memory, in process."""
    get = costs.get
    whole = [
        *(seconds(get(name)) for name in WHOLE),
        ratio(get("peer"), get("ours")),
        ratio(get("ours"), get("floor, whole")),
        ratio(get("ours"), get("floor, batches")),
        ratio(get("rcp"), get("ours")),
        f"{costs['ours'].cpu:.2f} s",
    ]
    peaks = [memory(get(name)) for name in WHOLE]
    inside = [seconds(get(name)) for name in ("api, ours", "api, rcp", "api, peer")]
    inside.append(ratio(get("api, peer"), get("api, ours")))
    one, two, three = (f"| {size} | " + " | ".join(row) + " |" for row in (whole, peaks, inside))
    return one, two, three


def machine() -> str:
    """Return one sentence on where this was measured."""
    names = ("labelaudit", "cleanlab", "pyarrow", "numpy", "numba")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    total = psutil.virtual_memory().total / 1e9
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {total:.0f} GB, Python {python}, {versions}."


def speed(sizes: list[Size], folder: Path, repeat: int, *, peer_anyway: bool) -> str:
    """Measure every table and return the page's text."""
    warm_up(folder)
    rows: list[tuple[str, str, str]] = []
    for size in sizes:
        show(f"{size}")
        measured(contender("make", str(size), str(folder)))
        table = folder / f"{size}.parquet"
        room = psutil.virtual_memory().available > PEER_BYTES_PER_NUMBER * size.numbers
        peer = peer_anyway or room
        rows.append(lines(size, raced(commands(size, table, folder, peer=peer), repeat)))
    parts = [f"Best of {repeat} on {machine()}"]
    for number, head in enumerate(HEADS):
        rule = "|---" * (head.count("|") - 1) + "|"
        parts.append("\n".join([head, rule, *(row[number] for row in rows)]))
    return "\n\n".join(parts) + "\n"


def warm_up(folder: Path) -> None:
    """Have everything compiled that the runs need."""
    for options in (("--method", METHOD), ()):
        measured(ours(SMALL, folder / "small.csv", *options))


def startup(folder: Path, repeat: int) -> str:
    """Measure what a small run costs, and the first run of all."""
    small = ours(SMALL, folder / "small.csv", "--method", METHOD)
    todo = {
        "`--help`": [OURS, "--help"],
        "small table": small,
        "small table, rcp": ours(SMALL, folder / "small.csv"),
    }
    warm_up(folder)
    costs = raced(todo, repeat)
    for name in ("small table", "small table, rcp"):
        with tempfile.TemporaryDirectory(dir=folder) as cache:
            costs[f"{name}, nothing compiled yet"] = measured(todo[name], NUMBA_CACHE_DIR=cache)
    rows = [
        f"| {name} | {seconds(cost)} | {cost.cpu:.2f} s | {memory(cost)} |"
        for name, cost in costs.items()
    ]
    head = ["| run | wall | CPU | peak memory |", "|---|---|---|---|"]
    return "\n".join([f"Best of {repeat} on {machine()}", "", *head, *rows]) + "\n"


def put(section: str, text: str) -> None:
    """Write a section of the page."""
    page = PAGE.read_text("utf-8")
    mark = rf"(<!-- {section}: begin -->\n).*?(<!-- {section}: end -->)"
    PAGE.write_text(re.sub(mark, lambda m: m[1] + text + m[2], page, flags=re.DOTALL), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", default=TABLES, help="comma-separated, such as 1Mx10,50kx1000")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each contender")
    parser.add_argument("--folder", type=Path, help="where tables are kept between calls")
    parser.add_argument("--peer-anyway", action="store_true", help="even if memory looks short")
    parser.add_argument("--startup", action="store_true", help="small runs and the first run")
    parser.add_argument("--write", action="store_true", help="put the figures into the docs")
    chosen = parser.parse_args()
    folder = chosen.folder or Path(tempfile.gettempdir()) / "labelaudit-benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    if chosen.startup:
        section, text = "startup", startup(folder, chosen.repeat)
    else:
        sizes = [Size.parse(each) for each in chosen.tables.split(",")]
        section = "speed"
        text = speed(sizes, folder, chosen.repeat, peer_anyway=chosen.peer_anyway)
    print(text)
    if chosen.write:
        put(section, text)


if __name__ == "__main__":
    main()
