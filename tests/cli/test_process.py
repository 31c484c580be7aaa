"""What only a process of its own can show: start-up, signals, closed pipes, full disks."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.in_process import FIXTURES

DATA = FIXTURES / "noisy" / "digits" / "data.parquet"
HEAVY = (
    "distributed",
    "numpy",
    "pandas",
    "pyarrow",
    "sklearn",
    "scipy",
    "numba",
    "rich",
    "pydantic",
)
COMMAND = [sys.executable, "-m", "labelaudit"]


def probe(*arguments: str) -> list[str]:
    """Run a command in a new process; return the heavy modules that it imported."""
    code = (
        "import atexit, sys, json\n"
        "from labelaudit import cli\n"
        f"names = [*{HEAVY!r}, 'importlib.metadata']\n"
        "found = lambda: [name for name in names if name in sys.modules]\n"
        "atexit.register(lambda: print('\\n' + json.dumps(found())))\n"
        f"sys.argv = ['labelaudit', *{arguments!r}]\n"
        "cli.run()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    return [str(name) for name in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("find-issues", "--help")])
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert probe(*arguments) == []


def test_an_audit_imports_no_more_than_it_needs() -> None:
    found = probe("find-issues", str(DATA), "--threads", "1", "--memory", "1GiB")
    assert not {"distributed", "pandas", "sklearn", "rich", "pydantic"} & set(found)


def test_closed_pipe_ends_quietly() -> None:
    arguments = [*COMMAND, "find-issues", str(DATA), "-q", "--all", "-o", "jsonl:-"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
@pytest.mark.parametrize("arguments", [("--version",), ("inspect", str(DATA))])
def test_full_standard_output_is_an_error(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 4
    assert done.stderr.startswith("labelaudit: No space left on device.\n")
    assert "Exception ignored" not in done.stderr


SLOW = """
import sys, time
from pathlib import Path
*arguments, ready = sys.argv[1:]
import labelaudit.api, labelaudit.tables.writing as writing

def write_table(table, form, sink, *, excel=False):
    sink.write(b"half")
    sink.flush()
    Path(ready).touch()
    for _ in range(600):  # a signal that comes just before a sleep does not end it
        time.sleep(0.1)

writing.write_table = write_table
from labelaudit import cli
sys.argv = ["labelaudit", *arguments]
cli.run()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_behind(tmp_path: Path, number: int, code: int) -> None:
    folder, ready = tmp_path / "out", tmp_path / "ready"
    folder.mkdir()
    arguments = ["find-issues", str(DATA), "-o", str(folder / "x.csv"), str(ready)]
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 60
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        staged = [p.suffix for p in folder.iterdir()]
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert staged == [".tmp"]
    said = b"labelaudit: Interrupted; nothing half-written is left.\n" if code == 130 else b""
    assert (process.returncode, out, err) == (code, b"", said)
    assert list(folder.iterdir()) == []


def test_a_signal_while_modules_are_imported() -> None:
    code = (
        "import os, sys\n"
        "from labelaudit import cli\n"
        "class Hook:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'labelaudit.wording':\n"
        "            os.kill(os.getpid(), 15)\n"
        "sys.meta_path.insert(0, Hook())\n"
        "sys.argv = ['labelaudit', '--version']\n"
        "cli.run()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (143, b"", b"")


def test_incomplete_installation_is_not_exit_code_one(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ImportError('no typer')")
    done = subprocess.run(
        [*COMMAND, "--version"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert done.stderr.startswith("labelaudit: The installation is incomplete: no typer.\n")


def test_characters_that_the_locale_lacks() -> None:
    done = subprocess.run(
        [*COMMAND, "inspect", str(FIXTURES / "clean" / "odd-names" / "data.parquet")],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


@pytest.mark.parametrize(
    ("closing", "code", "said"),
    [
        (">&-", 4, "labelaudit: Bad file descriptor.\n"),
        ("-q -o issues.csv >&-", 0, ""),
        ("-q -o - >&-", 4, "labelaudit: Bad file descriptor.\n"),
        ("--json 2>&- >summary.json", 0, ""),
        ("<&- >&- 2>&-", 4, ""),
    ],
)
def test_closed_streams(tmp_path: Path, closing: str, code: int, said: str) -> None:
    data = FIXTURES / "noisy" / "digits" / "data.parquet"
    line = f"{shlex.join([*COMMAND, 'find-issues', str(data)])} {closing}"
    # Only a shell can close streams.
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == code
    assert done.stderr.splitlines(keepends=True)[:1] == ([said] if said else [])
    written = {
        "-q -o issues.csv >&-": ["issues.csv"],
        "--json 2>&- >summary.json": ["summary.json"],
    }
    assert [path.name for path in tmp_path.iterdir()] == written.get(closing, [])
