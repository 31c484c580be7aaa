"""Completion in the shells: bash for real, zsh and fish by what they ask and are told."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tests.in_process import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("numpy", "pandas", "pyarrow", "rich", "sklearn", "numba")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labels = ["dog", "cat", "fox"] * 4
    probs = [[0.8, 0.1, 0.1]] * 12
    table = pa.table(
        {
            "row_id": range(12),
            "given label": labels,
            "label": labels,
            "pred_probs": pa.array(probs),
            "site": ["a"] * 12,
        }
    )
    pq.write_table(table, tmp_path / "pets.parquet")
    pq.write_table(table.select(["label"]), tmp_path / "out.parquet")
    pyarrow.csv.write_csv(table.drop_columns("pred_probs"), tmp_path / "pets.csv")
    (tmp_path / "parts").mkdir()
    pq.write_table(table.select(["site", "row_id"]), tmp_path / "parts" / "a.parquet")
    return tmp_path


def ask(folder: Path, **variables: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "labelaudit"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


def bash(folder: Path, *words: str) -> list[str]:
    """Ask as the script that typer installs into bash does."""
    return ask(
        folder,
        _LABELAUDIT_COMPLETE="complete_bash",
        COMP_WORDS="\n".join(("labelaudit", *words)),
        COMP_CWORD=str(len(words)),
    )


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["find-issues", "pets.parquet", "--labels", "la"], ["label"]),
        (["find-issues", "pets.parquet", "--labels", "gi"], ["'given label'"]),
        (["find-issues", "pets.parquet", "--labels", '"gi'], ["given label"]),
        (["find-issues", "pets.parquet", "--keep", "site,row"], ["site,row_id"]),
        (["find-issues", "pets.csv", "-k", "row"], ["row_id"]),
        (["find-issues", "parts", "--group", ""], ["site", "row_id"]),
        (["find-issues", "pets*.parquet", "--probs", "p"], ["pred_probs"]),
        (["find-issues", "-o", "out.parquet", "pets.parquet", "--group", "s"], ["site"]),
        (["find-issues", "--top", "3", "pets.parquet", "--group=s"], ["site"]),
        (["find-issues", "--labels", "la"], []),
        (["find-issues", "none.parquet", "--labels", "la"], []),
        (["find-issues", "pets.parquet", "--classes", ""], ["cat,dog,fox"]),
        (["find-issues", "--method", "prune"], ["prune_by_class", "prune_by_noise_rate"]),
        (["aggregate", "--method", "dawid"], ["dawid-skene"]),
        (["find-issues", "--score", "norm"], ["normalized_margin"]),
        (["check", "--ci", "g"], ["github", "gitlab"]),
        (["find-issues", "-o", "jo"], ["joint:"]),
        (["aggregate", "-o", "wor"], ["workers:"]),
        (["ins"], ["inspect"]),
        (["find-issues", "--skip"], ["--skip-invalid"]),
    ],
)
def test_what_is_offered(words: list[str], offered: list[str], folder: Path) -> None:
    assert bash(folder, *words) == offered


def test_a_broken_file_offers_nothing(folder: Path) -> None:
    (folder / "pets.parquet").write_bytes(b"PAR1, or so")
    assert bash(folder, "find-issues", "pets.parquet", "--labels", "") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells(shell: str, folder: Path) -> None:
    said = ask(
        folder,
        _LABELAUDIT_COMPLETE=f"complete_{shell}",
        _TYPER_COMPLETE_FISH_ACTION="get-args",
        _TYPER_COMPLETE_ARGS="labelaudit find-issues pets.parquet --labels ",
    )
    names = ["row_id", "given label", "label", "pred_probs", "site"]
    if shell == "fish":
        assert said == names
    else:
        assert said == [
            f'_arguments \'*: :(("{names[0]}"',
            *(f'"{n}"' for n in names[1:-1]),
            '"site"))\'',
        ]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(shell: str, folder: Path) -> None:
    variables = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "labelaudit", "--show-completion", shell],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
    )
    assert f"_LABELAUDIT_COMPLETE=complete_{shell}" in done.stdout


def test_installed_where_bash_looks(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "labelaudit", "--install-completion", "bash"],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
        },
    )
    assert done.stdout.startswith("bash completion installed in ")
    assert (folder / ".bashrc").read_text().strip().startswith("source '")


def test_nothing_heavy_is_loaded_for_words() -> None:
    script = (
        "import os, sys; os.environ.update(_LABELAUDIT_COMPLETE='complete_fish',"
        "_TYPER_COMPLETE_FISH_ACTION='get-args', _TYPER_COMPLETE_ARGS='labelaudit find-issues --');"
        "from labelaudit.cli import main; main([]); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "--labels" in done.stdout
    assert set(HEAVY) & set(done.stdout.split()) == set()


def until(reader: int, pattern: str, seconds: float = 20.0) -> str:
    """Read from a terminal until something is shown."""
    text, end = "", time.monotonic() + seconds
    while re.search(pattern, text) is None and time.monotonic() < end:
        if select.select([reader], [], [], 0.1)[0]:
            text += os.read(reader, 4096).decode("utf-8", "replace")
    return text


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_for_real(folder: Path) -> None:
    """Type at a real bash: a tab completes a column with a space in it, and quotes it."""
    (folder / "labelaudit").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m labelaudit "$@"\n')
    (folder / "labelaudit").chmod(0o755)
    script = subprocess.run(
        [sys.executable, "-m", "labelaudit", "--show-completion", "bash"],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
        },
    ).stdout
    (folder / "rc").write_text(f"PS1='READY> '\nbind 'set enable-bracketed-paste off'\n{script}")
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    terminal, its_end = pty.openpty()
    child = subprocess.Popen(
        ["bash", "--noprofile", "--rcfile", "rc", "-i"],
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        start_new_session=True,
        cwd=folder,
        env={"PATH": path, "PYTHONPATH": str(ROOT), "TERM": "dumb", "HOME": str(folder)},
    )
    os.close(its_end)
    try:
        assert "READY> " in until(terminal, "READY> ")
        os.write(terminal, b"labelaudit find-issues pets.parquet --labels gi\t")
        assert "'given label'" in until(terminal, "given label'")
        os.write(terminal, b"--meth\t")
        assert "--method " in until(terminal, "--method ")
    finally:
        child.kill()
        child.wait()
        os.close(terminal)
