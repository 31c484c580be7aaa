"""The options that commands share, one dataclass for each group."""

# No postponed annotations here: typer reads them.
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from labelaudit.audits.settings import METHODS, SCORES
from labelaudit.cli.completers import choices, classes, columns, formats, several_columns
from labelaudit.cli.config import load_defaults
from labelaudit.cli.values import parse_list, parse_memory

__all__ = [
    "Classes",
    "Cluster",
    "ClusterRun",
    "Columns",
    "Data",
    "Excel",
    "Force",
    "Key",
    "Labels",
    "Method",
    "Output",
    "Probs",
    "Run",
    "Talk",
    "Task",
    "Threads",
    "Where",
    "option",
    "outputs",
]


_COMPLETERS = {
    "COL": columns,
    "COL|FILE": columns,
    "COLS": several_columns,
    "A,B,C|@FILE": classes,
    "[FORMAT:]PATH": formats,
}


def option(group: str, *names: str, text: str, metavar: str | None = None, **more: Any) -> Any:
    """Return an option that stands in the help under the heading of its group."""
    if "/" in names[0] or more.get("count"):
        more["show_default"] = False
    more.setdefault("autocompletion", _COMPLETERS.get(metavar or ""))
    return typer.Option(*names, help=text, metavar=metavar, rich_help_panel=group, **more)


def outputs(text: str) -> Any:
    """Return the option that says what is written, and where."""
    return option("Output", "--output", "-o", metavar="[FORMAT:]PATH", text=text)


def _columns(*names: str, **more: Any) -> Any:
    return option("Columns", *names, **more)


def _method(*names: str, **more: Any) -> Any:
    return option("Method", *names, **more)


def _output(*names: str, **more: Any) -> Any:
    return option("Output", *names, **more)


def _run(*names: str, **more: Any) -> Any:
    return option("Run", *names, **more)


def _talk(*names: str, **more: Any) -> Any:
    return option("Talk", *names, **more)


Data = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA",
        help="Files, folders or quoted globs: Parquet, Arrow, CSV or JSONL; - is standard input.",
        show_default=False,
    ),
]


Task = Annotated[
    Literal["auto", "multiclass", "multilabel"],
    _method(
        "--task",
        metavar="TASK",
        text="auto, multiclass or multilabel; auto goes by the label column.",
    ),
]


Force = Annotated[bool, _output("--force/--no-force", text="Overwrite existing outputs.")]


Excel = Annotated[
    bool,
    _output(
        "--excel/--no-excel",
        text="In CSV, put an apostrophe before text that a spreadsheet would run.",
    ),
]


Cluster = Annotated[
    str | None,
    _run(
        "--cluster",
        metavar="dask|ADDRESS",
        text="Work on a cluster: dask for workers on this machine, or the address of a scheduler, "
        "such as tcp://10.0.0.1:8786.",
    ),
]


Threads = Annotated[
    int | None,
    _run("--threads", metavar="N", text="Threads.  [default: all cores]", min=1),
]


Labels = Annotated[
    str | None,
    _columns(
        "--labels",
        "-l",
        metavar="COL",
        text="Column of given labels. With several labels a row: a list column, or a quoted "
        "glob of columns of 0 and 1 ('y_*').",
    ),
]


Probs = Annotated[
    list[str] | None,
    _columns(
        "--probs",
        "-p",
        metavar="COL",
        text="Column of predicted probabilities, or a quoted glob of one column per class "
        "('p_*'). Repeat it for several models: they are audited as one ensemble.",
    ),
]


Key = Annotated[
    str | None,
    _columns("--key", "-k", metavar="COL", text="Column that names each row: unique, no nulls."),
]


Classes = Annotated[
    str | None,
    _columns(
        "--classes",
        metavar="A,B,C|@FILE",
        text="Classes in the order of the probabilities; quote a name with a comma as in CSV.",
    ),
]


Where = Annotated[
    str | None,
    _columns(
        "--where",
        metavar="CONDITION",
        text="Read only rows that meet it, such as \"split = 'train' and year >= 2020\": "
        "=, !=, <, <=, >, >=, in (...), is null, and, or, not.",
    ),
]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column is what."""

    labels: Labels = None
    probs: Probs = None
    key: Key = None
    classes: Classes = None
    keep: Annotated[
        list[str] | None,
        _columns(
            "--keep",
            metavar="COLS",
            text="Columns to carry into the issues table; comma-separated, globs, repeatable.",
        ),
    ] = None
    group: Annotated[
        str | None,
        _columns(
            "--group", metavar="COL", text="Count rows and issues for each value of a column."
        ),
    ] = None

    where: Where = None

    @property
    def kept(self) -> tuple[str, ...]:
        """The columns named by ``--keep``."""
        return tuple(name for text in self.keep or () for name in parse_list(text, "--keep"))


@dataclass(frozen=True, slots=True)
class Method:
    """What is a label error."""

    task: Task = "auto"
    method: Annotated[
        str | None,
        _method(
            "--method",
            metavar="NAME",
            autocompletion=choices(*METHODS),
            text=f"What flags a row: {', '.join(METHODS)}.  [default: rcp]",
        ),
    ] = None
    score: Annotated[
        str | None,
        _method(
            "--score",
            metavar="NAME",
            autocompletion=choices(*SCORES),
            text=f"What ranks rows: {', '.join(SCORES)}.  [default: rcp with the method rcp, "
            "else self_confidence]",
        ),
    ] = None
    row_score: Annotated[
        str | None,
        _method(
            "--row-score",
            metavar="NAME",
            autocompletion=choices("softmin", "ema"),
            text="How the scores of a row's labels become one, in multi-label data: softmin or "
            "ema.  [default: softmin; ema with --compat]",
        ),
    ] = None
    adjust: Annotated[
        bool,
        _method(
            "--adjust/--no-adjust",
            text="Subtract each class's confident threshold before scoring.",
        ),
    ] = False
    collision: Annotated[
        Literal["paper", "cleanlab"] | None,
        _method(
            "--collision",
            metavar="RULE",
            text="Which class counts when several pass their thresholds: the most probable of "
            "them (paper) or of all (cleanlab).  [default: paper]",
        ),
    ] = None
    compat: Annotated[
        Literal["cleanlab"] | None,
        _method(
            "--compat",
            metavar="NAME",
            text="cleanlab: flag exactly what cleanlab flags; the default method is then "
            "prune_by_noise_rate.",
        ),
    ] = None
    min_examples_per_class: Annotated[
        int,
        _method(
            "--min-examples-per-class",
            metavar="N",
            text="Rows of each given class that no pruning filter may flag.",
        ),
    ] = 1
    frac_noise: Annotated[
        float,
        _method(
            "--frac-noise",
            metavar="SHARE",
            text="Share of the estimated errors that pruning filters flag.",
        ),
    ] = 1.0
    skip_invalid: Annotated[
        bool,
        _method(
            "--skip-invalid/--no-skip-invalid",
            text="Leave out rows that cannot be used, and report them, rather than refuse.",
        ),
    ] = False
    seed: Annotated[
        int, _run("--seed", metavar="N", text="Seed of the sample in large tables.", min=0)
    ] = 0


@dataclass(frozen=True, slots=True)
class Output:
    """What is written, and where."""

    output: Annotated[
        list[str] | None,
        outputs(
            "Write the issues (.parquet .arrow .csv .jsonl), the page (.html), the summary "
            "(.json), the report (.txt), what was done (manifest.json), the dataset card (.md), "
            "Croissant metadata (croissant: before a path), a side table (classes: joint: pairs: "
            "groups: before a path; of multi-label data classes: rows: groups: missing: "
            "candidates: relations: violations:), tasks for annotation tools (label-studio: or "
            "argilla: before it), or all of it for later reports (run:FOLDER). Repeatable; - is "
            "standard output, as CSV unless a format stands before it."
        ),
    ] = None
    all: Annotated[
        bool, _output("--all/--no-all", text="Rank every row, not only the flagged ones.")
    ] = False
    top: Annotated[
        int | None, _output("--top", metavar="N", text="Keep only the N worst rows.", min=1)
    ] = None
    show: Annotated[
        list[str] | None,
        _output(
            "--show",
            metavar="COL",
            text="Column to show beside the rows of the page: text, addresses, or pictures (bytes, "
            "or paths beside the data). Repeatable.",
        ),
    ] = None
    force: Force = False
    excel: Excel = False


@dataclass(frozen=True, slots=True)
class Run:
    """How the machine is used."""

    threads: Threads = None
    memory: Annotated[
        int | None,
        _run(
            "--memory",
            metavar="SIZE",
            parser=parse_memory,
            text="Memory to aim at, such as 4GiB; data that does not fit is read again.",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class ClusterRun(Run):
    """How the machine, or several, are used."""

    cluster: Cluster = None


@dataclass(frozen=True, slots=True)
class Talk:
    """What is said."""

    quiet: Annotated[bool, _talk("--quiet", "-q", text="No report, no progress.")] = False
    verbose: Annotated[
        int, _talk("--verbose", "-v", count=True, text="More detail; twice: tracebacks too.")
    ] = 0
    json: Annotated[bool, _talk("--json", text="The summary on standard output.")] = False
    color: Annotated[
        Literal["auto", "always", "never"],
        _talk("--color", metavar="WHEN", text="auto, always or never; NO_COLOR wins."),
    ] = "auto"
    config: Annotated[
        str | None,
        _talk(
            "--config",
            metavar="FILE",
            is_eager=True,
            callback=load_defaults,
            text="Settings file.  [default: labelaudit.toml or pyproject.toml, here or above]",
        ),
    ] = None
