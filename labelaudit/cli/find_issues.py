"""``labelaudit find-issues``: likely label errors, worst first."""

# No postponed annotations here: the options are read from them.
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from labelaudit.audits.settings import AuditSettings
from labelaudit.cli import delivery
from labelaudit.cli.clusters import cluster_plan, cluster_to_use
from labelaudit.cli.config import origin
from labelaudit.cli.delivery import IssuesDelivery
from labelaudit.cli.manifest import RunRecord, files_read
from labelaudit.cli.options import ClusterRun, Columns, Data, Method, Output, Talk
from labelaudit.cli.sources import open_source, warn_of_variables
from labelaudit.cli.tag_delivery import (
    TagDelivery,
    refuse_other_tables,
    result_contents,
    with_statistics,
)
from labelaudit.cli.tag_options import TagMethod
from labelaudit.cli.terminal import Progress, line_width
from labelaudit.cli.values import classes_file
from labelaudit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from labelaudit.findings import LabelIssues
    from labelaudit.tables import LabelSource
    from labelaudit.tables.outputs import Destination
    from labelaudit.tag_findings import TagIssues

__all__ = ["DryRun", "audit_settings", "audited", "find_issues"]

DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Say what would be read and written; do not.", rich_help_panel="Run"
    ),
]


def find_issues(
    *,
    ctx: typer.Context,
    data: Data,
    columns: Columns,
    method: TagMethod,
    output: Output,
    run: ClusterRun,
    dry_run: DryRun = False,
    talk: Talk,
) -> int:
    """List likely label errors, worst first.

    DATA holds given labels and the probabilities that a model predicted for every class. The
    probabilities must be out-of-sample: from a model that did not see the row in training.
    """
    from labelaudit.tables.outputs import PUBLICATIONS, refuse_inputs

    settings = audit_settings(method, output)
    destinations = delivery.destinations_of(output, talk, result_contents(), data, PUBLICATIONS)
    _refuse_without_group(columns, destinations)
    _refuse_idle_flags(ctx, destinations)
    warn_of_variables(ctx, talk)
    source = open_source(ctx, data, columns, method.task)
    refuse_inputs(destinations, source.understanding.files)
    multilabel = source.understanding.task == "multilabel"
    refuse_other_tables(destinations, multilabel=multilabel)
    if output.show:
        from labelaudit.tables.showing import check_shown

        check_shown(source, output.show)
    settings = with_statistics(settings, destinations, method, multilabel=multilabel)
    if dry_run:
        _tell_plan(source, settings, destinations, run, talk)
        return ExitCode.DONE
    result = audited(source, settings, run, talk)
    if output.show:
        from labelaudit.tables.showing import shown_table

        result = replace(result, shown=shown_table(source, result.audit.issues.row, output.show))
    inputs = files_read(source.tables, classes_file(columns.classes))
    left_out = source.understanding.rows_left_out
    record = RunRecord(ctx, inputs, rows_left_out=left_out)
    deliver = TagDelivery if multilabel else IssuesDelivery
    deliver(ctx, data, result, settings, destinations, talk).all(excel=output.excel, record=record)
    return ExitCode.DONE


def _tell_plan(
    source: "LabelSource",
    settings: AuditSettings,
    destinations: "tuple[Destination, ...]",
    run: ClusterRun,
    talk: Talk,
) -> None:
    from labelaudit.cli.plan import Plan
    from labelaudit.planning import expected, expected_of_workers

    there = cluster_plan(source, run)
    if there is None:
        needed = expected(source, run.memory, settings)
    else:
        needed = expected_of_workers(source, there.workers, there.threads, run.memory, settings)
    plan = Plan(source, settings, destinations, needed, there and there.text)
    delivery.put(plan.json() if talk.json else plan.text(line_width(sys.stdout)))


def audit_settings(method: Method, output: Output) -> AuditSettings:
    """Return the settings that the options ask for, checked.

    With ``--compat cleanlab`` everything not chosen is as cleanlab has it.

    Raises
    ------
    UsageError
        If there is no such method or score, or the options do not go together.
    """
    compat = method.compat is not None
    if compat and method.collision == "paper":
        raise UsageError(
            "--compat cleanlab and --collision paper contradict each other.",
            "Leave one of them out.",
        )
    return AuditSettings(
        method=method.method or ("prune_by_noise_rate" if compat else "rcp"),
        score=method.score,
        row_score=method.row_score,
        adjust=method.adjust,
        collision=method.collision or ("cleanlab" if compat else "paper"),
        compat=compat,
        min_examples_per_class=method.min_examples_per_class,
        frac_noise=method.frac_noise,
        seed=method.seed,
        skip_invalid=method.skip_invalid,
        every_row=output.all,
        top=output.top,
    )


def _refuse_without_group(columns: Columns, destinations: "tuple[Destination, ...]") -> None:
    if columns.group is None and any(each.content == "groups" for each in destinations):
        raise UsageError(
            "The groups table needs a column to group by.", "Name it with --group COL."
        )


def _refuse_idle_flags(ctx: typer.Context, destinations: "tuple[Destination, ...]") -> None:
    """Refuse a flag on the command line that would change nothing: it is a mistake."""
    if origin(ctx, "excel") == "--excel" and all(each.format != "csv" for each in destinations):
        raise UsageError("--excel guards CSV, and no output is CSV.", "Add -o issues.csv.")
    pages = [each for each in destinations if each.content in ("page", "run")]
    if origin(ctx, "show") == "--show" and not pages:
        raise UsageError(
            "--show is for the page, and no page is written.",
            "Add -o report.html or -o run:FOLDER.",
        )


def audited(
    source: "LabelSource", settings: AuditSettings, run: ClusterRun, talk: Talk
) -> "LabelIssues | TagIssues":
    """Audit the table; its first rows are decoded while what audits them is imported."""
    from labelaudit.planning import room_ahead
    from labelaudit.tables.head_start import head_start

    with cluster_to_use(source, run, talk) as cluster, Progress(quiet=talk.quiet) as progress:
        room = room_ahead(run.threads, run.memory) if cluster is None else 0
        with head_start(source, room) as begun:
            from labelaudit import api

            return api.audit(
                begun,
                settings,
                threads=run.threads,
                memory=run.memory,
                progress=progress,
                cluster=cluster,
            )
