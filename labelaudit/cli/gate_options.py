"""The options of ``check``."""

# No postponed annotations here: typer reads them.
from dataclasses import dataclass
from typing import Annotated, Literal

from labelaudit.cli.options import Columns, Excel, Force, option, outputs

__all__ = ["GateColumns", "GateOutput", "GateRules"]


@dataclass(frozen=True, slots=True)
class GateRules:
    """What must hold, and what is accepted."""

    require: Annotated[
        list[str] | None,
        option(
            "Rules",
            "--require",
            metavar="RULE",
            text="What must hold, such as 'error_rate.low <= 2%' or 'new_issues == 0'; repeatable.",
        ),
    ] = None
    warn: Annotated[
        list[str] | None,
        option(
            "Rules", "--warn", metavar="RULE", text="What should hold, without failing; repeatable."
        ),
    ] = None
    baseline: Annotated[
        str | None,
        option("Rules", "--baseline", metavar="FILE", text="Accepted issues, as JSON lines."),
    ] = None
    update_baseline: Annotated[
        bool,
        option(
            "Rules",
            "--update-baseline/--no-update-baseline",
            text="Drop from the baseline what is flagged no more.",
        ),
    ] = False
    accept_new: Annotated[
        bool,
        option(
            "Rules",
            "--accept-new/--no-accept-new",
            text="With --update-baseline: add what is flagged now; makes the file if need be.",
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class GateColumns(Columns):
    """Which column is what, of labels or of votes."""

    votes: Annotated[
        bool | None,
        option(
            "Columns",
            "--votes/--no-votes",
            text="The data are votes, to be aggregated; without it, a table with workers and "
            "without probabilities is.",
        ),
    ] = None
    task_column: Annotated[
        str | None,
        option("Columns", "--task-column", metavar="COL", text="Of votes: the column with tasks."),
    ] = None
    worker_column: Annotated[
        list[str] | None,
        option(
            "Columns",
            "--worker-column",
            metavar="COL",
            text="Of votes: the column with workers, or a quoted glob of one column per worker.",
        ),
    ] = None
    abstain: Annotated[
        list[str] | None,
        option(
            "Columns",
            "--abstain",
            metavar="LABEL",
            text="Of votes: a label that is no vote; repeatable.",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class GateOutput:
    """What is written, and where."""

    output: Annotated[
        list[str] | None,
        outputs(
            "Write the verdict (.xml or junit:, .sarif, gitlab:, .md), the issues or another "
            "table of find-issues (.parquet .arrow .csv .jsonl), the summary (.json), the report "
            "(.txt), the audit as a page (.html) or saved (run:DIR). Repeatable; - is standard "
            "output."
        ),
    ] = None
    ci: Annotated[
        Literal["auto", "github", "gitlab", "none"],
        option(
            "Output",
            "--ci",
            metavar="NAME",
            text="Speak to the CI service: auto, github, gitlab or none; auto reads GITHUB_ACTIONS "
            "and GITLAB_CI.",
        ),
    ] = "auto"
    force: Force = False
    excel: Excel = False
