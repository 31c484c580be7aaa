"""A verdict for GitHub Actions: annotations, the step summary and the step's outputs."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from labelaudit.reports.layout import plural
from labelaudit.reports.markdown import markdown
from labelaudit.reports.places import relative_path
from labelaudit.reports.verdict import headline, issue_sentence
from labelaudit.wording import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelaudit.verdicts import Verdict

__all__ = ["outputs", "step_summary", "workflow_commands"]

MOST_OF_A_LEVEL = 10
LARGEST_SUMMARY = 900 * 1024
_LONGEST = 500


def workflow_commands(verdict: Verdict) -> str:
    """Return workflow commands: rules that do not hold, then the worst issues as warnings.

    GitHub shows ten of a level for each step; how many more there are is one notice.

    Parameters
    ----------
    verdict : Verdict
    """
    errors = [_command("error", each.why, title=each.rule) for each in verdict.failed]
    warnings = [_command("warning", each.why, title=each.rule) for each in verdict.warned]
    warnings += _issues(verdict, MOST_OF_A_LEVEL)
    unshown = verdict.baseline.new if verdict.baseline is not None else verdict.issues
    unshown += len(verdict.failed) + len(verdict.warned)
    lines = [*errors[:MOST_OF_A_LEVEL], *warnings[:MOST_OF_A_LEVEL]]
    if len(lines) < unshown:
        text = f"{plural(unshown - len(lines), 'more annotation')} not shown; see the outputs."
        lines.append(_command("notice", text, title=headline(verdict)))
    return "".join(f"{line}\n" for line in lines)


def step_summary(verdict: Verdict, taken: int = 0) -> str:
    """Return Markdown for the step summary, which GitHub drops whole above 1 MiB.

    Parameters
    ----------
    verdict : Verdict
    taken : int
        Bytes that the summary holds already.
    """
    most = 1_000
    while most:
        text = markdown(verdict, most)
        if taken + len(text.encode("utf-8", "backslashreplace")) < LARGEST_SUMMARY:
            return f"{text}\n"
        most //= 2
    short = f"## Labels: {headline(verdict)}\n\n"
    return short if taken + len(short) < LARGEST_SUMMARY else ""


def outputs(verdict: Verdict) -> str:
    """Return the step's outputs, each between delimiters that no value can guess.

    Parameters
    ----------
    verdict : Verdict
    """
    match = verdict.baseline
    values = {
        "passed": str(verdict.passed).lower(),
        "rows": str(verdict.rows),
        "issues": str(verdict.issues),
        "new-issues": str(match.new) if match is not None else "",
        "resolved-issues": str(match.resolved) if match is not None else "",
        "failed-rules": "\n".join(safe(each.rule, _LONGEST) for each in verdict.failed),
        "verdict": headline(verdict),
    }
    return "".join(_output(name, value) for name, value in values.items())


def _output(name: str, value: str) -> str:
    mark = f"labelaudit_{secrets.token_hex(16)}"
    return f"{name}<<{mark}\n{value}\n{mark}\n"


def _issues(verdict: Verdict, most: int) -> Iterator[str]:
    for line in verdict.worst[:most]:
        text = f"{issue_sentence(line)} (key {safe(line.key)}, row {line.row})."
        place = {"file": relative_path(line.file), "line": str(line.line)}
        yield _command("warning", text, title="labelaudit", **place)


def _command(level: str, text: str, **properties: str) -> str:
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{level} {said}::{_data(safe(text, _LONGEST))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(safe(text, _LONGEST)).replace(":", "%3A").replace(",", "%2C")
