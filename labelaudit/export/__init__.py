"""Cleaned labels: what an audit or reviewers found, put into the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.calling import bytes_allowed, speaking_python
from labelaudit.changes import Quality
from labelaudit.errors import UsageError
from labelaudit.export.auditing import AuditedRows, SoftColumns, audited_rows
from labelaudit.export.planned import PlannedExport, ledger_of, pairs_of
from labelaudit.export.policy import Flagged, Policy, Reviewed, decide, idle_warnings, left_notes
from labelaudit.export.tag_export import plan_tag_export
from labelaudit.export.verifying import Settled, flagged_of, reviewed_of, settled_of
from labelaudit.tables.cleaned import AddedNames, Cleaning, Marks
from labelaudit.tables.decisions import read_decisions
from labelaudit.tables.labelled import labelled_of, labelled_source, open_labelled
from labelaudit.tables.options import ReadOptions
from labelaudit.tables.saved_issues import read_issues
from labelaudit.tables.source import open_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from labelaudit.audits.settings import AuditSettings
    from labelaudit.changes import Changes
    from labelaudit.tables.decisions import Decision
    from labelaudit.tables.labelled import LabelledTable
    from labelaudit.tables.saved_issues import SavedIssues

    Progress = Callable[[str, int, int], None]

__all__ = ["ExportSettings", "PlannedExport", "export_labels", "plan_export"]


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Choices for one export.

    Attributes
    ----------
    policy : str
        What happens to flagged rows: ``drop``, ``relabel``, ``flag``; ``reviewed`` does nothing
        but what reviewers decided.
    min_confidence : float
        ``relabel`` takes a suggestion only if the model gives it at least this probability.
    issues : str or None
        File with the issues of an earlier run; without one the data is audited, unless the policy
        is ``reviewed`` and no soft columns are asked for.
    decisions : tuple of str
        Files of reviewers' decisions.
    prefix : str
        What the names of added columns begin with.
    soft : str or None
        ``list`` or ``wide``: add the posterior of every class.
    weights : bool
        Add a weight for training.
    """

    policy: str = "relabel"
    min_confidence: float = 0.8
    issues: str | None = None
    decisions: tuple[str, ...] = ()
    prefix: str = "label_"
    soft: str | None = None
    weights: bool = False

    def __post_init__(self) -> None:
        if self.policy == "reviewed" and not self.decisions:
            raise UsageError(
                "The policy reviewed needs decisions.", "Name their file with --decisions."
            )
        if self.is_soft and self.issues is not None:
            raise UsageError(
                "Soft labels and weights come from an audit, and --issues spares it.",
                "Leave --issues out, or --soft and --weights.",
            )

    @property
    def is_soft(self) -> bool:
        """Posteriors or weights are asked for."""
        return self.soft is not None or self.weights

    @property
    def audits(self) -> bool:
        """Whether the data is to be audited."""
        return self.is_soft or (self.issues is None and self.policy != "reviewed")


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Everything that decides, from wherever it is."""

    table: LabelledTable
    flagged: Flagged | None
    quality: Quality
    audited: AuditedRows | None
    saved: SavedIssues | None
    settled: Settled
    warnings: tuple[str, ...]


def plan_export(
    data: Any,
    options: ReadOptions,
    settings: ExportSettings,
    audit: AuditSettings,
    *,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> PlannedExport:
    """Decide about every row, and write nothing.

    Parameters
    ----------
    data : sequence of str, or a table
        Paths, or anything with ``__arrow_c_stream__``.
    options : ReadOptions
    settings : ExportSettings
    audit : AuditSettings
        For the audit on the fly.
    threads, memory : int or None
    progress : callable or None

    Raises
    ------
    InvalidDataError
        If issues or decisions are about labels that the data does not have.
    """
    policy = Policy(settings.policy, settings.min_confidence)
    decisions = [each for path in settings.decisions for each in read_decisions(path)]
    names = AddedNames(settings.prefix)
    if settings.audits:
        source = _source(data, options)
        if source.understanding.task == "multilabel":
            return plan_tag_export(
                source, settings, audit, threads=threads, memory=memory, progress=progress
            )
        audited = audited_rows(source, audit, threads, memory, progress)
        evidence = _by_audit(audited, names, use_flags=settings.policy != "reviewed")
    else:
        evidence = _by_files(data, options, settings, names)
    reviewed = _reviewed(decisions, evidence, given=bool(settings.decisions))
    changes = decide(policy, evidence.flagged, reviewed, evidence.settled.row)
    cleaning = _cleaning(evidence, changes, settings)
    cleaning.check_names(evidence.table.tables[0].schema)
    return PlannedExport(
        policy=policy,
        cleaning=cleaning,
        flagged=0 if evidence.flagged is None else len(evidence.flagged.row),
        reviewed=0 if reviewed is None else len(reviewed.row),
        settled=len(evidence.settled.row),
        ledger=ledger_of(changes, evidence.table),
        pairs=pairs_of(changes, evidence.table),
        warnings=(*evidence.warnings, *idle_warnings(policy, evidence.flagged, changes)),
        notes=left_notes(policy, evidence.flagged, reviewed, changes),
    )


def _cleaning(evidence: _Evidence, changes: Changes, settings: ExportSettings) -> Cleaning:
    cleaning = Cleaning(
        evidence.table,
        changes,
        evidence.quality,
        AddedNames(settings.prefix),
        again=evidence.settled.again,
        marks=_marks(evidence.flagged) if settings.policy == "flag" else None,
    )
    if not settings.is_soft or evidence.audited is None:
        return cleaning
    soft = SoftColumns.of(
        evidence.audited,
        changes,
        evidence.settled,
        settings.soft,
        weights=settings.weights,
        prefix=settings.prefix,
    )
    needs = soft.decoder.columns
    return replace(cleaning, further=soft, further_types=soft.types, needs=needs)


def _is_paths(data: Any) -> bool:
    return isinstance(data, list | tuple) and all(isinstance(each, str) for each in data)


def _source(data: Any, options: ReadOptions) -> Any:
    if _is_paths(data):
        return open_labels(data, options)
    from labelaudit.tables.memory import memory_labels

    return memory_labels(data, None, options)


def _labelled(data: Any, options: ReadOptions) -> LabelledTable:
    if _is_paths(data):
        return open_labelled(data, options)
    from labelaudit.tables.memory import memory_table

    return labelled_of((memory_table(data),), options)


def _by_audit(audited: AuditedRows, names: AddedNames, *, use_flags: bool) -> _Evidence:
    table = labelled_source(audited.source)
    return _Evidence(
        table,
        audited.flagged if use_flags else None,
        audited.quality,
        audited,
        None,
        settled_of(table, names),
        audited.warnings,
    )


def _by_files(
    data: Any, options: ReadOptions, settings: ExportSettings, names: AddedNames
) -> _Evidence:
    saved = None if settings.issues is None else read_issues(settings.issues)
    table = _labelled(data, options)
    nothing = Quality(np.zeros(0, np.int64), np.zeros(0))
    if saved is None:
        settled = settled_of(table, names)
        return _Evidence(table, None, nothing, None, None, settled, table.warnings)
    suggested = [text for text in saved.suggested if text is not None]
    table = table.with_classes([*saved.given, *suggested])
    settled = settled_of(table, names)
    flagged, quality = flagged_of(saved, table, settled)
    use = flagged if settings.policy != "reviewed" else None
    return _Evidence(table, use, quality, None, saved, settled, table.warnings)


def _reviewed(
    decisions: Sequence[Decision], evidence: _Evidence, *, given: bool
) -> Reviewed | None:
    if not given:
        return None
    return reviewed_of(decisions, evidence.table, evidence.saved, evidence.settled)


def _marks(flagged: Flagged | None) -> Marks:
    if flagged is None:
        return Marks(np.zeros(0, np.int64), np.zeros(0, np.int32))
    order = np.argsort(flagged.row, kind="stable")
    return Marks(flagged.row[order], flagged.suggested[order])


@speaking_python
def export_labels(
    data: Any,
    output: str | Path | None = None,
    *,
    policy: str = "relabel",
    issues: str | Path | None = None,
    decisions: str | Path | Sequence[str | Path] = (),
    min_confidence: float = 0.8,
    max_change: float | None = None,
    soft: str | None = None,
    weights: bool = False,
    prefix: str = "label_",
    labels: str | None = None,
    probs: str | Sequence[str] = (),
    key: str | None = None,
    classes: Sequence[str] | None = None,
    task: str = "auto",
    force: bool = False,
    threads: int | None = None,
    memory: int | str | None = None,
    **settings: Any,
) -> PlannedExport:
    """Put what an audit or reviewers found into the data.

    Parameters
    ----------
    data : tabular data, or paths
        A table is anything with ``__arrow_c_stream__``; paths are a string, a ``Path`` or a list
        of them: files, globs, folders.
    output : str or Path, optional
        File to write, ``.csv``, ``.parquet``, ``.jsonl`` or ``.arrow``, whole or not at all.
        Without it nothing is written; ``.table()`` of the result returns the cleaned table.
    policy : str
        ``drop``, ``relabel``, ``flag`` or ``reviewed``.
    issues, decisions : str, Path or several
        Issues of an earlier run; decisions of reviewers.
    min_confidence : float
        Least probability of a suggestion that ``relabel`` takes.
    max_change : float, optional
        Largest share of the rows that may be changed or dropped.
    soft : {"list", "wide"}, optional
        Add the posterior of every class.
    weights : bool
        Add a weight for training: the posterior of the label that the row ends up with.
    prefix : str
        What the names of added columns begin with.
    labels, probs, key : str, optional
        Columns; inferred where they are not given.
    classes : sequence of str, optional
        Class names in the order of the probabilities; without an audit, classes that decisions may
        use beside those in the data.
    task : str
        ``auto`` goes by the label column; ``multiclass``, ``multilabel``.
    force : bool
        Overwrite an existing output.
    threads : int, optional
    memory : int or str, optional
        Bytes to aim at, or a size such as ``"4GiB"``.
    **settings
        The fields of ``AuditSettings``, for the audit on the fly.

    Returns
    -------
    PlannedExport
        What was changed; ``ledger`` lists it.

    Raises
    ------
    ChangeLimitError
        If more would change than ``max_change``; nothing is written then.
    InputError
        If the data cannot be read, or issues or decisions do not belong to it.
    UsageError, OutputError
        If a choice cannot be, or the output cannot be written.
    """
    from labelaudit.api import audit_settings

    inputs = _paths(data)
    named = (probs,) if isinstance(probs, str) else tuple(probs)
    order = None if classes is None else tuple(map(str, classes))
    options = ReadOptions(labels=labels, probs=named, key=key, classes=order, task=task)
    file = None if issues is None else str(issues)
    reviews = tuple(_paths(decisions))
    chosen = ExportSettings(policy, min_confidence, file, reviews, prefix, soft, weights)
    planned = plan_export(
        inputs or data,
        options,
        chosen,
        audit_settings(settings),
        threads=threads,
        memory=bytes_allowed(memory),
    )
    if max_change is not None:
        planned.demand_at_most(max_change)
    if output is not None:
        _write(planned, str(output), force=force)
    return planned


def _paths(said: Any) -> list[str]:
    """Return one path or several as strings; none of anything else."""
    each = said if isinstance(said, list | tuple) else [said]
    return [str(path) for path in each if isinstance(path, str | Path)]


def _write(planned: PlannedExport, path: str, *, force: bool) -> None:
    from labelaudit.tables.outputs import (
        Staging,
        check_destinations,
        parse_destination,
        refuse_inputs,
    )

    destination = parse_destination(path, "cleaned", ())
    if destination.content != "cleaned" or destination.path is None:
        raise UsageError(
            f"The output {destination.name} cannot hold a table.",
            "Give a path that ends in .csv, .parquet, .jsonl or .arrow.",
        )
    refuse_inputs([destination], [t.path for t in planned.cleaning.labelled.tables if t.path])
    check_destinations([destination], force=force)
    with Staging() as staging:
        with staging.file(destination.path) as sink:
            planned.write(destination.format, sink)
        staging.commit()
