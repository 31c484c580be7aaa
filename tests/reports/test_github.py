"""Annotations, step summary and outputs, within what GitHub takes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from labelaudit.reports.github import (
    LARGEST_SUMMARY,
    outputs,
    step_summary,
    workflow_commands,
)
from labelaudit.verdicts import BaselineMatch, Verdict
from tests.reports.gate_builders import FAILED, PASSED, WARNED, hostile, issue, verdict

# The runner takes a line for a command if it begins so, properties being name=value by commas.
COMMAND = re.compile(r"::(error|warning|notice) ((?:[a-z]+=[^,:\r\n]*,?)*)::([^\r\n]*)")
OUTPUT = re.compile(r"([a-z-]+)<<(labelaudit_[0-9a-f]{32})\n(.*?)\n\2\n", re.DOTALL)


def test_commands() -> None:
    assert workflow_commands(verdict(1)) == (
        "::error title=error_rate.low <= 2%25::error_rate.low is 3.1 %25, more than 2 %25.\n"
        "::warning title=issues == 0::issues is 3, not 0.\n"
        "::warning title=labelaudit,file=data/pets.parquet,line=1::"
        "The label 'cat' is probably wrong: 'dog' fits better (key id-0, row 0).\n"
    )


def test_what_is_spelled_out_is_spelled_out_once() -> None:
    odd = verdict(1, worst=(replace(issue(0), given="a\x00b", suggested="it's"),))
    assert "The label 'a\\x00b' is probably wrong: 'it's' fits better" in workflow_commands(odd)


def test_nothing_to_say() -> None:
    assert workflow_commands(verdict(0, outcomes=(PASSED,))) == ""


def test_at_most_ten_of_a_level_then_one_notice() -> None:
    made = verdict(50, outcomes=(FAILED,) * 12 + (WARNED,) * 3)
    lines = workflow_commands(made).splitlines()
    levels = [line.split(" ")[0] for line in lines]
    assert levels == ["::error"] * 10 + ["::warning"] * 10 + ["::notice"]
    assert lines[-1] == (
        "::notice title=FAILED%3A 12 of 12 required rules do not hold. 3 warnings.::"
        "45 more annotations not shown; see the outputs."
    )


def test_text_from_data_cannot_steer_the_runner() -> None:
    text = workflow_commands(hostile())
    lines = text.split("\n")[:-1]
    assert all(COMMAND.fullmatch(line) for line in lines)
    assert "\x1b" not in text
    assert "\r" not in text
    assert "%250A" in text


def test_outputs_can_be_taken_apart_again() -> None:
    match = BaselineMatch("b", 5, 3, 2, 4)
    text = outputs(verdict(baseline=match))
    found = {name: value for name, _, value in OUTPUT.findall(text)}
    assert found == {
        "passed": "false",
        "rows": "1000",
        "issues": "3",
        "new-issues": "4",
        "resolved-issues": "2",
        "failed-rules": "error_rate.low <= 2%",
        "verdict": "FAILED: 1 of 2 required rules does not hold. 1 warning.",
    }
    assert OUTPUT.sub("", text) == ""
    assert outputs(verdict()) != outputs(verdict())


@pytest.mark.parametrize("taken", [0, 300_000, LARGEST_SUMMARY - 2_000, LARGEST_SUMMARY])
def test_step_summary_stays_below_its_limit(taken: int) -> None:
    lines = tuple(issue(i, key="é" * 80, given="<" * 80, suggested="&" * 80) for i in range(5000))
    text = step_summary(verdict(worst=lines), taken)
    assert taken + len(text.encode()) <= LARGEST_SUMMARY < 1 << 20
    assert bool(text) == (taken < LARGEST_SUMMARY)
    assert not text or text.startswith("## Labels: FAILED")


def test_summary_of_a_plain_verdict_lists_the_issues() -> None:
    made: Verdict = verdict()
    assert step_summary(made).count("id&#45;") == 3
