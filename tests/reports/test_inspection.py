"""What ``inspect`` says, by literal text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labelaudit.reports.inspection import inspection_report
from labelaudit.reports.layout import Style
from tests.reports import builders

WHOLE = """\
Data      pets.parquet (Parquet, 1,000 rows)
Labels    label (string), inferred
Probs     pred_probs (list of float32), --probs
Classes   3: cat, dog, fox; order: sorted labels
Key       id, inferred

Classes
  #  class  rows   share
  0  cat     500  50.0 %
  1  dog     300  30.0 %
  2  fox     200  20.0 %

Problem: 2 rows have NaN among their probabilities; the first are 7 and 9.
  Compute the probabilities again, or leave the rows out with --skip-invalid.

Warning: No row is labelled fox.

1 problem found.
"""


def test_whole_inspection() -> None:
    found = builders.inspection(problems=(builders.PROBLEM,), warnings=("No row is labelled fox.",))
    assert inspection_report(found) == WHOLE


def test_classes_are_counted_in_usable_rows() -> None:
    found = builders.inspection(class_counts=np.array([500, 300, 190]))
    assert "\n\nClasses, of 990 rows that can be used\n  #  class" in inspection_report(found)


def test_no_row_can_be_used() -> None:
    found = builders.inspection(class_counts=np.zeros(3, np.int64), problems=(builders.PROBLEM,))
    shown = inspection_report(found)
    assert "\n\nClasses\n  not counted: no row can be used\n\nProblem:" in shown


def test_nothing_wrong() -> None:
    found = inspection_report(builders.inspection())
    assert found.endswith("\n\nThe data can be audited; nothing is wrong with it.\n")


def test_only_warnings() -> None:
    found = inspection_report(builders.inspection(warnings=("a", "b")))
    assert found.endswith("\n\nThe data can be audited; 2 warnings.\n")


def test_columns_not_told_apart() -> None:
    found = builders.inspection(understanding=None, problems=(builders.PROBLEM,))
    assert inspection_report(found).startswith("The columns could not be told apart.\n\nProblem:")


def test_many_classes_on_demand() -> None:
    names = tuple(f"c{i}" for i in range(30))
    understanding = replace(builders.UNDERSTANDING, classes=names)
    found = builders.inspection(understanding=understanding, class_counts=np.full(30, 2))
    assert "  ... 10 more; -v shows all\n" in inspection_report(found)
    assert "  29  c29" not in inspection_report(found)
    assert "  29  c29" in inspection_report(found, verbose=True)


def test_problems_are_red() -> None:
    found = inspection_report(
        builders.inspection(problems=(builders.PROBLEM,)), style=Style(color=True)
    )
    assert "\x1b[31mProblem: 2 rows have NaN" in found
