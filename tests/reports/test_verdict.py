"""The verdict for people."""

from __future__ import annotations

import pytest

from labelaudit.reports.layout import Style, width
from labelaudit.reports.verdict import headline, verdict_document, verdict_report
from labelaudit.verdicts import BaselineMatch
from tests.reports.gate_builders import FAILED, PASSED, WARNED, hostile, issue, verdict


def test_report() -> None:
    match = BaselineMatch("b.jsonl", 5, 3, 2, 1)
    made = verdict(
        worst=(issue(3, kind="missing_label", given="sky"), issue(4, suggested=None)),
        baseline=match,
    )
    assert verdict_report(made, warnings=["Odd."], written=["x.md (markdown)"]) == (
        "Data      data/pets.parquet (1,000 rows)\n"
        "Baseline  b.jsonl: 3 of 5 ids matched, 2 resolved, 1 new issue.\n"
        "\n"
        "FAILED: 1 of 2 required rules does not hold. 1 warning.\n"
        "\n"
        "        rule                  value\n"
        "  pass  rows > 0              1,000\n"
        "  FAIL  error_rate.low <= 2%  3.1 %\n"
        "  warn  issues == 0               3\n"
        "\n"
        "Failed: error_rate.low is 3.1 %, more than 2 %.\n"
        "Warning: issues is 3, not 0.\n"
        "\n"
        "Worst of 1 new issue\n"
        "  key   given  suggested    quality  severity\n"
        "  id-3  sky    (add it)       0.003  medium\n"
        "  id-4  cat    (uncertain)    0.004  high\n"
        "\n"
        "Warning: Odd.\n"
        "\n"
        "Wrote x.md (markdown)\n"
    )


@pytest.mark.parametrize("limit", [60, 80, 120])
def test_lines_fit(limit: int) -> None:
    lines = verdict_report(hostile(), limit=limit).splitlines()
    assert max(map(width, lines)) <= limit
    assert not any("\x1b" in line or "\u202e" in line for line in lines)


def test_colours() -> None:
    text = verdict_report(verdict(), style=Style(color=True))
    assert "\x1b[31m  FAIL  error_rate.low <= 2%  3.1 %\x1b[0m\n" in text
    assert "\x1b[33m  warn" in text
    assert "\n  pass  rows > 0" in text


@pytest.mark.parametrize(
    ("outcomes", "says"),
    [
        ((PASSED,), "PASSED: 1 required rule holds."),
        ((PASSED, PASSED), "PASSED: 2 required rules hold."),
        ((PASSED, WARNED), "PASSED: 1 required rule holds. 1 warning."),
        ((FAILED,), "FAILED: 1 of 1 required rule does not hold."),
        ((FAILED, FAILED, PASSED), "FAILED: 2 of 3 required rules do not hold."),
    ],
)
def test_headline(outcomes: tuple[object, ...], says: str) -> None:
    assert headline(verdict(outcomes=outcomes)) == says


def test_document() -> None:
    found = verdict_document(verdict(outcomes=(FAILED,)))
    assert found["passed"] is False
    assert found["rules"][0]["result"] == "failed"
    assert found["baseline"] is None
