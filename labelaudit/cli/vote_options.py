"""The options of commands that read votes, one dataclass for each group."""

# No postponed annotations here: typer reads them.
from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from labelaudit.cli.completers import choices
from labelaudit.cli.options import Cluster, Excel, Force, Threads, Where, option, outputs
from labelaudit.cli.values import parse_memory

__all__ = ["VoteColumns", "VoteData", "VoteMethod", "VoteOutput", "VoteRun"]

_METHODS = (
    *("auto", "majority", "unanimous", "super-majority", "dawid-skene", "one-coin"),
    *("hierarchical-dawid-skene", "ebcc", "glad", "mace", "wawa", "zbs", "kos", "mmsr", "top-two"),
)
_SOFT = (
    *("average", "share", "softmax", "dawid-skene", "glad", "mace", "wawa", "zbs", "auto"),
    *("top-two", "one-coin", "hierarchical-dawid-skene", "ebcc"),
)

VoteData = Annotated[
    list[str],
    typer.Argument(
        metavar="VOTES",
        help="Files, folders or quoted globs: Parquet, Arrow, CSV or JSONL; - is standard input.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class VoteColumns:
    """Which column is what."""

    task_column: Annotated[
        str | None,
        option("Columns", "--task-column", "-t", metavar="COL", text="Column that names tasks."),
    ] = None
    worker_column: Annotated[
        list[str] | None,
        option(
            "Columns",
            "--worker-column",
            "-w",
            metavar="COL",
            text="Column that names workers; or, where each worker has a column, a quoted glob "
            "('rater_*') or each of them.",
        ),
    ] = None
    label_column: Annotated[
        str | None,
        option("Columns", "--label-column", "-l", metavar="COL", text="Column of the votes."),
    ] = None
    classes: Annotated[
        str | None,
        option(
            "Columns",
            "--classes",
            metavar="A,B,C|@FILE",
            text="All classes in their order; quote a name with a comma as in CSV.  "
            "[default: the sorted labels]",
        ),
    ] = None
    gold: Annotated[
        str | None,
        option(
            "Columns",
            "--gold",
            metavar="COL|FILE",
            text="Known labels of some tasks: a column, or a file with task and label.",
        ),
    ] = None
    abstain: Annotated[
        list[str] | None,
        option(
            "Columns",
            "--abstain",
            metavar="LABEL",
            text="A label that is no vote, such as -1 or unsure; repeatable. Nulls are none.",
        ),
    ] = None
    duplicates: Annotated[
        Literal["last", "first", "all", "error"],
        option(
            "Columns",
            "--duplicates",
            metavar="WHICH",
            text="Which of several votes of a worker on a task count: last, first or all; error: "
            "refuse them.",
        ),
    ] = "last"
    where: Where = None


@dataclass(frozen=True, slots=True)
class VoteMethod:
    """How votes become labels."""

    method: Annotated[
        str,
        option(
            "Method",
            "--method",
            "-m",
            metavar="NAME",
            autocompletion=choices(*_METHODS),
            text=f"How votes become labels: {', '.join(_METHODS)}.",
        ),
    ] = "auto"
    ordered: Annotated[
        Literal["nominal", "ordinal", "interval"],
        option(
            "Method",
            "--ordered",
            metavar="LEVEL",
            text="What agreement (alpha) takes the classes for: nominal, ordinal (in their order) "
            "or interval (numbers).",
        ),
    ] = "nominal"
    soft: Annotated[
        str,
        option(
            "Method",
            "--soft",
            metavar="NAME",
            autocompletion=choices(*_SOFT),
            text=f"How the soft labels (-o soft:PATH) are made: {', '.join(_SOFT)}.",
        ),
    ] = "average"
    seed: Annotated[
        int,
        option("Run", "--seed", metavar="N", text="Seed of whatever is drawn at random.", min=0),
    ] = 0


@dataclass(frozen=True, slots=True)
class VoteOutput:
    """What is written, and where."""

    output: Annotated[
        list[str] | None,
        outputs(
            "Write the consensus (.parquet .arrow .csv .jsonl), the page (.html), the summary "
            "(.json), the report (.txt), the dataset card (.md), Croissant metadata (croissant: "
            "before a path), a side table (workers: confusion: soft: top-two: before a path), or "
            "all of it for later reports (run:FOLDER). Repeatable; - is standard output, as CSV "
            "unless a format stands before it."
        ),
    ] = None
    force: Force = False
    excel: Excel = False


@dataclass(frozen=True, slots=True)
class VoteRun:
    """How the machine is used."""

    threads: Threads = None
    memory: Annotated[
        int | None,
        option(
            "Run",
            "--memory",
            metavar="SIZE",
            parser=parse_memory,
            text="Memory to aim at, such as 4GiB: votes that are expected not to fit go to "
            "temporary files.  [default: all that the votes need]",
        ),
    ] = None
    cluster: Cluster = None
