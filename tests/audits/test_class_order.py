"""The better order of the classes can be pasted, whatever the classes are called."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

from labelaudit.api import audit
from labelaudit.audits.settings import AuditSettings
from labelaudit.cli.values import parse_classes
from labelaudit.errors import ClassOrderError
from labelaudit.tables.memory import memory_labels
from labelaudit.tables.options import ReadOptions
from labelaudit.wording import safe


def turned(names: list[str]) -> ClassOrderError:
    """Return what is said of probabilities whose columns stand in the order of ``names[::-1]``."""
    order = np.arange(len(names))
    labels = np.tile(order, 30)
    probs = np.full((len(labels), len(names)), 0.1 / (len(names) - 1))
    probs[np.arange(len(labels)), order[::-1][labels]] = 0.9
    source = memory_labels(np.array(names)[labels], probs, ReadOptions(classes=tuple(names)))
    with pytest.raises(ClassOrderError) as noticed:
        audit(source, AuditSettings())
    return noticed.value


@pytest.mark.parametrize(
    "names",
    [
        ["cat", "dog", "fox"],
        ["a,b", 'say "x"', "it's", " ", "@x", "$HOME", "", "-1"],
        ["é", "日本", "NA"],
        [f"class {k}" for k in range(30)],
    ],
)
def test_the_order_can_be_pasted(names: list[str]) -> None:
    error = turned(names)
    words = shlex.split(error.remedy.removesuffix("."))
    at = words.index("--classes")
    assert at == len(words) - 2
    assert parse_classes(words[at + 1]) == tuple(names[::-1])


@pytest.mark.parametrize(
    "names",
    [
        ["cat\x1b[31m", "dog", "fox"],
        ["a\nb", "c", "d"],
        ["\u202ecat", "dog"],
        [f"{'long ' * 20}{k}" for k in range(10)],
        [f"class {k}" for k in range(200)],
    ],
)
def test_what_cannot_be_pasted_goes_to_a_file(names: list[str]) -> None:
    error = turned(names)
    assert error.remedy == (
        "If it is not the order the model was trained with, write its classes to a file, one on "
        "each line, and pass --classes @FILE."
    )
    assert error.found.endswith("with another order.")
    assert safe(error.found, 1000) == error.found
