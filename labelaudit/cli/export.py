"""``labelaudit export``: what an audit or reviewers found, put into the data."""

# No postponed annotations here: the options are read from them.
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

import typer

from labelaudit import __version__
from labelaudit.audits.settings import AuditSettings
from labelaudit.cli import delivery
from labelaudit.cli.config import origin
from labelaudit.cli.find_issues import DryRun, audit_settings
from labelaudit.cli.manifest import RunRecord, files_read
from labelaudit.cli.options import (
    Classes,
    Data,
    Excel,
    Force,
    Key,
    Labels,
    Method,
    Probs,
    Run,
    Talk,
    option,
    outputs,
)
from labelaudit.cli.options import Output as IssuesOutput
from labelaudit.cli.sources import warn_of_variables
from labelaudit.cli.terminal import Progress
from labelaudit.cli.values import classes_file, parse_classes, parse_share
from labelaudit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from labelaudit.export import ExportSettings, PlannedExport
    from labelaudit.tables.options import ReadOptions
    from labelaudit.tables.outputs import Destination

__all__ = ["export"]

_ROLES = ("labels", "probs", "key", "classes")
_OF_AUDITS = (
    *("probs", "task", "method", "score", "adjust", "collision", "compat"),
    *("min_examples_per_class", "frac_noise", "skip_invalid", "seed"),
)


def _cleaning(*names: str, **more: Any) -> Any:
    return option("Cleaning", *names, **more)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column is what."""

    labels: Labels = None
    probs: Probs = None
    key: Key = None
    classes: Classes = None


@dataclass(frozen=True, slots=True)
class _Cleaning:
    """What happens to which rows."""

    policy: Annotated[
        Literal["drop", "relabel", "flag", "reviewed"] | None,
        _cleaning(
            "--policy",
            metavar="POLICY",
            text="What happens to flagged rows: drop (they go), relabel (the suggestion replaces "
            "the label where severity is high and the suggestion is sure), flag (columns mark "
            "them), reviewed (nothing but what reviewers decided).  [default: reviewed with "
            "--decisions]",
        ),
    ] = None
    issues: Annotated[
        str | None,
        _cleaning(
            "--issues",
            metavar="FILE",
            text="Issues that find-issues wrote, instead of auditing again.",
        ),
    ] = None
    decisions: Annotated[
        list[str] | None,
        _cleaning(
            "--decisions",
            metavar="FILE",
            text="What reviewers decided: a decisions file, an export of Label Studio or of "
            "Argilla. It goes before the policy. Repeatable.",
        ),
    ] = None
    min_confidence: Annotated[
        float,
        _cleaning(
            "--min-confidence",
            metavar="SHARE",
            text="relabel takes a suggestion only if the model gives it this probability.",
        ),
    ] = 0.8
    max_change: Annotated[
        Fraction | None,
        _cleaning(
            "--max-change",
            metavar="SHARE",
            parser=parse_share,
            text="Write nothing and exit with 1 if more rows than this, such as 10%, would be "
            "changed or dropped.",
        ),
    ] = None
    soft: Annotated[
        Literal["list", "wide"] | None,
        _cleaning(
            "--soft",
            metavar="LAYOUT",
            text="Add the posterior of every class: list (one column) or wide (one per class).",
        ),
    ] = None
    weights: Annotated[
        bool,
        _cleaning(
            "--weights/--no-weights",
            text="Add a weight for training: how probable the row's label is.",
        ),
    ] = False
    prefix: Annotated[
        str,
        _cleaning(
            "--prefix", metavar="TEXT", text="What the names of the added columns begin with."
        ),
    ] = "label_"
    dry_run: DryRun = False


@dataclass(frozen=True, slots=True)
class _Output:
    """What is written, and where."""

    output: Annotated[
        list[str] | None,
        outputs(
            "Write the cleaned table (.parquet .arrow .csv .jsonl), the summary (.json), the "
            "report (.txt), or the list of changes (changes: before a path). Repeatable; - is "
            "standard output, as CSV unless a format stands before it."
        ),
    ] = None
    force: Force = False
    excel: Excel = False


def export(
    *,
    ctx: typer.Context,
    data: Data,
    columns: _Columns,
    cleaning: _Cleaning,
    method: Method,
    output: _Output,
    run: Run,
    talk: Talk,
) -> int:
    """Write the data with cleaned labels.

    All columns and the order of the rows stay. The label column is replaced; columns with the
    label that was given, where the label comes from, and its quality are added.
    """
    from labelaudit.tables.outputs import refuse_inputs

    settings = _settings(ctx, cleaning)
    audit = audit_settings(method, IssuesOutput())
    as_output: Any = output
    beside = [*data, *filter(None, [settings.issues]), *settings.decisions]
    destinations = delivery.destinations_of(as_output, talk, ("cleaned", "changes"), beside)
    _refuse_idle(ctx, settings, destinations)
    if not destinations and not cleaning.dry_run:
        raise UsageError(
            "Nothing is written.", "Name the output with -o cleaned.parquet, or add --dry-run."
        )
    warn_of_variables(ctx, talk)
    planned = _planned(data, _options(ctx, columns, method), settings, audit, run, talk)
    paths = [table.path for table in planned.cleaning.labelled.tables if table.path]
    refuse_inputs(destinations, paths)
    limit = cleaning.max_change
    if limit is not None and not cleaning.dry_run:
        planned.demand_at_most(limit)
    tables, lists = planned.cleaning.labelled.tables, (settings.issues, *settings.decisions)
    record = RunRecord(ctx, files_read(tables, *lists, classes_file(columns.classes)))
    given = _ExportDelivery(planned, destinations, talk, dry=cleaning.dry_run, limit=limit)
    given.all(excel=output.excel, record=record)
    if limit is not None:
        planned.demand_at_most(limit, dry=True)
    return ExitCode.DONE


def _settings(ctx: typer.Context, cleaning: _Cleaning) -> "ExportSettings":
    policy = cleaning.policy or ("reviewed" if cleaning.decisions else None)
    if policy is None:
        raise UsageError(
            "It is not said what happens to flagged rows.",
            "Choose --policy drop, relabel or flag, or give reviewers' --decisions.",
        )
    if policy != "relabel" and origin(ctx, "min_confidence") == "--min-confidence":
        raise UsageError(
            f"--min-confidence is for the policy relabel, not {policy}.", "Leave it out."
        )
    from labelaudit.export import ExportSettings

    return ExportSettings(
        policy,
        cleaning.min_confidence,
        cleaning.issues,
        tuple(cleaning.decisions or ()),
        cleaning.prefix,
        cleaning.soft,
        cleaning.weights,
    )


def _refuse_idle(
    ctx: typer.Context, settings: "ExportSettings", destinations: "Sequence[Destination]"
) -> None:
    """Refuse a flag on the command line that would change nothing: it is a mistake."""
    if origin(ctx, "excel") == "--excel" and all(each.format != "csv" for each in destinations):
        raise UsageError("--excel guards CSV, and no output is CSV.", "Add -o cleaned.csv.")
    if settings.audits:
        return
    why = "--issues spares the audit" if settings.issues else "decisions need no audit"
    for name in _OF_AUDITS:
        flag = f"--{name.replace('_', '-')}"
        if origin(ctx, name) == flag:
            raise UsageError(f"{flag} is for an audit, and {why}.", f"Leave {flag} out.")


def _options(ctx: typer.Context, columns: _Columns, method: Method) -> "ReadOptions":
    from labelaudit.tables.options import ReadOptions

    found = ((role, origin(ctx, role)) for role in _ROLES)
    return ReadOptions(
        labels=columns.labels,
        probs=tuple(columns.probs or ()),
        key=columns.key,
        classes=parse_classes(columns.classes),
        task=method.task,
        origins={role: where for role, where in found if where is not None},
    )


def _planned(
    data: list[str],
    options: "ReadOptions",
    settings: "ExportSettings",
    audit: AuditSettings,
    run: Run,
    talk: Talk,
) -> "PlannedExport":
    from labelaudit.export import plan_export

    with Progress(quiet=talk.quiet) as progress:
        return plan_export(
            data,
            options,
            settings,
            audit,
            threads=run.threads,
            memory=run.memory,
            progress=progress,
        )


class _ExportDelivery(delivery.Delivery):
    """All outputs of one export.

    Parameters
    ----------
    planned : PlannedExport
    destinations : sequence of Destination
    talk : Talk
    dry : bool
        Only the report is given.
    limit : Fraction or None
        The largest share of the rows that may be changed or dropped.
    """

    def __init__(
        self,
        planned: "PlannedExport",
        destinations: "Sequence[Destination]",
        talk: Talk,
        *,
        dry: bool,
        limit: Fraction | None = None,
    ) -> None:
        super().__init__(() if dry else destinations, talk)
        self.planned = planned
        self.dry = dry
        self.limit = limit
        self.outputs = [delivery.described(each) for each in destinations]

    @property
    def exit_code(self) -> ExitCode:
        """How the run ends: a dry one ends as the export itself would."""
        too_many = self.limit is not None and self.planned.exceeds(self.limit)
        return ExitCode.GATE_FAILED if too_many else ExitCode.DONE

    def table(self, content: str) -> "pa.Table":
        """Return the changes; the cleaned table is written batch by batch."""
        return self.planned.ledger if content == "changes" else self.planned.table()

    def _write(self, destination: "Destination", sink: IO[bytes], *, excel: bool) -> None:
        if destination.content == "cleaned":
            self.planned.write(destination.format, sink, excel=excel)
        else:
            super()._write(destination, sink, excel=excel)

    def _line(self, destination: "Destination") -> str:
        if destination.content != "cleaned":
            return super()._line(destination)
        rows = self.planned.rows_out
        return f"{destination.name} (cleaned, {rows:,} row{'s' * (rows != 1)})"

    def _facts(self) -> Any:
        from labelaudit.reports.export_text import ExportFacts

        planned = self.planned
        names = ("rows_in", "rows_out", "relabelled", "dropped", "flagged", "reviewed", "settled")
        tables = planned.cleaning.labelled.tables
        return ExportFacts(
            tuple(dict.fromkeys(table.name for table in tables)),
            planned.policy.name,
            {name: getattr(planned, name) for name in names},
            planned.pairs,
            planned.warnings,
            planned.notes,
        )

    def summary(self) -> str:
        """Return the summary as JSON text."""
        from labelaudit.reports.export_text import export_document
        from labelaudit.reports.summary import to_json

        document = export_document(
            self._facts(), version=__version__, outputs=self.outputs, exit_code=self.exit_code
        )
        return to_json(document)

    def report(self, written: Sequence[str], **look: Any) -> str:
        """Return the report for people."""
        from labelaudit.reports.export_text import export_report

        text = export_report(self._facts(), written=written, dry=self.dry, **look)
        if not self.dry or self.limit is None or self.exit_code != ExitCode.DONE:
            return text
        from labelaudit.export.planned import allowed_share

        return f"{text}The change is within the {allowed_share(self.limit)} that are allowed.\n"
