"""``labelaudit report``: reports from a saved run, nothing computed again."""

# No postponed annotations here: the options are read from them.
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labelaudit.cli import delivery
from labelaudit.cli.config import origin
from labelaudit.cli.delivery import Delivery
from labelaudit.cli.manifest import RunRecord
from labelaudit.cli.options import Excel, Force, Talk, outputs
from labelaudit.cli.publishing import report_text, summary_text
from labelaudit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from labelaudit.tables.outputs import Destination
    from labelaudit.tables.runs import SavedRun

__all__ = ["Again", "Run", "RunDelivery", "report"]

_CROWD_TABLES = ("consensus", "workers", "confusion", "soft", "top-two")

Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="Folder that find-issues or aggregate wrote with -o run:FOLDER.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class Again:
    """What is written, and where."""

    output: Annotated[
        list[str] | None,
        outputs(
            "Write the page (.html), the dataset card (.md), the summary (.json), the report "
            "(.txt), Croissant metadata (croissant: before a path), or any table of the run. "
            "Repeatable; without it the report is printed."
        ),
    ] = None
    force: Force = False
    excel: Excel = False


def report(*, ctx: typer.Context, run: Run, output: Again, talk: Talk) -> int:
    """Write reports of a saved run, nothing computed again.

    RUN is a folder that find-issues or aggregate wrote with -o run:FOLDER. Every file in it is
    checked before anything is written.
    """
    from labelaudit.tables.outputs import PUBLICATIONS, RUN_FILE
    from labelaudit.tables.runs import load_run

    saved = load_run(run)
    contents = _contents(saved.result)
    files = [str(path) for path in Path(run).iterdir()]
    destinations = delivery.destinations_of(output, talk, contents, files, PUBLICATIONS)
    for each in destinations:
        _refuse_absent(saved.result, each.content)
    if origin(ctx, "excel") == "--excel" and all(each.format != "csv" for each in destinations):
        raise UsageError("--excel guards CSV, and no output is CSV.", "Add -o issues.csv.")
    record = RunRecord(ctx, {f"{run}/{RUN_FILE}": f"{run}/{RUN_FILE}"})
    RunDelivery(saved, destinations, talk).all(excel=output.excel, record=record)
    return ExitCode.DONE


def _contents(result: Any) -> tuple[str, ...]:
    from labelaudit.crowd_findings import CrowdConsensus
    from labelaudit.tables.outputs import SIDE_TABLES, TAG_TABLES
    from labelaudit.tag_findings import TagIssues

    if isinstance(result, CrowdConsensus):
        return _CROWD_TABLES
    return ("issues", *(TAG_TABLES if isinstance(result, TagIssues) else SIDE_TABLES))


def _refuse_absent(result: Any, content: str) -> None:
    if content in _contents(result) and _table(result, content) is None:
        raise UsageError(
            f"The run has no table {content}.", "Run the audit again with it among the outputs."
        )
    if content == "run":
        raise UsageError("The run is saved already.", "Copy its folder.")


def _table(result: Any, content: str) -> "pa.Table":
    return getattr(result, "table" if content == "issues" else content.replace("-", "_"))


class RunDelivery(Delivery):
    """Outputs of a saved run.

    Parameters
    ----------
    saved : SavedRun
    destinations : sequence of Destination
    talk : Talk
    """

    def __init__(
        self, saved: "SavedRun", destinations: "Sequence[Destination]", talk: Talk
    ) -> None:
        super().__init__(destinations, talk)
        self.result = saved.result
        self.saved = saved

    @property
    def context(self) -> "Any":
        """What was said beside the result when it was saved."""
        return self.saved.context

    def table(self, content: str) -> "pa.Table":
        """Return the table of that name."""
        return _table(self.result, content)

    def summary(self) -> str:
        """Return the summary as JSON text, as the audit would have written it."""
        return summary_text(self.result, self.context)

    def report(self, written: "Sequence[str]", **look: Any) -> str:
        """Return the report for people, as the audit wrote it: with what was written then."""
        return report_text(self.result, self.context, self.context.written or written, **look)

    def tell(self) -> None:
        """Print the report, or what was written of it."""
        if not self.destinations:
            super().tell()
        elif not self.talk.quiet:
            stream = delivery.report_stream(self.destinations, self.talk)
            delivery.say("".join(f"Wrote {line}\n" for line in self._written()), stream)
