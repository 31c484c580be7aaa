"""A verdict as JUnit XML: one test case for each rule."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from labelaudit.reports.verdict import baseline_sentence, headline
from labelaudit.wording import safe

if TYPE_CHECKING:
    from labelaudit.verdicts import RuleOutcome, Verdict

__all__ = ["junit"]

_LONGEST = 500


def junit(verdict: Verdict) -> str:
    """Return the verdict as JUnit XML.

    A required rule that does not hold is a failed test case; a warning is one that was skipped,
    the only other thing that a JUnit reader shows. No time is given: judging takes none.

    Parameters
    ----------
    verdict : Verdict
    """
    counts = {
        "tests": str(len(verdict.outcomes)),
        "failures": str(len(verdict.failed)),
        "errors": "0",
    }
    root = ET.Element("testsuites", {"name": "labelaudit", **counts})
    skipped = {"skipped": str(len(verdict.warned))}
    suite = ET.SubElement(root, "testsuite", {"name": "labelaudit", **counts, **skipped})
    for each in verdict.outcomes:
        _add_case(suite, each)
    said = [headline(verdict)]
    if verdict.baseline is not None:
        said.append(f"Baseline {baseline_sentence(verdict.baseline)}")
    ET.SubElement(suite, "system-out").text = "\n".join(said)
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode", xml_declaration=False)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _add_case(suite: ET.Element, outcome: RuleOutcome) -> None:
    name = safe(outcome.rule, _LONGEST)
    case = ET.SubElement(suite, "testcase", {"name": name, "classname": "labelaudit.check"})
    why = safe(outcome.why, _LONGEST)
    if outcome.failed:
        ET.SubElement(case, "failure", {"message": why, "type": outcome.level}).text = why
    elif not outcome.passed:
        ET.SubElement(case, "skipped").text = f"Warning: {why}"
    else:
        ET.SubElement(case, "system-out").text = why
