"""The same audits for files, arrays and data frames."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelaudit.audits import hygiene
from labelaudit.audits.find_issues import audit_labels
from labelaudit.audits.preparing import look_at_rows
from labelaudit.audits.settings import AuditSettings
from labelaudit.calling import (
    bytes_allowed,
    in_python,
    listed,
    one_text,
    speaking_python,
    switch,
    texts,
)
from labelaudit.cluster.engines import EngineTable
from labelaudit.cluster.grounds import elsewhere, engine_labels
from labelaudit.errors import ClassOrderError, InvalidDataError, UsageError
from labelaudit.findings import Inspection, LabelIssues, Problem
from labelaudit.naming import (
    counted_groups,
    fits,
    keys_and_kept,
    spill_for,
    with_inspected_keys,
    with_sound_keys,
)
from labelaudit.planning import working
from labelaudit.running import Clock
from labelaudit.tables.estimates import classes_table, joint_table, pairs_table
from labelaudit.tables.issue_spill import room_for_issues, rows_of
from labelaudit.tables.issues import issues_table
from labelaudit.tables.options import ReadOptions
from labelaudit.tables.source import LabelSource, open_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt
    from distributed import Client

    from labelaudit.audits.find_issues import Audited
    from labelaudit.cluster.connecting import Cluster
    from labelaudit.cluster.grounds import Elsewhere
    from labelaudit.crowd_findings import CrowdConsensus
    from labelaudit.findings import IssueRows, JointCells
    from labelaudit.running import Executor
    from labelaudit.tables.issue_spill import IssueSpill
    from labelaudit.tag_findings import TagIssues

    Progress = Callable[[str, int, int], None]

__all__ = ["audit", "audit_settings", "find_issues", "inspect", "report"]

_GIVE_THEM = (
    "Give labels and probabilities one after the other, find_issues(labels, probs), or a table, "
    "or the path of one."
)
SWITCHES = {"adjust", "candidates", "compat", "every_row", "missing", "relations", "skip_invalid"}


@speaking_python
def find_issues(
    data: Any = None,
    probs: Any = None,
    *,
    labels: str | None = None,
    key: str | None = None,
    classes: Sequence[str] | None = None,
    keep: str | Sequence[str] = (),
    group: str | None = None,
    where: str | None = None,
    threads: int | None = None,
    memory: int | str | None = None,
    cluster: str | Client | None = None,
    **settings: Any,
) -> LabelIssues | TagIssues:
    """Find wrong labels.

    Parameters
    ----------
    data : array of (N,) labels, or several a row; or tabular data; or paths
        Several labels a row are a list of lists, or an (N, K) array of 0 and 1 (NaN: not
        annotated), and are audited as multi-label data.
        Labels go with ``probs`` as an array. A table is anything with ``__arrow_c_stream__`` (a
        data frame of pandas or polars, a pyarrow table); a polars LazyFrame, a DuckDB relation, a
        Hugging Face dataset or a pyarrow reader, which are run once, in batches. Paths are a
        string, a ``Path`` or a list of them: files, globs, folders, addresses.
    probs : array of (N, K) float, or list of them; or str, or list of str
        Out-of-sample predicted probabilities, or the names of their columns in the table. Several
        models are audited as one ensemble.
    labels, key, group : str, optional
        Columns of the table; inferred where they are not given (``group`` is not).
    classes : sequence of str, optional
        Class names in the order of the probabilities.
    keep : str or sequence of str
        Columns to carry over into the issues table.
    where : str, optional
        Condition that rows must meet to be audited, such as ``"split = 'train'"``. Row numbers are
        those of the whole table all the same.
    threads : int, optional
        How many to work with; all cores where not given. The result does not depend on it.
    memory : int or str, optional
        Bytes to aim at, or a size such as ``"4GiB"``; more of the table is then kept between
        readings. Issues that do not fit are sorted on disk: the table is then read from there
        where it is looked at.
    cluster : str or distributed.Client, optional
        Where to work, if not in this process: the address of a scheduler of ``dask.distributed``,
        a client of one, or ``dask`` for workers on this machine, as many as ``threads``. All of
        them read the files themselves. The result is the same.
    **settings
        The fields of ``AuditSettings``: ``method``, ``score``, ``skip_invalid``, ... With
        ``compat="cleanlab"`` everything not chosen is as cleanlab has it, the method too.

    Returns
    -------
    LabelIssues, or TagIssues for multi-label data

    Raises
    ------
    UsageError
        If a column or a setting cannot be.
    InputError
        If the data cannot be read, or rows of it cannot be used.
    NothingToAuditError
        If there are no rows.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([0, 1] * 20)
    >>> probs = np.where(labels[:, None] == [0, 1], 0.9, 0.1)
    >>> labels[0] = 1
    >>> find_issues(labels, probs).table["row"].to_pylist()
    [0]
    """
    named, allowed = _names(probs), bytes_allowed(memory)
    chosen = audit_settings(settings)
    if data is None:
        raise UsageError("There is no data.", _GIVE_THEM)
    options = ReadOptions(
        labels=one_text("labels", labels),
        probs=named,
        key=one_text("key", key),
        classes=None if classes is None else tuple(map(str, listed("classes", classes))),
        keep=texts("keep", keep),
        group=one_text("group", group),
        where=one_text("where", where),
    )
    from labelaudit.tables.spilled_issues import in_one_table

    source = _source(data, None if named else probs, options)
    found: LabelIssues | TagIssues = in_one_table(
        audit(source, chosen, threads=threads, memory=allowed, cluster=cluster)
    )
    return replace(found, warnings=tuple(map(in_python, found.warnings)))


def report(result: LabelIssues | TagIssues | CrowdConsensus, width: int = 80) -> str:
    """Write a result out as the command line prints it.

    Parameters
    ----------
    result : LabelIssues, TagIssues or CrowdConsensus
    width : int
        Characters of a line.
    """
    from labelaudit.crowd_findings import CrowdConsensus
    from labelaudit.tag_findings import TagIssues

    if isinstance(result, CrowdConsensus):
        from labelaudit.reports.crowd_text import crowd_report

        return crowd_report(result, limit=width)
    if isinstance(result, TagIssues):
        from labelaudit.reports.tag_text import tag_report

        return tag_report(result, limit=width)
    from labelaudit.reports.text import audit_report

    return audit_report(result, limit=width)


def _names(probs: Any) -> tuple[str, ...]:
    """Tell names of columns from arrays."""
    if isinstance(probs, str):
        return (probs,)
    if isinstance(probs, list | tuple) and probs and all(isinstance(p, str) for p in probs):
        return tuple(probs)
    return ()


def _source(data: Any, probs: Any, options: ReadOptions) -> LabelSource:
    if isinstance(data, EngineTable):
        return engine_labels(data, options)
    if getattr(data, "ndim", 1) == 2 and getattr(probs, "ndim", None) == 1:
        raise UsageError(
            "The first array has two dimensions and the second has one.",
            "Give the labels first, then the probabilities.",
        )
    if probs is None:
        paths = data if isinstance(data, list | tuple) else [data]
        if paths and all(isinstance(path, str | Path) for path in paths):
            return open_labels([str(path) for path in paths], options)
    from labelaudit.tables.memory import memory_labels

    return memory_labels(data, probs, options)


def audit_settings(chosen: dict[str, Any]) -> AuditSettings:
    """Return settings by name; raise ``UsageError`` where there is no such setting."""
    unknown = sorted(set(chosen) - set(AuditSettings.__slots__))
    if "pred_probs" in unknown:
        raise UsageError("There is no parameter 'pred_probs'.", _GIVE_THEM)
    if unknown:
        raise UsageError(
            f"There is no setting {unknown[0]!r}.",
            f"Settings are {', '.join(AuditSettings.__slots__)}.",
        )
    chosen = dict(chosen)
    if chosen.get("compat") == "cleanlab":
        chosen["compat"] = True
    for name in SWITCHES & set(chosen):
        chosen[name] = switch(name, chosen[name], *(("cleanlab",) if name == "compat" else ()))
    if chosen.get("compat"):  # everything not chosen is as cleanlab has it
        chosen = {"method": "prune_by_noise_rate", "collision": "cleanlab"} | chosen
    return AuditSettings(**chosen)


def audit(
    source: LabelSource,
    settings: AuditSettings,
    *,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
    cluster: str | Client | Cluster | None = None,
) -> LabelIssues | TagIssues:
    """Audit an opened source, and put keys, names and kept columns to what was found.

    Parameters
    ----------
    source : LabelSource
    settings : AuditSettings
    threads, memory : int or None
    progress : callable or None
        Called with the stage, how many partitions are done, and how many there are.
    cluster : str or distributed.Client or Cluster or None
        Where to work, if not in this process.

    Returns
    -------
    LabelIssues or TagIssues
        Its table is a ``SpilledTable`` where the issues did not fit in memory.
    """
    with elsewhere(source, cluster, threads, memory) as place:
        return _audit(source, settings, threads, memory, progress, place)


def _audit(
    source: LabelSource,
    settings: AuditSettings,
    threads: int | None,
    memory: int | None,
    progress: Progress | None,
    place: Elsewhere | None,
) -> LabelIssues | TagIssues:
    if source.understanding.task == "multilabel":
        from labelaudit.tag_audit import audit_tag_source

        return audit_tag_source(
            source, settings, threads=threads, memory=memory, progress=progress, place=place
        )
    clock = Clock()
    spill = spill_for(source, settings, memory)
    with closing(spill):
        with (
            working(source, threads, memory, progress, place) as rows,
            ThreadPoolExecutor(1) as beside,
        ):
            keyed = beside.submit(with_sound_keys, source, settings.skip_invalid, memory)
            found = audit_labels(rows, settings, spill)
            source, key_warnings = keyed.result()
            clock.stop("audit")
            in_memory = fits(source, spill, memory)
            named = _named(source, found, spill, rows.on) if in_memory else None
        # What was kept for further readings is let go before the rest is sorted on disk.
        result = _named_on_disk(source, found, spill, memory) if named is None else named
    clock.stop("table")
    warnings = (*source.warnings, *key_warnings, *found.warnings)
    return replace(result, warnings=warnings, timings=clock.laps)


def _named(source: LabelSource, found: Audited, spill: IssueSpill, on: Executor) -> LabelIssues:
    """Put keys, names and kept columns to the numbers."""
    issues = spill.ranked(on)
    issues = replace(issues, row=source.numbered(issues.row))
    keys, kept = keys_and_kept(source, issues.row, on)
    files = source.file_of(issues.row)
    table = issues_table(issues, source.class_list.values, keys, files, kept, on)
    return _result(source, found, spill, issues, table)


def _named_on_disk(
    source: LabelSource, found: Audited, spill: IssueSpill, memory: int | None
) -> LabelIssues:
    """Do the same where the issues do not fit in memory."""
    from labelaudit.tables.issue_sorting import spilled_table

    table = spilled_table(spill, source, room_for_issues(memory))
    return _result(source, found, spill, rows_of(table.mapped_numbers()), table)


def _result(
    source: LabelSource, found: Audited, spill: IssueSpill, issues: IssueRows, table: Any
) -> LabelIssues:
    values, numbers = source.class_list.values, replace(found.audit, issues=issues)
    return LabelIssues(
        understanding=source.understanding,
        audit=numbers,
        table=table,
        classes=classes_table(numbers, values),
        joint=joint_table(numbers, values),
        pairs=pairs_table(numbers, values),
        groups=None if spill.marks is None else counted_groups(source, spill.marks, found.left_out),
        problems=found.problems,
    )


def inspect(
    source: LabelSource,
    settings: AuditSettings | None = None,
    *,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Inspection:
    """Say what was understood of a source and everything that is wrong with it.

    Parameters
    ----------
    source : LabelSource
    settings : AuditSettings or None
    threads, memory : int or None
    progress : callable or None
    """
    if source.understanding.task == "multilabel":
        from labelaudit.tag_audit import inspect_tag_source

        return inspect_tag_source(source, threads=threads, memory=memory, progress=progress)
    with working(source, threads, memory, progress) as rows:
        first, problems = look_at_rows(rows.ground(), rows, settings or AuditSettings())
    counts, classes = first.confidence.count, source.classes
    found, said, wrong = with_inspected_keys(source, memory)
    warnings, problems = (*source.warnings, *said), (*problems, *wrong)
    if counts.any():
        cells = first.agreement.cells()
        warnings = (*warnings, *hygiene.warnings_about(cells, counts, classes))
        problems = (*problems, *_whole_table_problems(cells, counts, classes))
    return Inspection(found.understanding, problems, warnings, counts)


def _whole_table_problems(
    cells: JointCells, counts: npt.NDArray[np.int64], classes: tuple[str, ...]
) -> Iterator[Problem]:
    try:
        hygiene.demand_two_labels(counts, classes)
    except InvalidDataError as error:
        yield Problem("one_class", error.found, 0, (), error.remedy)
    try:
        hygiene.demand_class_order(cells, classes)
    except ClassOrderError as error:
        yield Problem("class_order", error.found, 0, (), error.remedy)
