"""Say whether a wheel holds the whole package and nothing else: ``check_wheel.py WHEEL``."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IGNORED = ("__pycache__", ".nbi", ".nbc")


def wanted() -> set[str]:
    """Return the package's files, as the wheel should name them."""
    files = (path for path in (ROOT / "labelaudit").rglob("*") if path.is_file())
    names = {path.relative_to(ROOT).as_posix() for path in files}
    return {name for name in names if not any(part in name for part in IGNORED)}


def check(wheel: Path) -> list[str]:
    """Return what is wrong with the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = next(name for name in names if name.endswith(".dist-info/METADATA"))
        folder = info.rsplit("/", 1)[0]
        entry = archive.read(f"{folder}/entry_points.txt").decode()
    package = {name for name in names if not name.startswith(folder)}
    wrong = [f"missing: {name}" for name in sorted(wanted() - package)]
    wrong += [f"does not belong: {name}" for name in sorted(package - wanted())]
    if "labelaudit = labelaudit.cli:run" not in entry:
        wrong.append("no console script")
    if not any(name.startswith(f"{folder}/") and name.endswith("LICENSE") for name in names):
        wrong.append("no licence")
    return wrong


if __name__ == "__main__":
    problems = check(Path(sys.argv[1]))
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    sys.exit(1 if problems else 0)
