"""Runs whose issues do not fit in memory: what is said, what is left behind, what is taken."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from labelaudit import naming, planning
from tests.in_process import FIXTURES, call

if TYPE_CHECKING:
    from pathlib import Path

DATA = FIXTURES / "noisy" / "digits" / "data.parquet"
FORCED = """
import sys
from labelaudit import naming, planning
naming.BYTES_PER_ISSUE = 1 << 50
"""


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def run(code: str, temporary: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FORCED + code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TMPDIR": str(temporary)},
    )


@pytest.mark.parametrize("more", [(), ("--all",), ("--top", "7")], ids=str)
def test_reports_and_files_are_the_same(
    more: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("issues.csv", "issues.parquet", "summary.json", "report.txt", "report.html")
    folders, said = [], []
    for name in ("memory", "disk"):
        folder = tmp_path / name
        folder.mkdir()
        outputs = [word for output in names for word in ("-o", output)]
        done = call(
            "find-issues", DATA, "--keep", "id", *more, *outputs, "-o", "run:run/", cwd=folder
        )
        assert done.code == 0, done.err
        folders.append(folder)
        said.append(done.out)
        monkeypatch.setattr(naming, "BYTES_PER_ISSUE", 1 << 50)
    assert said[0] == said[1]
    files = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("*.*"))
    assert len(files) > 8
    for file in files:
        if file.name not in ("run.json", "summary.json"):  # these tell the time it took
            assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes(), file


def test_the_gate_judges_them_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("check", DATA, "--require", "issues <= 1", "--require", "error_rate < 90%")
    whole = call(*arguments)
    monkeypatch.setattr(naming, "BYTES_PER_ISSUE", 1 << 50)
    assert call(*arguments) == whole
    assert whole.code == 1


def test_nothing_stays_when_it_is_done(temporary: Path, tmp_path: Path) -> None:
    output = tmp_path / "issues.csv"
    done = run(
        "from labelaudit import cli; sys.exit(cli.main(sys.argv[1:]))",
        temporary,
        *("find-issues", str(DATA), "-q", "-o", str(output)),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert output.exists()
    assert list(temporary.iterdir()) == []


def test_a_full_disk(temporary: Path, tmp_path: Path) -> None:
    pytest.importorskip("resource")
    done = run(
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n"
        "from labelaudit import cli; sys.exit(cli.main(sys.argv[1:]))",
        temporary,
        *("find-issues", str(DATA), "-o", str(tmp_path / "issues.csv")),
    )
    assert done.returncode == 4
    assert done.stdout == ""
    said = " ".join(done.stderr.split())
    assert said.startswith("labelaudit: What does not fit in memory cannot be kept in")
    assert str(temporary) in said
    assert "TMPDIR" in said
    assert [path.name for path in tmp_path.iterdir()] == ["temporary"]
    assert list(temporary.iterdir()) == []


WAITING = """
import time
from pathlib import Path
*arguments, ready = sys.argv[1:]
import labelaudit.tables.writing as writing

def write_table(table, form, sink, *, excel=False):
    Path(ready).touch()
    for _ in range(600):  # a signal that comes just before a sleep does not end it
        time.sleep(0.1)

writing.write_table = write_table
from labelaudit import cli
sys.argv = ["labelaudit", *arguments]
cli.run()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal(number: int, code: int, temporary: Path, tmp_path: Path) -> None:
    ready, output = tmp_path / "ready", tmp_path / "issues.csv"
    arguments = ["find-issues", str(DATA), "-o", str(output), str(ready)]
    with subprocess.Popen(
        [sys.executable, "-c", FORCED + WAITING, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(temporary)},
    ) as process:
        deadline = time.monotonic() + 60
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        held = sum(path.is_dir() for path in temporary.iterdir())
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert held == 1
    said = b"labelaudit: Interrupted; nothing half-written is left.\n" if code == 130 else b""
    assert (process.returncode, out, err) == (code, b"", said)
    assert not output.exists()
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a signal that kills")
def test_what_a_killed_run_leaves_goes_with_the_next(temporary: Path, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with subprocess.Popen(
        [sys.executable, "-c", FORCED + WAITING, "find-issues", str(DATA), "-o", "x.csv", ready],
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(temporary)},
    ) as process:
        deadline = time.monotonic() + 60
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    assert len(list(temporary.iterdir())) == 2
    done = run(
        "from labelaudit import cli; sys.exit(cli.main(sys.argv[1:]))",
        temporary,
        *("find-issues", str(DATA), "-q"),
    )
    assert done.returncode == 0
    assert list(temporary.iterdir()) == []


MEASURED = """
import resource, sys
import numpy as np
from labelaudit.findings import IssueChunk
from labelaudit.tables.issue_sorting import spilled_table
from labelaudit.tables.issue_spill import NUMBERS, IssueSpill, rows_of
from labelaudit.tables.options import ReadOptions
from labelaudit.tables.source import open_labels
from labelaudit.tables.writing import write_table

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

def columns(rows):
    found = {name: rng.integers(0, 2, len(rows)).astype(kind) for name, kind in NUMBERS.items()}
    return rows_of({**found, "row": rows})

data, output, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
source = open_labels([data], ReadOptions(keep=("text",)))
rng, spill = np.random.default_rng(0), IssueSpill(10_000)
for first in range(0, rows, 1 << 16):
    chunk = np.arange(first, min(first + (1 << 16), rows))
    spill.take(IssueChunk(columns(chunk), rng.random(len(chunk))))
before = peak()
table = spilled_table(spill, source, 64 << 20)
for form in ("parquet", "csv"):
    with open(output, "wb") as sink:
        write_table(table, form, sink)
    sizes = sum(path.stat().st_size for path in table.folder.path.iterdir()) >> 20
print(table.num_rows, sizes, peak() - before)
"""


def test_memory_does_not_grow_with_the_issues(temporary: Path, tmp_path: Path) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    pytest.importorskip("resource")
    rows, data = 2_000_000, tmp_path / "data.parquet"
    numbers = pa.array(np.random.default_rng(0).permutation(rows))
    half, labels = pa.array(np.full(rows, 0.5, np.float32)), pa.array(np.arange(rows) % 2)
    text = pa.compute.binary_join_element_wise(numbers.cast(pa.string()), "text" * 20, "-")
    table = pa.table({"id": numbers, "label": labels, "p_0": half, "p_1": half})
    pq.write_table(table.append_column("text", text), data, row_group_size=100_000)
    done = run(MEASURED, temporary, str(data), str(tmp_path / "out"), str(rows))
    assert done.returncode == 0, done.stderr
    count, on_disk, grown = map(int, done.stdout.split())
    assert count == rows
    assert on_disk > 250
    assert grown < 250, "MB more than before"
    assert list(temporary.iterdir()) == []


TAGS = FIXTURES / "noisy" / "tags" / "data.parquet"


@pytest.mark.parametrize("more", [(), ("--all",), ("--top", "7"), ("-v",)], ids=str)
def test_several_labels_a_row(
    more: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("issues.csv", "issues.jsonl", "issues.parquet", "summary.json", "report.html")
    tables = ("rows", "classes", "groups", "candidates", "missing", "relations", "violations")
    asked = [*names, "run:run/", *(f"{name}:{name}.parquet" for name in tables)]
    folders, said, summaries = [], [], []
    for name in ("memory", "disk"):
        folder = tmp_path / name
        folder.mkdir()
        outputs = [word for output in asked for word in ("-o", output)]
        group = ("--group", "id", "--keep", "id")
        done = call("find-issues", TAGS, *group, *more, *outputs, cwd=folder)
        assert done.code == 0, done.err
        folders.append(folder)
        said.append(done.out)
        summaries.append(json.loads((folder / "summary.json").read_text()))
        monkeypatch.setattr(naming, "BYTES_PER_ISSUE", 1 << 50)
    if "-v" in more:
        assert "What did not fit in memory took up to" in said[1]
    else:
        assert said[0] == said[1]
    taken = [summary.pop("temporary_bytes") for summary in summaries]
    assert taken[0] == 0 < taken[1]
    assert [summary.pop("timings").keys() for summary in summaries]
    assert summaries[0] == summaries[1]
    files = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("*.*"))
    assert len(files) > 18
    for file in files:
        if file.name not in ("run.json", "summary.json"):  # these tell the time it took
            assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes(), file


@pytest.mark.parametrize("data", [DATA, TAGS], ids=["labels", "tags"])
def test_a_dry_run_tells_of_what_is_sorted_on_disk(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("find-issues", data, "--dry-run", "--json")
    assert json.loads(call(*arguments).out)["bytes_spilled"] == 0
    monkeypatch.setattr(planning, "BYTES_PER_ISSUE", 1 << 50)
    whole = json.loads(call(*arguments).out)["bytes_spilled"]
    few = json.loads(call(*arguments, "--top", "3").out)["bytes_spilled"]
    assert 0 < few < whole
    assert ", and about" in " ".join(call("find-issues", data, "--dry-run").out.split())
