"""What Python callers are told: parameters, not flags."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import labelaudit
from labelaudit.calling import FLAGS, bytes_allowed, in_python
from labelaudit.errors import InvalidDataError, LabelauditError, NothingToAuditError, UsageError

PACKAGE = Path(labelaudit.__file__).parent
VOTES = pd.DataFrame({"task": [1, 1], "worker": ["a", "b"], "label": ["x", "y"]})
FLAG = re.compile(r"--[a-z][a-z-]+")
NOT_FOR_CALLERS = {"calling.py", "cli", "gate"}
OF_THE_COMMAND_LINE = {"--dry-run", "--force", "--show"}
"""Flags in messages that Python callers never see."""


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Say which with --task-column.", "Say which with task=."),
        ("It needs --worker-column 'rater_*'.", "It needs worker='rater_*'."),
        ("--frac-noise 2.0 is no share.", "frac_noise=2.0 is no share."),
        ("or pass --skip-invalid.", "or pass skip_invalid=True."),
        ("pass --classes 'a,b'.", "pass classes=['a', 'b']."),
        ("with --classes 1,2,3,....", "with classes=['1', '2', '3'],...."),
        ("--nothing we know -- at all", "--nothing we know -- at all"),
    ],
)
def test_flags_become_parameters(said: str, meant: str) -> None:
    assert in_python(said) == meant


def test_every_flag_that_is_named_below_the_command_line_has_a_parameter() -> None:
    named: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] in NOT_FOR_CALLERS:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named |= set(FLAG.findall(node.value)) if "\n" not in node.value else set()
    assert named - OF_THE_COMMAND_LINE <= set(FLAGS)
    assert {"--task-column", "--skip-invalid", "--probs"} <= named


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: labelaudit.aggregate(VOTES.rename(columns={"task": "t"})), "with task=; a table"),
        (lambda: labelaudit.aggregate(VOTES, worker="r*"), "worker='r*' matches no column"),
        (lambda: labelaudit.aggregate(VOTES, classes=["x"]), "is missing to classes="),
        (lambda: labelaudit.aggregate(VOTES, soft=True), "no way to make soft labels True"),
        (lambda: labelaudit.aggregate(VOTES, classes="xy"), "classes is 'xy', not a list"),
        (lambda: labelaudit.aggregate(VOTES, label=["x", "y"]), "label is of type list"),
        (lambda: labelaudit.aggregate(VOTES, worker=3), "worker is of type int"),
        (lambda: labelaudit.aggregate(VOTES, extras=None), "extras is of type NoneType"),
        (lambda: labelaudit.aggregate(VOTES, threads="2"), "threads is '2'"),
        (lambda: labelaudit.aggregate(VOTES, threads=0), "threads is 0"),
        (lambda: labelaudit.aggregate(VOTES, seed="x"), "The seed is 'x'"),
        (lambda: labelaudit.find_issues(VOTES), "with probs=: one list column"),
        (lambda: labelaudit.find_issues(VOTES, labels=3), "labels is of type int"),
        (lambda: labelaudit.find_issues(VOTES, classes="xy"), "classes is 'xy', not a list"),
        (
            lambda: labelaudit.find_issues([0, 1], np.eye(2), frac_noise=2.0),
            "frac_noise=2.0 is no share",
        ),
    ],
)
def test_errors_speak_python(call: Any, words: str) -> None:
    with pytest.raises(LabelauditError) as caught:
        call()
    assert words in str(caught.value)
    assert FLAG.search(str(caught.value)) is None


def test_problems_and_arguments_are_reworded_too() -> None:
    error = InvalidDataError(["--keep is odd."], "Mend --keep.")
    error.reword(in_python)
    assert error.problems == ("keep= is odd.",)
    assert error.args == ("keep= is odd.", "Mend keep=.")
    plain = UsageError("--key is odd.", "Mend --key.")
    plain.reword(in_python)
    assert str(plain) == "key= is odd.\nMend key=."


def test_warnings_speak_python() -> None:
    found = labelaudit.aggregate(VOTES, method="majority", abstain=["z", None])
    assert "No label is 'z', which abstain= names." in found.warnings
    probs = np.array([[0.9, 0.1], [0.2, 0.8]] * 20)
    labels = np.array(["a", "b"] * 20)
    warnings = labelaudit.find_issues(labels, probs).warnings
    assert [words for words in warnings if "say so with classes=." in words]


def test_abstentions_of_several_types() -> None:
    found = labelaudit.aggregate(VOTES, method="majority", abstain=["x", -1])
    assert found.counts.abstained == 1


def test_results_are_shown_in_a_line() -> None:
    shown = repr(labelaudit.aggregate(VOTES, method="majority"))
    assert shown == "CrowdConsensus(2 votes by 2 workers give 1 labels for 1 tasks by majority)"


def test_memory_is_a_number_of_bytes_or_a_size() -> None:
    sizes = [None, 2_000_000, np.int64(2_000_000), "2MB", "1 MiB", "4GiB"]
    assert [*map(bytes_allowed, sizes)] == [None, 2_000_000, 2_000_000, 2_000_000, 1 << 20, 4 << 30]
    labels = np.array([0, 1] * 20)
    probs = np.where(labels[:, None] == [0, 1], 0.9, 0.1)
    assert not labelaudit.find_issues(labels, probs, memory="500MB").table.num_rows


@pytest.mark.parametrize("memory", ["much", "1kB", "9" * 400, 0, -1, True, 1.5, [1], "nan"])
def test_memory_that_cannot_be(memory: Any) -> None:
    labels = np.array([0, 1] * 20)
    probs = np.where(labels[:, None] == [0, 1], 0.9, 0.1)
    with pytest.raises(UsageError, match=r"^memory.*[.]\nGive bytes, 1000000 or more, or a size"):
        labelaudit.find_issues(labels, probs, memory=memory)
    table = pd.DataFrame({"label": labels, "p_0": probs[:, 0], "p_1": probs[:, 1]})
    with pytest.raises(UsageError, match=r"^memory"):
        labelaudit.export_labels(table, policy="drop", memory=memory)
    with pytest.raises(UsageError, match=r"^memory"):
        labelaudit.aggregate(VOTES, memory=memory)


def test_names_without_quotes_become_a_list() -> None:
    said = "If that is the order, pass --classes airplane,car,e.t,bird."
    assert (
        in_python(said) == "If that is the order, pass classes=['airplane', 'car', 'e.t', 'bird']."
    )
    assert in_python("say so with --classes, or not") == "say so with classes=, or not"
    assert in_python("pass --classes @FILE.") == "pass classes= @FILE."


@pytest.mark.parametrize(
    ("name", "value"), [("compat", "Cleanlab"), ("skip_invalid", "no"), ("every_row", 1)]
)
def test_what_is_on_or_off_is_nothing_else(name, value) -> None:
    labels, probs = np.array([0, 1] * 20), np.tile([[0.9, 0.1], [0.1, 0.9]], (20, 1))
    with pytest.raises(UsageError, match=f"{name} is {value!r}"):
        labelaudit.find_issues(labels, probs, **{name: value})


@pytest.mark.parametrize("compat", ["cleanlab", True, np.True_])
def test_compat_chooses_what_is_not_chosen(compat) -> None:
    labels, probs = np.array([0, 1] * 20), np.tile([[0.9, 0.1], [0.1, 0.9]], (20, 1))
    found = labelaudit.find_issues(labels, probs, compat=compat).audit
    assert found.method == "prune_by_noise_rate"
    assert (
        labelaudit.find_issues(labels, probs, compat=compat, method="both").audit.method == "both"
    )
    assert labelaudit.find_issues(labels, probs, compat=False).audit.method == "rcp"


def test_no_rows_are_nothing_to_audit() -> None:
    with pytest.raises(NothingToAuditError, match="no rows"):
        labelaudit.find_issues(np.array([], int), np.zeros((0, 3)))
