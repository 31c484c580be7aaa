"""A headless browser for tests of the page, and where its checkers are found."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1000",
)


def npm_file(name: str) -> Path:
    """Return a file of an npm package, from NODE_MODULES_FOR_TESTS, or skip with a reason."""
    folder = os.environ.get("NODE_MODULES_FOR_TESTS")
    if folder is None:
        pytest.skip("NODE_MODULES_FOR_TESTS names no folder with axe-core and vnu-jar")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"{name} is not installed in {folder}")
    return path


@contextmanager
def browser(folder: Path) -> Iterator[Any]:
    """Open a browser that keeps its profile and its downloads in the folder."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
    service = webdriver.ChromeService(driver)
    opened = webdriver.Chrome(options=options, service=service)
    try:
        yield opened
    finally:
        opened.quit()


def requests(opened: Any) -> list[str]:
    """Return the addresses that were asked for since the last call."""
    messages = [json.loads(each["message"])["message"] for each in opened.get_log("performance")]
    sent = [each for each in messages if each["method"] == "Network.requestWillBeSent"]
    return [each["params"]["request"]["url"] for each in sent]


def emulate(opened: Any, *, scheme: str = "light", media: str = "") -> None:
    """Show the page as in that colour scheme, or as on paper."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
