"""Aggregation within a budget gives the same bytes as without one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelaudit.audits.crowd.methods import FITS
from labelaudit.crowd import aggregate, budget
from tests.in_process import call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.in_process import Finished

BUDGET = "340MB"
OUTPUTS = (
    *("consensus.csv", "consensus.parquet", "consensus.arrow", "consensus.jsonl"),
    *("workers:workers.csv", "confusion:confusion.parquet", "soft:soft.parquet", "card.md"),
)
FORCED = """
import sys
from labelaudit.crowd import budget
budget.spills = lambda source, memory: memory is not None
budget.room_for_votes = lambda memory: 20_000_000
"""


def some_votes(n: int = 300) -> pa.Table:
    """Votes of nine workers on tasks with three classes, in no order, some of them repeated."""
    rng = np.random.default_rng(0)
    task, worker = rng.integers(0, n, 5 * n), rng.integers(0, 9, 5 * n)
    truth = rng.integers(0, 3, n)
    right = rng.random(len(task)) < np.linspace(0.35, 0.95, 9)[worker]
    label = np.where(right, truth[task], rng.integers(0, 3, len(task)))
    names = np.array(["cat", "dog", "fox"])
    return pa.table(
        {
            "task": [f"t{i:04d}" for i in task],
            "worker": [f"w{i}" for i in worker],
            "label": names[label].tolist(),
            "known": [str(names[truth[i]]) if i % 20 == 0 else None for i in task],
        }
    )


def wide_votes() -> pa.Table:
    rng = np.random.default_rng(1)
    columns = {f"w{i}": pa.array(rng.choice(["a", "b", None], 200).tolist()) for i in range(4)}
    return pa.table({"id": np.arange(200), **columns})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()  # settings files are not looked for above
    (tmp_path / "temporary").mkdir()
    pq.write_table(some_votes(), tmp_path / "votes.parquet")
    pq.write_table(wide_votes(), tmp_path / "wide.parquet")
    return tmp_path


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Nothing fits, and a shard has a few dozen votes."""
    monkeypatch.setattr(budget, "spills", lambda _, memory: memory is not None)
    monkeypatch.setattr(budget, "room_for_votes", lambda _: 30_000)
    monkeypatch.setattr(budget, "check_pairs", lambda *_: None)
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "temporary"))
    monkeypatch.setenv("TMPDIR", str(folder / "temporary"))


def run(folder: Path, *arguments: str) -> Finished:
    return call("aggregate", *arguments, cwd=folder)


def both(folder: Path, data: str, outputs: tuple[str, ...], *arguments: str) -> tuple[str, str]:
    """Aggregate without and with a budget; the files must be equal. Return what was said."""
    said = []
    for name, limit in (("free", ()), ("bound", ("--memory", BUDGET))):
        place = folder / name
        place.mkdir()
        words = [word for output in outputs for word in ("-o", output)]
        done = run(place, f"../{data}", *arguments, *limit, *words)
        assert done.code == 0, done.err
        said.append(done.out + done.err)
    for output in outputs:
        path = output.rpartition(":")[2]
        assert (folder / "free" / path).read_bytes() == (folder / "bound" / path).read_bytes()
    assert not any((folder / "temporary").iterdir())
    return said[0], said[1]


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("method", sorted(FITS))
def test_every_method_that_passes_over_votes(method: str, folder: Path) -> None:
    outputs = OUTPUTS[:1]
    both(folder, "votes.parquet", outputs, "-m", method, "--gold", "known")


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("duplicates", ["last", "first", "all"])
def test_every_rule_for_duplicates_and_every_output(duplicates: str, folder: Path) -> None:
    arguments = ("-m", "dawid-skene", "--soft", "share", "--abstain", "fox")
    said = both(folder, "votes.parquet", OUTPUTS, *arguments, "--duplicates", duplicates)
    more = "The votes were read once, and gone through "
    assert said[0].split("Wrote")[0] == said[1].split(more)[0]
    told = " ".join(said[1].split(more)[1].split())
    assert re.match(r"\d\d times in temporary files of up to 0\.\d MB\. Wrote consensus\.csv", told)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("method", ["majority", "dawid-skene"])
def test_wide_votes(method: str, folder: Path) -> None:
    both(folder, "wide.parquet", OUTPUTS[:4], "-m", method, "--where", "id > 20")


@pytest.mark.usefixtures("tiny")
def test_summary_tells_of_the_work(folder: Path) -> None:
    arguments = ("votes.parquet", "-m", "majority", "-q", "--json")
    free = json.loads(run(folder, *arguments).out)
    bound = json.loads(run(folder, *arguments, "--memory", BUDGET).out)
    assert free["work"]["temporary_bytes"] == 0
    assert bound["work"]["temporary_bytes"] > 50_000
    assert bound["work"]["passes"] > 10
    assert (free["work"]["readings"], bound["work"]["readings"]) == (1, 1)
    for document in (free, bound):
        del document["work"], document["timings"]
    assert free == bound


@pytest.mark.usefixtures("tiny")
def test_dry_run_tells_of_temporary_files(folder: Path) -> None:
    done = run(folder, "votes.parquet", "--memory", BUDGET, "--dry-run")
    assert f"about 340 MB, and about 0 MB in {folder / 'temporary'}" in " ".join(done.out.split())
    plan = json.loads(run(folder, "votes.parquet", "--memory", BUDGET, "--dry-run", "--json").out)
    assert (plan["memory_expected"], plan["bytes_spilled"]) == (340_000_000, 1500 * 80)
    refused = run(folder, "votes.parquet", "--memory", BUDGET, "--dry-run", "-m", "kos")
    assert (refused.code, refused.out) == (4, "")
    free = json.loads(run(folder, "votes.parquet", "--dry-run", "--json").out)
    assert free["bytes_spilled"] == 0


@pytest.mark.usefixtures("tiny")
def test_page_says_what_it_leaves_out(folder: Path) -> None:
    done = run(folder, "votes.parquet", "--memory", BUDGET, "-o", "page.html", "-o", "run:run/")
    assert "The two best answers of each task are left out" in done.out
    assert "Tasks by confidence" in (folder / "page.html").read_text("utf-8")
    again = call("report", "run", cwd=folder)
    assert again.out.split("Wrote")[0] == done.out.split("Wrote")[0]


@pytest.mark.usefixtures("tiny")
def test_from_python(folder: Path) -> None:
    path = str(folder / "votes.parquet")
    free = aggregate(path, method="dawid-skene", soft="share")
    bound = aggregate(path, method="dawid-skene", soft="share", memory=340_000_000)
    assert bound.work.temporary_bytes > 0
    assert repr(bound) == repr(free)
    for name in ("consensus", "soft", "confusion", "workers"):
        table, other = getattr(bound, name), getattr(free, name)
        assert isinstance(table, pa.Table)
        assert table.equals(other)
    assert not any((folder / "temporary").iterdir())
    assert bound.to_pandas().equals(free.to_pandas())


def test_many_classes_of_votes_that_fit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "_CELL_BYTES", 1_000_000)
    monkeypatch.setattr(budget, "_LEAST_ROOM", 4 * 10**8)
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "temporary"))
    monkeypatch.setenv("TMPDIR", str(folder / "temporary"))
    said = both(folder, "votes.parquet", OUTPUTS, "-m", "dawid-skene", "--soft", "auto")
    assert "The votes were read once, and gone through" in said[1]
    assert "The votes were read once" not in said[0]
    done = run(folder, "votes.parquet", "--memory", BUDGET, "-m", "glad")
    assert (done.code, done.out) == (4, "")
    assert "The method glad, which holds 3 numbers for each task, is expected" in done.err


@pytest.mark.usefixtures("tiny")
def test_votes_that_cannot_be_leave_nothing(folder: Path) -> None:
    done = run(folder, "votes.parquet", "--memory", BUDGET, "--duplicates", "error", "-o", "c.csv")
    assert (done.code, done.out) == (3, "")
    assert "repeat an earlier one" in done.err
    assert not any((folder / "temporary").iterdir())
    assert not (folder / "c.csv").exists()


@pytest.mark.usefixtures("tiny")
def test_what_holds_all_votes_is_refused_before_reading(folder: Path) -> None:
    for arguments, words in (
        (("-m", "glad"), "The method glad, which holds all votes at once,"),
        (("-o", "top-two:t.csv"), "leave that table out"),
        (("-o", "soft:s.csv"), "add --soft auto or --soft share"),
    ):
        done = run(folder, "votes.parquet", "--memory", BUDGET, *arguments)
        assert (done.code, done.out) == (4, "")
        assert words in done.err
        assert len(done.err.splitlines()) == 2


def test_more_workers_than_fit_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "spills", lambda _, memory: memory is not None)
    monkeypatch.setattr(budget, "room_for_votes", lambda _: 3_000)
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "temporary"))
    monkeypatch.setenv("TMPDIR", str(folder / "temporary"))
    done = run(folder, "votes.parquet", "--memory", BUDGET)
    assert done.code == 4
    assert "What is learnt of 9 workers over 3 classes is expected to need" in done.err
    assert not any((folder / "temporary").iterdir())


@pytest.mark.usefixtures("tiny")
def test_folder_that_is_gone_or_full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from labelaudit.audits.crowd import building

    real = building.PairIndex.of

    def swept(*arguments: Any) -> object:
        for path in (folder / "temporary").iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
        return real(*arguments)

    monkeypatch.setattr(building.PairIndex, "of", swept)
    done = run(folder, "votes.parquet", "--memory", BUDGET, "-o", "c.csv")
    assert done.code == 4
    assert "cannot be kept in" in done.err
    assert not (folder / "c.csv").exists()
    assert not any((folder / "temporary").iterdir())


def limited(folder: Path, code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FORCED + code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | {"TMPDIR": str(folder / "temporary")},
    )


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
from labelaudit import cli
sys.exit(cli.main(sys.argv[1:]))
"""
WAITING = """
import time
from pathlib import Path
from labelaudit import crowd

def named(*given):
    Path("ready").touch()
    for _ in range(600):  # a signal that comes just before a sleep does not end it
        time.sleep(0.1)

crowd.named = named
from labelaudit import cli
sys.argv = ["labelaudit", *sys.argv[1:]]
cli.run()
"""

WRITING = """
import threading
import time
from pathlib import Path
from labelaudit.audits.crowd import ground

real = ground.save_arrays

def slowly(path, *arrays):
    if threading.current_thread() is threading.main_thread():
        return real(path, *arrays)
    Path("ready").touch()
    time.sleep(1)
    real(path, *arrays)
    with Path("written").open("a") as file:
        file.write("1")

ground.save_arrays = slowly
from labelaudit import cli
sys.argv = ["labelaudit", *sys.argv[1:]]
cli.run()
"""


def test_disk_that_is_full(folder: Path) -> None:
    with limited(folder, FULL, "aggregate", "votes.parquet", "--memory", BUDGET) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (4, "")
    assert "What does not fit in memory cannot be kept in" in err
    assert ": File too large." in err
    assert not any((folder / "temporary").iterdir())


@pytest.mark.parametrize("code", [WAITING, WRITING], ids=["waiting", "writing"])
def test_interrupted_in_the_middle(code: str, folder: Path) -> None:
    arguments = (
        "aggregate",
        "votes.parquet",
        "-q",
        "--memory",
        BUDGET,
        "--threads",
        "2",
        "-o",
        "c.csv",
    )
    with limited(folder, code, *arguments) as process:
        while not (folder / "ready").exists():
            assert process.poll() is None
            time.sleep(0.05)
        assert any((folder / "temporary").iterdir())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert not any((folder / "temporary").iterdir())
    assert not (folder / "c.csv").exists()
    if code == WRITING:  # what threads had begun was done before the folder went
        assert (folder / "written").exists()
