"""The report of an aggregation, line by line."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from labelaudit.crowd_findings import GoldAccuracy
from labelaudit.findings import Estimate
from labelaudit.reports.crowd_plan import CrowdPlan
from labelaudit.reports.crowd_tasks import changed_tasks
from labelaudit.reports.crowd_text import crowd_report, weak_workers
from labelaudit.reports.crowd_understood import votes_understood
from tests.reports.crowd_builders import consensus, understanding

REPORT = """\
Data      votes.csv (CSV, 20 rows)
Tasks     item, inferred from its name
Workers   rater
Labels    answer (string), --label-column
Classes   3: cat, dog, fox; order: sorted labels

12 votes by 4 workers give 2 labels for 3 tasks.
Left out: 3 abstentions, 2 rows without a label, 1 vote without a task or a
worker, 2 repeated votes.
Method: dawid-skene; mean confidence of the labels 70.0 %.

Agreement: Krippendorff's alpha (nominal; 1 is perfect, 0 is chance) 0.432
(0.400 to 0.500); Fleiss' kappa 0.250; 62.5 % of pairs of votes are equal.

Majority vote would do.
1 tie; 1 label not as the majority has it.

Workers at or near chance
  worker  votes  accuracy              95 %  agrees   score  commonest mistake
  blind       4    50.0 %  20.0 % to 80.0 %  25.0 %  0.0010  fox -> cat
  low         2    30.0 %  10.0 % to 60.0 %       -  0.3000  dog -> cat
  Listed for an accuracy of at most 33.3 %, chance among 3 classes, or a score
  (0: the votes say nothing of the class; 1: all) below 0.02.

Most confused
  truly  given  votes, about  of truly
  dog    cat               4    25.0 %

Most worth another vote
  task  label  confidence  error falls by
  2     dog        50.0 %     12.5 points

Warning: Something \\x1b[31mred.
Note: A note.

Wrote out.csv

Next:
  labelaudit aggregate votes.csv
"""


def test_report() -> None:
    said = crowd_report(
        consensus(), written=["out.csv"], next_command="labelaudit aggregate votes.csv"
    )
    assert said == REPORT


def test_verbose_adds_timings() -> None:
    said = crowd_report(consensus(), verbose=True)
    assert "Details\n  stage      time\n  reading  0.12 s\n" in said


@pytest.mark.parametrize("limit", [60, 80, 120])
def test_lines_fit(limit: int) -> None:
    long = consensus(notes=("word " * 60,))
    wide = replace(
        long,
        understanding=understanding(
            layout="wide",
            label_column=None,
            worker_columns=tuple(f"rater number {i}" for i in range(40)),
            classes=tuple(f"class number {i}" for i in range(40)),
        ),
    )
    for result in (long, wide):
        lines = crowd_report(result, limit=limit).splitlines()
        assert max(len(line) for line in lines if not line.startswith("  ")) <= limit


def test_gold() -> None:
    gold = GoldAccuracy(4, Estimate(1.0, 0.6, 1.0), Estimate(0.75, 0.5, 0.9))
    known = consensus(gold_accuracy=gold)
    said = " ".join(crowd_report(known).split())
    assert (
        "Of 4 known labels, when they are hidden, dawid-skene finds 100.0 % (60.0 % to 100.0 %), "
        "majority vote 75.0 % (50.0 % to 90.0 %); above they count as known."
    ) in said
    said = " ".join(crowd_report(replace(known, method="majority")).split())
    assert "hidden, majority finds 100.0 % (60.0 % to 100.0 %); above" in said


def test_mean_confidence_is_that_of_labels() -> None:
    declined = consensus().consensus.set_column(2, "confidence", [[0.9, 0.5, 0.1]])
    assert "of the labels 70.0 %" in crowd_report(consensus(consensus=declined))


def test_agreement_that_cannot_be_told() -> None:
    nan = float("nan")
    lone = replace(consensus().agreement, alpha=Estimate(nan, nan, nan), fleiss_kappa=None)
    assert "Agreement cannot be told" in crowd_report(consensus(agreement=lone))


def test_weak_workers() -> None:
    assert weak_workers(consensus())["worker"].to_pylist() == ["blind", "low"]
    one_class = consensus(understanding=understanding(classes=("cat",)))
    assert weak_workers(one_class).num_rows == 0


def test_more_weak_workers_than_are_shown() -> None:
    many = pa.concat_tables([consensus().workers] * 4)
    assert "  ... 3 more" in crowd_report(consensus(workers=many))


def test_changed_tasks_leave_out_tasks_without_a_label() -> None:
    assert changed_tasks(consensus()) == 1


def test_wide_tables_name_their_workers() -> None:
    wide = understanding(
        layout="wide", label_column=None, worker_columns=("a", "b\x07"), task_column=None
    )
    assert votes_understood(replace(wide, gold="known.csv", classes=()), 80) == [
        "Data      votes.csv (CSV, 20 rows)",
        "Tasks     the row number, counted from 0 (no task column)",
        "Workers   2 columns, one for each worker: a, b\\x07",
        "Labels    string, in the workers' columns",
        "Gold      known.csv",
    ]


def test_plan() -> None:
    outputs = ({"content": "consensus", "format": "csv", "path": "c.csv"},)
    plan = CrowdPlan(understanding(), "auto", 1_500_000, 250_000_000, outputs)
    said = plan.text(80)
    assert "Reads     1.5 MB, once\nMemory    about 250 MB\n" in said
    assert "Writes    consensus (csv) to c.csv\n" in said
    assert plan.document()["outputs"] == [dict(outputs[0])]
    assert "Writes    nothing\n" in replace(plan, outputs=()).text(80)
