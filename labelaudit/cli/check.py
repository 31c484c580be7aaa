"""``labelaudit check``: rules about the labels, and an exit code that says whether they hold."""

# No postponed annotations here: the options are read from them.
import os
from typing import TYPE_CHECKING

import typer

from labelaudit.cli import delivery
from labelaudit.cli.ci import GITLAB_FILE, ci_service, tell_github
from labelaudit.cli.config import origin
from labelaudit.cli.gate_options import GateColumns, GateOutput, GateRules
from labelaudit.cli.manifest import RunRecord
from labelaudit.cli.options import ClusterRun, Data, Method, Talk
from labelaudit.cli.sources import warn_of_variables
from labelaudit.cli.tag_delivery import result_contents
from labelaudit.errors import ExitCode, UsageError
from labelaudit.gate.metrics import METRICS

if TYPE_CHECKING:
    from labelaudit.gate.judging import Accepted
    from labelaudit.tables.outputs import Destination

__all__ = ["EPILOG", "check"]

_METRICS = "\n".join(f"  {name:<20} {spec.meaning}" for name, spec in METRICS.items())
EPILOG = f"""\b
Metrics, and baseline.METRIC for what it was when the baseline was written:
{_METRICS}

\b
Exit codes; of several, 4 comes before 3, 5 and 1:
  0    passed; warnings are allowed
  1    a required rule does not hold; never anything else
  2    no rule, a bad rule or setting, a missing baseline
  3    the input cannot be read or is not valid
  4    the machine is in the way, or an error of labelaudit's own
  5    nothing to audit: no file matched, or no rows
  130  interrupted
  141  the reader of standard output has gone
"""

_DOCUMENTS = ("junit", "sarif", "gitlab", "markdown", "html", "run")


def check(
    *,
    ctx: typer.Context,
    data: Data,
    rules: GateRules,
    columns: GateColumns,
    method: Method,
    output: GateOutput,
    run: ClusterRun,
    talk: Talk,
) -> int:
    """Pass or fail: audit DATA as find-issues (or aggregate, for votes) does, and judge rules.

    A rule says what must hold: 'error_rate.low <= 2%', 'new_issues == 0', 'issues[class=cat] /
    rows[class=cat] < 5%', 'min_class_rows >= 100'. Always on: rows > 0 and invalid_rows == 0.
    """
    from labelaudit.gate.rules import parsed_rules

    service = ci_service(output.ci, os.environ)
    parsed = parsed_rules(rules.require or (), rules.warn or ())
    _demand_rules(rules)
    _check_baseline_flags(rules, service)
    destinations = _destinations(output, talk, data, service)
    _keep_baseline(rules, destinations)
    _refuse_idle_flags(ctx, destinations)
    warn_of_variables(ctx, talk)
    accepted = _accepted(rules)
    from labelaudit.cli.gating import Asked, gate

    asked = Asked(ctx, data, rules, columns, method, run, talk)
    found = gate(asked, parsed, accepted, destinations)
    code = ExitCode.DONE if found.verdict.passed else ExitCode.GATE_FAILED
    found.all(excel=output.excel, record=RunRecord(ctx, found.files, code, found.rows_left_out))
    if service == "github":
        tell_github(found.verdict, delivery.report_stream(destinations, talk), os.environ)
    return code


def _demand_rules(rules: GateRules) -> None:
    """Refuse a gate that would be green whatever the data: nothing was asked of them."""
    if not (rules.require or rules.warn or rules.update_baseline):
        raise UsageError(
            "There is no rule to check.",
            "Add one, such as --require 'error_rate.low <= 2%', here or as require = [...] under "
            "[tool.labelaudit.gate].",
        )


def _check_baseline_flags(rules: GateRules, service: str) -> None:
    if rules.update_baseline and rules.baseline is None:
        raise UsageError(
            "--update-baseline has no baseline to update.", "Name it with --baseline FILE."
        )
    if rules.accept_new and not rules.update_baseline:
        raise UsageError("--accept-new goes with --update-baseline.", "Give both, or neither.")
    if rules.accept_new and service != "none":
        raise UsageError(
            "--accept-new in a CI job would accept whatever comes.",
            "Update the baseline on your machine and commit it; a job that is there to write it "
            "says --ci none.",
        )


def _destinations(
    output: GateOutput, talk: Talk, data: list[str], service: str
) -> "tuple[Destination, ...]":
    from labelaudit.tables.outputs import Destination

    contents = (*result_contents(), "consensus", "workers")
    found = delivery.destinations_of(output, talk, contents, data, _DOCUMENTS)
    if service == "gitlab" and all(each.content != "gitlab" for each in found):
        found = (*found, Destination("gitlab", "gitlab", GITLAB_FILE))
    return found


def _keep_baseline(rules: GateRules, destinations: "tuple[Destination, ...]") -> None:
    """See before the work that no output takes the place of the baseline, and that it can be."""
    from labelaudit.tables.outputs import Destination, check_destinations

    if rules.baseline is None:
        return
    place = os.path.realpath(rules.baseline)
    for each in destinations:
        if each.path is not None and os.path.realpath(each.path) == place:
            raise UsageError(f"The output {each.name} is the baseline.", "Write to another file.")
    if rules.update_baseline:
        check_destinations((Destination("baseline", "jsonl", rules.baseline),), force=True)


def _refuse_idle_flags(ctx: typer.Context, destinations: "tuple[Destination, ...]") -> None:
    if origin(ctx, "excel") == "--excel" and all(each.format != "csv" for each in destinations):
        raise UsageError("--excel guards CSV, and no output is CSV.", "Add -o issues.csv.")


def _accepted(rules: GateRules) -> "Accepted | None":
    """Read the baseline; with ``--accept-new`` there need not be one yet."""
    if rules.baseline is None:
        return None
    from labelaudit.gate.baseline import Baseline, read_baseline
    from labelaudit.gate.judging import Accepted

    path = rules.baseline
    missing = rules.accept_new and not os.path.lexists(path)
    baseline = Baseline(path) if missing else read_baseline(path)
    return Accepted(baseline, rules.update_baseline, rules.accept_new)
