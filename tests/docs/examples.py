"""Find the examples in a page, run them, compare, and on request write what they really print.

``python -m tests.docs.examples`` refreshes the output shown in every page of the docs and in the
README.

A fenced ``console`` block holds commands (``$ ``) and what they print. A command without output
shown is only run. The commands of a page run one after another in a copy of the fixtures.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MARKED = re.compile(r"<!-- ci: (\w+) -->\n```sh\n(.*?)\n```", re.DOTALL)
SHOWN = re.compile(r"(<!-- output: main -->\n```text\n)(.*?)(^```$)", re.DOTALL | re.MULTILINE)
SECONDS = re.compile(r"\b\d+(\.\d+)? m?s\b")
BYTES = re.compile(r"\babout [\d.,]+ [kMG]B")
ELSEWHERE = "# not run here"


class Step(NamedTuple):
    """One command and the output that is shown below it."""

    command: str
    shown: str


def pages() -> list[Path]:
    """Return every page that may hold examples."""
    found = (page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
    return [*sorted(found), README]


def steps(block: str) -> list[Step]:
    """Return the commands of a block; a line that ends with a backslash goes on."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    found = []
    for part in parts:
        lines = part.splitlines(keepends=True)
        end = next(i for i, line in enumerate(lines) if not line.rstrip("\n").endswith("\\")) + 1
        found.append(Step("".join(lines[:end]).rstrip("\n"), "".join(lines[end:])))
    return found


def plain(text: str) -> str:
    """Return output without what differs by machine: durations, memory, spaces at line ends."""
    text = BYTES.sub("about 0 MB", SECONDS.sub("0.0 s", text))
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def same(shown: str, printed: str) -> bool:
    """Compare output; a line ``...`` in the page stands for any lines."""
    pieces = [re.escape(piece.strip("\n")) for piece in re.split(r"(?m)^\.\.\.$", plain(shown))]
    return re.fullmatch(r"(?s:\s*.*)".join(pieces), plain(printed)) is not None


def environment() -> dict[str, str]:
    """Return an environment in which the examples look as they do in the page."""
    hidden = ("LABELAUDIT_", "NO_COLOR", "FORCE_COLOR", "PYTHONWARNINGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    binaries = str(Path(sys.executable).parent)
    path = os.pathsep.join([binaries, kept.get("PATH", "")])
    return kept | {"COLUMNS": "80", "PATH": path, "LC_ALL": "C.UTF-8"}


def run(command: str, folder: Path) -> str:
    """Run a shell command and return all that it prints."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise AssertionError(f"{command}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def workplace(folder: Path) -> Path:
    """Copy the fixtures into a folder, and return it."""
    shutil.copytree(ROOT / "fixtures", folder / "fixtures", dirs_exist_ok=True)
    return folder


def readme_command(name: str) -> str:
    """Return the command of the README that carries a mark."""
    return dict(MARKED.findall(README.read_text("utf-8")))[name]


def readme_main_job() -> str:
    """Return the main job without the installation before it."""
    return readme_command("main").rsplit("&& ", 1)[1]


def _refreshed(block: re.Match[str], folder: Path) -> str:
    text = "```console\n"
    for step in steps(block[1]):
        printed = run(step.command, folder) if ELSEWHERE not in step.command else step.shown
        keep = not step.shown.strip() or same(step.shown, printed)
        text += f"$ {step.command}\n{step.shown if keep else printed}"
    return text.rstrip("\n") + "\n```"


def refresh(page: Path) -> None:
    """Write what the commands of a page print now."""
    with tempfile.TemporaryDirectory() as name:
        folder = workplace(Path(name))
        text = CONSOLE.sub(lambda block: _refreshed(block, folder), page.read_text("utf-8"))
    if page == README:
        with tempfile.TemporaryDirectory() as name:
            printed = run(readme_main_job(), workplace(Path(name)))
            text = SHOWN.sub(lambda block: block[1] + printed.rstrip("\n") + "\n" + block[3], text)
    page.write_text(text, "utf-8")


if __name__ == "__main__":
    for each in pages():
        refresh(each)
