"""From an opened table to a verdict: the audit, its measures, the rules, the baseline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelaudit.cli.clusters import cluster_to_use
from labelaudit.cli.config import origin
from labelaudit.cli.crowd_delivery import ConsensusDelivery
from labelaudit.cli.delivery import IssuesDelivery
from labelaudit.cli.find_issues import audit_settings, audited
from labelaudit.cli.gate_delivery import GateDelivery
from labelaudit.cli.manifest import files_read
from labelaudit.cli.options import Output
from labelaudit.cli.sources import open_source
from labelaudit.cli.tag_delivery import TagDelivery, refuse_other_tables, result_contents
from labelaudit.cli.terminal import Progress
from labelaudit.cli.values import classes_file, parse_classes
from labelaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    import typer

    from labelaudit.cli.gate_options import GateColumns, GateRules
    from labelaudit.cli.options import ClusterRun, Method, Talk
    from labelaudit.findings import Understanding
    from labelaudit.gate.judging import Accepted
    from labelaudit.gate.rules import GateRule
    from labelaudit.tables import LabelSource
    from labelaudit.tables.outputs import Destination
    from labelaudit.tables.votes import VoteSource
    from labelaudit.verdicts import Verdict

__all__ = ["Asked", "gate"]

_OF_LABELS = ("probs", "key", "keep", "group", "score", "adjust", "collision", "compat")
_OF_VOTES = ("task_column", "worker_column", "abstain")
_VOTE_TABLES = ("consensus", "workers")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for, as the options have it."""

    ctx: typer.Context
    data: list[str]
    rules: GateRules
    columns: GateColumns
    method: Method
    run: ClusterRun
    talk: Talk


def gate(
    asked: Asked,
    rules: Sequence[GateRule],
    accepted: Accepted | None,
    destinations: Sequence[Destination],
) -> GateDelivery:
    """Audit, judge, and return what is to be written and said.

    Raises
    ------
    LabelauditError
        If the data cannot be audited, or a rule cannot be judged.
    """
    from labelaudit.gate.idle import idle_rules
    from labelaudit.tables.outputs import refuse_inputs

    source = _opened(asked)
    refuse_inputs(destinations, source.understanding.files)
    judge = _of_labels if hasattr(source, "class_list") else _of_votes
    found = judge(asked, source, rules, accepted, destinations)
    found.warnings = (*idle_rules(rules), *found.warnings)
    baseline = accepted.baseline.path if accepted is not None else None
    known = baseline if baseline is not None and Path(baseline).exists() else None
    found.files = files_read(source.tables, known, classes_file(asked.columns.classes))
    found.rows_left_out = source.understanding.rows_left_out
    return found


def _opened(asked: Asked) -> Any:
    """Open labels; a table without probabilities but with workers holds votes."""
    if asked.columns.votes:
        return _open_votes(asked)
    try:
        return open_source(asked.ctx, asked.data, asked.columns, asked.method.task)
    except UsageError as error:
        if asked.columns.votes is False or "-" in asked.data or asked.columns.probs:
            raise
        source = _votes_after_all(asked)
        if source is None:
            raise
        del error
        return source


def _votes_after_all(asked: Asked) -> VoteSource | None:
    try:
        source = _open_votes(asked)
    except UsageError:
        return None
    said = asked.columns.worker_column or asked.columns.task_column
    return source if said or source.understanding.layout == "long" else None


def _open_votes(asked: Asked) -> VoteSource:
    from labelaudit.tables.vote_options import VoteOptions
    from labelaudit.tables.votes import open_votes

    columns = asked.columns
    options = VoteOptions(
        task=columns.task_column,
        workers=tuple(columns.worker_column or ()),
        label=columns.labels,
        abstain=tuple(columns.abstain or ()),
        classes=parse_classes(columns.classes),
        where=columns.where,
    )
    return open_votes(asked.data, options)


def _refuse_flags(asked: Asked, flags: Sequence[str], what: str) -> None:
    for name in flags:
        flag = f"--{name.replace('_', '-')}"
        if origin(asked.ctx, name) in (flag, f"--no-{flag[2:]}"):
            raise UsageError(f"{flag} is for {what}, and these are not.", "Leave it out.")


def _refuse_tables(
    destinations: Sequence[Destination], known: Sequence[str], others: Sequence[str], what: str
) -> None:
    for each in destinations:
        if each.content in others:
            raise UsageError(
                f"{each.name}: there is no table {each.content} of {what}.",
                f"Tables are {', '.join(known)}.",
            )


def _of_labels(
    asked: Asked,
    source: LabelSource,
    rules: Sequence[GateRule],
    accepted: Accepted | None,
    destinations: Sequence[Destination],
) -> GateDelivery:
    from labelaudit.gate.judging import judge_labels, scene_of_labels
    from labelaudit.gate.rules import check_rules
    from labelaudit.tables.lines import row_lines
    from labelaudit.tables.spilled_issues import in_one_table

    _refuse_flags(asked, _OF_VOTES, "votes")
    multilabel = source.understanding.task == "multilabel"
    _refuse_tables(destinations, result_contents(), _VOTE_TABLES, "labels")
    refuse_other_tables(destinations, multilabel=multilabel)
    settings = audit_settings(asked.method, Output())
    grouped = source.roles.group is not None
    check_rules(rules, scene_of_labels(source.understanding, accepted, grouped=grouped))
    result = in_one_table(audited(source, settings, asked.run, asked.talk))
    groups_of = partial(_groups, source) if grouped else None
    verdict, written = judge_labels(result, rules, accepted, groups_of, row_lines(source.tables))
    deliver = TagDelivery if multilabel else IssuesDelivery
    inner = deliver(asked.ctx, asked.data, result, settings, destinations, asked.talk)
    warnings = (
        *_doubts(verdict, result.understanding),
        *result.warnings,
        *(problem.sentence for problem in result.problems),
    )
    return GateDelivery(asked, inner, verdict, warnings, destinations, written)


def _doubts(verdict: Verdict, understanding: Understanding) -> Iterator[str]:
    """Yield what may be wrong with the baseline."""
    match = verdict.baseline
    if match is None:
        return
    if match.accepted and not match.matched:
        yield "No id of the baseline matched: it may be that of other data."
    if understanding.key_column is None:
        yield (
            "Row numbers are the keys, so the baseline holds only while rows stay in place. "
            "Name a column with --key."
        )


def _groups(source: LabelSource, issues: pa.Table) -> pa.ChunkedArray:
    """Read the group of each issue."""
    import numpy as np
    import pyarrow as pa

    rows = issues["row"].to_numpy()
    order = np.argsort(rows, kind="stable")
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    name = str(source.roles.group)
    return source.take(rows[order], [name])[name].take(pa.array(back))


def _of_votes(
    asked: Asked,
    source: VoteSource,
    rules: Sequence[GateRule],
    accepted: Accepted | None,
    destinations: Sequence[Destination],
) -> GateDelivery:
    from labelaudit import crowd
    from labelaudit.audits.crowd.aggregating import CrowdSettings
    from labelaudit.crowd.places import demand_shards
    from labelaudit.gate.judging import judge_votes
    from labelaudit.gate.kinds import Scene
    from labelaudit.gate.metrics import VOTES
    from labelaudit.gate.rules import check_rules

    _refuse_flags(asked, _OF_LABELS, "labels")
    if accepted is not None:
        raise UsageError(
            "A baseline holds issues of labels, and these are votes.", "Leave --baseline out."
        )
    mended = tuple(
        replace(each, content="consensus") if each.content == "issues" else each
        for each in destinations
    )
    _refuse_tables(mended, _VOTE_TABLES, result_contents(), "votes")
    check_rules(rules, Scene(data=VOTES))
    settings = CrowdSettings(method=asked.method.method or "auto", seed=asked.method.seed)
    run = asked.run
    if run.cluster is not None:
        demand_shards(settings)
    with (
        cluster_to_use(None, run, asked.talk) as cluster,
        Progress(quiet=asked.talk.quiet) as progress,
    ):
        result = crowd.audit(
            source, settings, threads=run.threads, progress=progress, cluster=cluster
        )
    inner = ConsensusDelivery(asked.ctx, asked.data, result, mended, asked.talk)
    verdict = judge_votes(result, rules)
    return GateDelivery(asked, inner, verdict, result.warnings, mended, None)
