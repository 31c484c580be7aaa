"""Take the picture of a report that the README shows: ``python docs/make_report_image.py``."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "fixtures" / "noisy" / "digits" / "data.parquet"
IMAGE = ROOT / "docs" / "images" / "report.png"
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--window-size=1100,880"),
)


def main() -> None:
    """Audit the digits, open the page in a headless browser, and keep its upper part."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("chromium is not installed")
    IMAGE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page, taken = Path(folder, "report.html"), Path(folder, "report.png")
        audit = [sys.executable, "-m", "labelaudit", "find-issues", str(DATA), "-q"]
        subprocess.run([*audit, "-o", str(page)], check=True)  # noqa: S603 - our own command
        profile = f"--user-data-dir={folder}/profile"
        command = [chromium, *FLAGS, profile, f"--screenshot={taken}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - so is this
        shutil.copyfile(taken, IMAGE)


if __name__ == "__main__":
    main()
