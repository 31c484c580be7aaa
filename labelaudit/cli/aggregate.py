"""``labelaudit aggregate``: from votes to labels, and how good each worker is."""

# No postponed annotations here: the options are read from them.
import sys
from typing import TYPE_CHECKING

import typer

from labelaudit.cli import delivery
from labelaudit.cli.clusters import cluster_to_use, votes_plan
from labelaudit.cli.config import origin
from labelaudit.cli.crowd_delivery import ConsensusDelivery, planned
from labelaudit.cli.find_issues import DryRun
from labelaudit.cli.manifest import RunRecord, files_read
from labelaudit.cli.options import Talk
from labelaudit.cli.sources import warn_of_variables
from labelaudit.cli.terminal import Progress, line_width
from labelaudit.cli.values import classes_file, parse_classes
from labelaudit.cli.vote_options import VoteColumns, VoteData, VoteMethod, VoteOutput, VoteRun
from labelaudit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from labelaudit.audits.crowd.aggregating import CrowdSettings
    from labelaudit.tables.outputs import Destination
    from labelaudit.tables.votes import VoteSource

__all__ = ["aggregate"]

_CONTENTS = ("consensus", "workers", "confusion", "soft", "top-two")
_ROLES = {
    "task": "task_column",
    "worker": "worker_column",
    "label": "label_column",
    "classes": "classes",
    "gold": "gold",
}


def aggregate(
    *,
    ctx: typer.Context,
    votes: VoteData,
    columns: VoteColumns,
    method: VoteMethod,
    output: VoteOutput,
    run: VoteRun,
    dry_run: DryRun = False,
    talk: Talk,
) -> int:
    """Turn votes into labels, and rate the workers.

    VOTES holds what several people, rules or models said of each task: a row per vote with task,
    worker and label, or a row per task with a column for each worker.
    """
    from labelaudit.tables.outputs import PUBLICATIONS, refuse_inputs

    destinations = delivery.destinations_of(output, talk, _CONTENTS, votes, PUBLICATIONS)
    settings = _settings(method, destinations)
    _refuse_idle_flags(ctx, destinations)
    if run.cluster is not None:
        from labelaudit.crowd.places import demand_shards

        demand_shards(settings)
    warn_of_variables(ctx, talk)
    source = _opened(ctx, votes, columns)
    gold = [columns.gold] if columns.gold is not None and source.roles.gold is None else []
    refuse_inputs(destinations, [*source.understanding.files, *gold])
    if dry_run:
        limit = None if talk.json else line_width(sys.stdout)
        place = votes_plan(source.cells, run)
        delivery.put(planned(source, settings, destinations, limit, place, run.memory))
        return ExitCode.DONE
    from labelaudit import crowd

    with cluster_to_use(None, run, talk) as cluster, Progress(quiet=talk.quiet) as progress:
        shown = any(each.content in ("page", "run") for each in destinations)
        result = crowd.audit(
            source,
            settings,
            pairs=shown,
            threads=run.threads,
            memory=run.memory,
            progress=progress,
            cluster=cluster,
        )
    inputs = files_read(source.tables, *gold, classes_file(columns.classes))
    left_out = source.understanding.rows_left_out
    record = RunRecord(ctx, inputs, rows_left_out=left_out)
    ConsensusDelivery(ctx, votes, result, destinations, talk).all(excel=output.excel, record=record)
    return ExitCode.DONE


def _settings(method: VoteMethod, destinations: "tuple[Destination, ...]") -> "CrowdSettings":
    from labelaudit.audits.crowd.aggregating import EXTRAS, CrowdSettings

    contents = {each.content for each in destinations}
    return CrowdSettings(
        method=method.method,
        soft=method.soft,
        level=method.ordered,
        seed=method.seed,
        extras=tuple(name for name in EXTRAS if name in contents),
    )


def _refuse_idle_flags(ctx: typer.Context, destinations: "tuple[Destination, ...]") -> None:
    """Refuse a flag on the command line that would change nothing: it is a mistake."""
    if origin(ctx, "excel") == "--excel" and all(each.format != "csv" for each in destinations):
        raise UsageError("--excel guards CSV, and no output is CSV.", "Add -o consensus.csv.")
    if origin(ctx, "soft") == "--soft" and all(each.content != "soft" for each in destinations):
        raise UsageError(
            "--soft says how soft labels are made, and none are written.",
            "Add -o soft:soft.parquet.",
        )


def _opened(ctx: typer.Context, votes: list[str], columns: VoteColumns) -> "VoteSource":
    classes = parse_classes(columns.classes)
    from labelaudit.tables.vote_options import VoteOptions
    from labelaudit.tables.votes import open_votes

    found = ((role, origin(ctx, name)) for role, name in _ROLES.items())
    options = VoteOptions(
        task=columns.task_column,
        workers=tuple(columns.worker_column or ()),
        label=columns.label_column,
        duplicates=columns.duplicates,
        abstain=tuple(columns.abstain or ()),
        gold=columns.gold,
        classes=classes,
        where=columns.where,
        origins={role: where for role, where in found if where is not None},
    )
    return open_votes(votes, options)
