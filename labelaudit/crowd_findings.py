"""What comes out of an aggregation: frozen results, which reports only read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from labelaudit.findings import Tabular

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from labelaudit.findings import Estimate

__all__ = [
    "CrowdConsensus",
    "GoldAccuracy",
    "MajorityVerdict",
    "VoteAgreement",
    "VoteCounts",
    "VoteUnderstanding",
    "VoteWork",
]


@dataclass(frozen=True, slots=True)
class VoteUnderstanding:
    """How a table of votes was understood.

    Attributes
    ----------
    files : tuple of str
        Inputs as the user named them (globs and folders expanded), sorted.
    format : str
        ``parquet``, ``arrow``, ``csv``, ``jsonl`` or ``memory``.
    layout : str
        ``long``, a row per vote; or ``wide``, a column per worker.
    task_column : str or None
        None: each row of a wide table is a task.
    worker_columns : tuple of str
        The column with the workers; in a wide table, the column of each.
    label_column : str or None
        None in a wide table.
    label_type : str
        Type of the labels, in Arrow's words.
    gold : str or None
        Column or file with the known labels.
    classes : tuple of str
        Names in order; empty before the votes are read.
    class_order : str
        Where the order came from, in words.
    origins : mapping of str to str
        For each role, how it was decided.
    rows : int
        With ``where``, those that meet it.
    where : str or None
        Condition that rows had to meet.
    rows_left_out : int
        Rows that do not.
    """

    files: tuple[str, ...]
    format: str
    layout: str
    task_column: str | None
    worker_columns: tuple[str, ...]
    label_column: str | None
    label_type: str
    gold: str | None
    classes: tuple[str, ...]
    class_order: str
    origins: Mapping[str, str]
    rows: int
    where: str | None = None
    rows_left_out: int = 0


@dataclass(frozen=True, slots=True)
class VoteCounts:
    """What became of the rows.

    Attributes
    ----------
    rows : int
        Rows of the input.
    votes : int
        Votes that count.
    abstained : int
        Labels that the user said are no votes.
    null_labels : int
        Rows of a long table without a label.
    nameless : int
        Votes without a task or a worker; left out.
    repeated : int
        Votes by the same worker on the same task as an earlier one.
    conflicting : int
        Pairs of worker and task whose repeated votes differ.
    dropped : int
        Votes that do not count because they were repeated.
    gold : int
        Tasks whose label is known.
    """

    rows: int
    votes: int
    abstained: int
    null_labels: int
    nameless: int
    repeated: int
    conflicting: int
    dropped: int
    gold: int


@dataclass(frozen=True, slots=True)
class VoteAgreement:
    """How far workers agree beyond chance.

    Attributes
    ----------
    level : str
        ``nominal``, ``ordinal`` or ``interval``.
    alpha : Estimate
        Krippendorff's alpha with its 95 % interval: 1 perfect, 0 chance; NaN without pairs.
    fleiss_kappa : float or None
        None unless all tasks have the same number of votes.
    pairwise : float
        Share of pairs of votes on one task that are equal.
    pairable_tasks : int
        Tasks with two votes or more.
    """

    level: str
    alpha: Estimate
    fleiss_kappa: float | None
    pairwise: float
    pairable_tasks: int


@dataclass(frozen=True, slots=True)
class MajorityVerdict:
    """Would majority vote have done? By a model of the workers.

    Attributes
    ----------
    sentence : str
        The answer in one sentence.
    tied : int
        Tasks without a majority.
    same : Estimate
        Share of the other tasks on which majority gives the model's best label.
    pattern_share : float
        Share of tasks whose workers make majority provably the best rule, whatever they vote.
    expected_gain : float
        What the model expects to gain in accuracy over majority.
    """

    sentence: str
    tied: int
    same: Estimate
    pattern_share: float
    expected_gain: float


@dataclass(frozen=True, slots=True)
class GoldAccuracy:
    """How many of the known labels are found without knowing any of them.

    Attributes
    ----------
    tasks : int
        Tasks with a known label and votes.
    method, majority : Estimate
        Share of them that the chosen method finds, and that majority vote finds.
    """

    tasks: int
    method: Estimate
    majority: Estimate


@dataclass(frozen=True, slots=True)
class VoteWork:
    """How often the votes were gone through.

    Attributes
    ----------
    readings : int
        How often the table of votes was read.
    passes : int
        How often the votes, grouped by task, were gone through.
    temporary_bytes : int
        What stood in temporary files at the most; 0 where everything fitted in memory.
    """

    readings: int = 1
    passes: int = 0
    temporary_bytes: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class CrowdConsensus(Tabular):
    """The result of ``aggregate``: what the command line prints, and what the API returns.

    Attributes
    ----------
    understanding : VoteUnderstanding
    method : str
    settings : mapping of str to object
        What was asked for.
    counts : VoteCounts
    consensus : pyarrow.Table
        One row per task: ``task``, ``label``, ``confidence``, ``runner_up``,
        ``runner_up_confidence``, ``confusion_probability`` (with top-two), ``n_votes``,
        ``agreement``, ``entropy``, ``tie``, ``majority_label``.
    workers : pyarrow.Table
        One row per worker: ``worker``, ``n_votes``, ``accuracy``, ``accuracy_low``,
        ``accuracy_high``, ``agreement``, ``spammer_score``, ``worst_pair``.
    pairs : pyarrow.Table
        Most confused pairs of classes, most first: ``true``, ``given``, ``expected`` (votes),
        ``share`` (of the votes on tasks of the true class).
    next_votes : pyarrow.Table
        The tasks most worth one more vote, at most 100: ``task``, ``label``, ``confidence``,
        ``error_reduction``.
    confusion : pyarrow.Table or None
        ``worker``, ``true``, ``given``, ``probability``; None unless asked for.
    soft : pyarrow.Table or None
        ``task``, ``label``, ``probs``; None unless asked for.
    top_two : pyarrow.Table or None
        ``task``, ``first``, ``second``, ``pair_confidence``, ``confusion_probability``,
        ``tied_second``; None unless asked for.
    agreement : VoteAgreement
    certificate : MajorityVerdict
    gold_accuracy : GoldAccuracy or None
        None without known labels.
    soft_differs : int or None
        Tasks whose most probable label by ``soft`` is not the consensus label; None without
        soft labels.
    converged : bool
        False where an iterative method, or a member of ``auto``, ran out of steps; a warning or
        a note says so.
    warnings, notes : tuple of str
    timings : mapping of str to float
        Seconds by stage; not part of any table.
    work : VoteWork
    """

    MAIN: ClassVar[str] = "consensus"

    understanding: VoteUnderstanding
    method: str
    settings: Mapping[str, object]
    counts: VoteCounts
    consensus: pa.Table
    workers: pa.Table
    pairs: pa.Table
    next_votes: pa.Table
    confusion: pa.Table | None
    soft: pa.Table | None
    top_two: pa.Table | None
    agreement: VoteAgreement
    certificate: MajorityVerdict
    gold_accuracy: GoldAccuracy | None = None
    soft_differs: int | None = None
    converged: bool = True
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    work: VoteWork = field(default_factory=VoteWork)

    def __repr__(self) -> str:
        batches = self.consensus.select(["label"]).to_batches()
        named = len(self) - sum(batch.column(0).null_count for batch in batches)
        return (
            f"CrowdConsensus({self.counts.votes:,} votes by {self.workers.num_rows:,} workers "
            f"give {named:,} labels for {len(self):,} tasks by {self.method})"
        )
