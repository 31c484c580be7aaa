"""The page in a browser: nothing is asked for, everything can be used, everybody can use it."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from labelaudit.api import find_issues
from labelaudit.crowd import aggregate
from labelaudit.reports.html import page
from tests.in_process import FIXTURES
from tests.reports import builders
from tests.reports.builders import HOSTILE
from tests.reports.html.browser import browser, emulate, npm_file, requests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of real audits, of votes, and of names that would be markup."""
    folder = tmp_path_factory.mktemp("pages")
    digits = find_issues(str(FIXTURES / "noisy/digits/data.parquet"), group="label")
    odd = builders.result(classes=HOSTILE, audit=builders.audit_with_bins())
    odd = replace(odd, understanding=replace(odd.understanding, classes=HOSTILE))
    results = {
        "digits": digits,
        "votes": aggregate(str(FIXTURES / "noisy/votes/data.parquet"), extras=("top-two",)),
        "hostile": odd,
        "clean": find_issues(str(FIXTURES / "clean/overlap/data.parquet")),
    }
    for name, result in results.items():
        text = page(result, version="9.9", settings={"seed": 0})
        (folder / f"{name}.html").write_text(text, "utf-8")
    return {name: folder / f"{name}.html" for name in results}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("browser")
    with browser(folder) as driver:
        driver.downloads = folder
        yield driver


def show(opened: Any, path: Path) -> None:
    emulate(opened)
    opened.get(path.as_uri())
    opened.execute_script("try { localStorage.clear() } catch {}")
    requests(opened)
    opened.get_log("browser")
    opened.get(path.as_uri())


def find(opened: Any, selector: str) -> list[Any]:
    found: list[Any] = opened.find_elements("css selector", selector)
    return found


def column(opened: Any, place: int) -> list[str]:
    return [cell.text for cell in find(opened, f"#rows tbody td:nth-child({place})")]


def choose(opened: Any, select: str, text: str) -> None:
    script = (
        "const s = document.querySelector(arguments[0]);"
        "s.value = [...s.options].find((o) => o.text.startsWith(arguments[1])).value;"
        "s.dispatchEvent(new Event('change'));"
    )
    opened.execute_script(script, select, text)


def click(opened: Any, selector: str, place: int = 0) -> None:
    opened.execute_script("arguments[0].click()", find(opened, selector)[place])


def press(opened: Any, keys: str) -> None:
    find(opened, "#region")[0].send_keys(keys)


NAMES = ("digits", "votes", "hostile", "clean")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_asked_for_and_nothing_is_complained_of(
    opened: Any, pages: dict[str, Path], name: str
) -> None:
    show(opened, pages[name])
    assert requests(opened) == [pages[name].as_uri()]
    assert opened.get_log("browser") == []
    assert opened.execute_script("return document.scripts.length") == (0 if name == "votes" else 2)


def test_a_script_that_is_not_ours_would_not_run(opened: Any, pages: dict[str, Path]) -> None:
    show(opened, pages["digits"])
    opened.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.ran = true';"
        "document.body.append(s);"
        "const i = new Image(); i.src = 'https://example.org/x.png'; document.body.append(i);"
    )
    assert opened.execute_script("return window.ran") is None
    said = " ".join(each["message"] for each in opened.get_log("browser"))
    assert "script-src" in said
    assert "img-src" in said


def test_hostile_names_are_shown_as_text(opened: Any, pages: dict[str, Path]) -> None:
    show(opened, pages["hostile"])
    assert column(opened, 3)[0] == HOSTILE[0]
    assert column(opened, 4)[0] == HOSTILE[1]
    assert find(opened, "#rows img") == []
    assert find(opened, "#rows script") == []


def test_rows_are_sorted(opened: Any, pages: dict[str, Path]) -> None:
    show(opened, pages["digits"])
    ranks = column(opened, 1)
    assert ranks[:3] == ["1", "2", "3"]
    click(opened, "#rows thead button", 2)
    given = column(opened, 3)
    assert given == sorted(given)
    assert find(opened, "#rows th[aria-sort=ascending]")[0].text.startswith("Given")
    click(opened, "#rows thead button", 2)
    given = column(opened, 3)
    assert given == sorted(given, reverse=True)
    assert len(set(given)) > 1


def test_rows_are_filtered(opened: Any, pages: dict[str, Path]) -> None:
    show(opened, pages["digits"])
    choose(opened, "#by-class", "4")
    pairs = list(zip(column(opened, 3), column(opened, 4), strict=True))
    assert pairs
    assert all("4" in pair for pair in pairs)
    choose(opened, "#by-class", "all")
    choose(opened, "#by-severity", "medium")
    assert set(column(opened, 6)) == {"medium"}
    choose(opened, "#by-severity", "all")
    first = find(opened, "#by-pair option")[1].text
    choose(opened, "#by-pair", first)
    shown = re.fullmatch(r"(\S+) → (\S+) \((\d+)\)", first)
    assert shown is not None
    given, suggested, n = shown.groups()
    assert set(column(opened, 3)) == {given}
    assert set(column(opened, 4)) == {suggested}
    assert len(column(opened, 1)) == int(n)
    choose(opened, "#by-pair", "all")
    key = column(opened, 2)[1]
    find(opened, "#by-text")[0].send_keys(key)
    assert key in column(opened, 2)
    assert len(column(opened, 2)) < 5


def current(opened: Any) -> str:
    text: str = find(opened, "#rows tr[aria-current]")[0].text
    return text


def test_keys_decide_and_decisions_are_kept(opened: Any, pages: dict[str, Path]) -> None:
    show(opened, pages["digits"])
    rows = list(zip(*(column(opened, i) for i in (1, 2, 3, 4)), strict=True))
    press(opened, "a")
    assert current(opened).startswith("2 ")
    press(opened, "k")
    press(opened, "d")
    press(opened, "u")
    press(opened, "7")
    press(opened, "k")
    press(opened, "\ue013")  # arrow up, back to the row just decided
    press(opened, "z")
    assert column(opened, 7)[:6] == [f"fix: {rows[0][3]}", "keep", "drop", "unsure", "fix: 7", ""]
    assert "5 of" in find(opened, "#progress")[0].text
    opened.refresh()
    assert column(opened, 7)[:5] == [f"fix: {rows[0][3]}", "keep", "drop", "unsure", "fix: 7"]
    click(opened, "#download")
    path = opened.downloads / "decisions.csv"
    for _ in range(100):
        if path.exists():
            break
        time.sleep(0.05)
    with path.open(encoding="utf-8", newline="") as lines:
        decisions = list(csv.DictReader(lines))
    assert list(decisions[0]) == ["issue_id", "key", "given_label", "decision", "new_label"]
    assert [(row["key"], row["given_label"]) for row in decisions] == [
        (row[1], row[2]) for row in rows[:5]
    ]
    assert [row["decision"] for row in decisions] == ["fix", "keep", "drop", "unsure", "fix"]
    assert [row["new_label"] for row in decisions] == [rows[0][3], "", "", "", "7"]


def test_pages_turn(opened: Any, pages: dict[str, Path]) -> None:
    show(opened, pages["digits"])
    assert len(column(opened, 1)) == 50
    click(opened, "#next")
    assert column(opened, 1)[0] == "51"
    press(opened, "\ue011")  # home
    assert column(opened, 1)[0] == "1"
    press(opened, "\ue010")  # end
    assert find(opened, "#next")[0].get_attribute("disabled")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_everybody_can_read_it(opened: Any, pages: dict[str, Path], name: str, scheme: str) -> None:
    axe = npm_file("axe-core/axe.min.js").read_text("utf-8")
    show(opened, pages[name])
    emulate(opened, scheme=scheme)
    opened.execute_script(axe)
    found = opened.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations.map("
        "(v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 200)).join(' | '))));"
    )
    assert found == []


def checked(*paths: Path) -> list[str]:
    """Return what the Nu HTML checker says; its exit code says nothing of a missing file."""
    java = shutil.which("java")
    if java is None:
        pytest.skip("java is not installed")
    jar = npm_file("vnu-jar/build/dist/vnu.jar")
    ended = subprocess.run(
        [java, "-jar", str(jar), "--stdout", "--format", "gnu", *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    # It knows of policies, and of no hash in them; the browser, which does, is asked above.
    said = (ended.stdout + ended.stderr).splitlines()
    return [line for line in said if "violates Content Security Policy" not in line]


def test_the_markup_is_valid(pages: dict[str, Path], tmp_path: Path) -> None:
    assert checked(*pages.values()) == []
    broken = tmp_path / "broken.html"
    broken.write_text("<!DOCTYPE html><p><b></p><dl><p></dl>", "utf-8")
    assert "error" in " ".join(checked(broken))
