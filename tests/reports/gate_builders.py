"""Verdicts made by hand."""

from __future__ import annotations

from typing import Any

from labelaudit.verdicts import BaselineMatch, IssueLine, RuleOutcome, Verdict

HOSTILE = (
    "<script>alert(1)</script>",
    "]]> & <x a='b' \"c\">",
    "a|b\n| c |",
    "::error::%0A x\r\n::set-output name=x::y",
    "\x1b[31mred\x00\u202e\udc80\ufffe",
    "[link](https://evil.example) @somebody #1 www.evil.example ![x](y) `code` **b** ~s~",
    "",
)
"""What a class can be called, or a key."""

PASSED = RuleOutcome("rows > 0", "always", True, "1,000", "0", "rows is 1,000.")
FAILED = RuleOutcome(
    "error_rate.low <= 2%",
    "require",
    False,
    "3.1 %",
    "2 %",
    "error_rate.low is 3.1 %, more than 2 %.",
)
WARNED = RuleOutcome("issues == 0", "warn", False, "3", "0", "issues is 3, not 0.")


def issue(i: int = 0, **changes: Any) -> IssueLine:
    values: dict[str, Any] = {
        "issue_id": f"{i:016x}",
        "key": f"id-{i}",
        "row": 100 * i,
        "file": "data/pets.parquet",
        "kind": "label_error",
        "given": "cat",
        "suggested": "dog",
        "quality": 0.001 * i,
        "severity": "high" if i % 2 == 0 else "medium",
        "new": True,
    }
    return IssueLine(**(values | changes))


def verdict(issues: int = 3, **changes: Any) -> Verdict:
    values: dict[str, Any] = {
        "outcomes": (PASSED, FAILED, WARNED),
        "data": "labels",
        "files": ("data/pets.parquet",),
        "rows": 1000,
        "issues": issues,
        "worst": tuple(map(issue, range(issues))),
    }
    return Verdict(**(values | changes))


def hostile() -> Verdict:
    """Every text that comes from data or files is one that nobody would want to see raw."""
    lines = tuple(
        issue(i, key=text, given=text, suggested=text, file=text) for i, text in enumerate(HOSTILE)
    )
    more = (
        issue(20, kind="missing_label", given="sky", suggested="present"),
        issue(21, kind="extra_label", given="sea", suggested="absent"),
        issue(22, given=None, suggested=None, severity="low"),
    )
    outcomes = tuple(RuleOutcome(text, "require", False, text, text, text) for text in HOSTILE)
    match = BaselineMatch(HOSTILE[0], 5, 3, 2, 4, "Updated: 2 dropped.")
    return verdict(outcomes=outcomes, files=HOSTILE, worst=(*lines, *more), baseline=match)
