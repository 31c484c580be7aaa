"""What only a process of its own can show: interrupts, and scripts that workers read too."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.in_process import FIXTURES, ROOT

pytest.importorskip("distributed", reason="dask.distributed is not installed")

DATA = FIXTURES / "noisy" / "digits" / "data.parquet"


def workers_of(process):
    """The processes that it has started, without the one that cleans up after it."""
    try:
        found = psutil.Process(process.pid).children(recursive=True)
        return [each for each in found if "spawn_main" in " ".join(each.cmdline())]
    except psutil.NoSuchProcess:
        return []


def test_ctrl_c_ends_everything_quietly(tmp_path):
    table = pq.read_table(DATA, columns=["label", "pred_probs"])
    data, out = tmp_path / "data.parquet", tmp_path / "out"
    out.mkdir()
    # So many rows that they are not done before they are interrupted, however late that is.
    pq.write_table(pa.concat_tables([table] * 500), data)
    command = [sys.executable, "-m", "labelaudit", "find-issues", str(data), "--threads", "2"]
    with subprocess.Popen(
        [*command, "--cluster", "dask", "-q", "-o", str(out / "issues.csv")],
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 60
        while len(workers_of(process)) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        workers = workers_of(process)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    told = b"labelaudit: Interrupted; nothing half-written is left.\n"
    assert (process.returncode, said) == (130, told)
    assert list(out.iterdir()) == []
    assert len(workers) == 2
    assert psutil.wait_procs(workers, timeout=20)[1] == []


def test_a_script_that_starts_workers_when_it_is_read(tmp_path):
    script = tmp_path / "script.py"
    text = f"import labelaudit\nlabelaudit.find_issues({str(DATA)!r}, cluster='dask', threads=1)\n"
    script.write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    assert "labelaudit.errors.EnvironmentalError: The workers of a cluster" in done.stderr
    assert "start the audit below if __name__ == '__main__'" in done.stderr
