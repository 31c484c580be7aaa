"""Is the data fit for an audit at all? Problems stop it, warnings do not."""

from __future__ import annotations

import math
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.joint import diagonal
from labelaudit.blocks import NULL_LABEL, NULL_PROBS, RAGGED_PROBS, UNKNOWN_LABEL
from labelaudit.distributions import Reliability
from labelaudit.errors import ClassOrderError, InvalidDataError, NothingToAuditError
from labelaudit.findings import Problem
from labelaudit.kernels.rows import STATUSES
from labelaudit.wording import IN_SAMPLE_WORDS, comma_list, percent, safe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from labelaudit.audits.facts import Sample
    from labelaudit.audits.reading import RowComplaints
    from labelaudit.findings import JointCells

__all__ = [
    "calibration",
    "demand_class_order",
    "demand_no_problems",
    "demand_two_labels",
    "other_order",
    "row_problems",
    "warnings_about",
]

FIRST_ROWS = 5
ORDER_GAIN = 0.20
ORDER_CLASSES = 2000
LONGEST_ORDER = 500
IN_SAMPLE = 0.999
FEW_ROWS = 5
BINS = 15
CALIBRATION_ROWS = 20_000
TILE_NUMBERS = 1 << 16

_LABEL_PROBLEMS = {
    NULL_LABEL: (
        "null_label",
        "have no label",
        "Drop them or label them, or pass --skip-invalid.",
    ),
    UNKNOWN_LABEL: (
        "label_not_in_classes",
        "have a label that is none of the classes",
        "Name every class with --classes, in the order of the probabilities, or mend the labels.",
    ),
    NULL_PROBS: (
        "null_probabilities",
        "have no probabilities, or a null among them",
        "Predict them again, or pass --skip-invalid.",
    ),
    RAGGED_PROBS: (
        "ragged_probabilities",
        "have more or fewer probabilities than there are classes",
        "Give every row one probability for each class, in one order.",
    ),
}

_STATUS_PROBLEMS = {
    "nan": (
        "nan_probability",
        "have a NaN among their probabilities",
        "Predict them again, or pass --skip-invalid.",
    ),
    "infinite": (
        "infinite_probability",
        "have an infinite probability",
        "Predict them again, or pass --skip-invalid.",
    ),
    "percent": (
        "percent",
        "have probabilities that sum to 100: these look like percentages",
        "Divide them by 100.",
    ),
    "log_probabilities": (
        "log_probabilities",
        "have values whose exponentials sum to 1: these look like log-probabilities",
        "Take exp() of them.",
    ),
    "negative": (
        "negative_probability",
        "have a negative probability: these look like logits",
        "Take the softmax of each row.",
    ),
    "above_one": (
        "probability_above_one",
        "have a probability above 1: these look like scores or logits",
        "Take the softmax of each row, or divide each row by its sum if they are counts.",
    ),
    "wrong_sum": (
        "wrong_sum",
        "have probabilities that do not sum to 1: these look like independent sigmoids",
        "Divide each row by its sum if the classes exclude each other.",
    ),
}


def row_problems(
    complaints: RowComplaints,
    n_rows: int,
    numbered: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]],
) -> tuple[Problem, ...]:
    """List what is wrong with rows, one ``Problem`` for each kind, with the first rows.

    Parameters
    ----------
    complaints : RowComplaints
    n_rows : int
        Rows that were read.
    numbered : callable
        Gives rows the numbers they have in the whole input.
    """
    known = [(("label", code), words) for code, words in _LABEL_PROBLEMS.items()]
    known += [
        (("status", status), _STATUS_PROBLEMS[name])
        for status, name in enumerate(STATUSES)
        if name in _STATUS_PROBLEMS
    ]
    found = []
    for key, words in known:
        count, first = complaints.found.get(key, (0, ()))
        if count:
            rows = numbered(np.array(first, np.int64)).tolist()
            found.append(_for_few(_problem(*words, count, tuple(rows)), n_rows))
    return tuple(found)


def _for_few(problem: Problem, n_rows: int) -> Problem:
    """Where few rows are bad, they are not what the whole column looks like."""
    what, looks, place = problem.sentence.partition(": these look")
    if not looks or 2 * problem.count > n_rows:
        return problem
    rows = place[place.index(" (") :]
    remedy = "Predict them again, or pass --skip-invalid."
    return replace(problem, sentence=what + rows, remedy=remedy)


def _problem(kind: str, what: str, remedy: str, count: int, first: tuple[int, ...]) -> Problem:
    verb = what.replace("have ", "has ", 1).replace("their", "its") if count == 1 else what
    noun = "row" if count == 1 else "rows"
    places = ", ".join(f"{row:,}" for row in first) + (", ..." if count > len(first) else "")
    sentence = f"{count:,} {noun} {verb} ({noun} {places})."
    return Problem(kind, sentence, count, first, remedy)


def demand_no_problems(problems: Sequence[Problem]) -> None:
    """Raise if there is any problem.

    Raises
    ------
    InvalidDataError
        Naming all of them at once.
    """
    if problems:
        remedies = dict.fromkeys(problem.remedy for problem in problems)
        raise InvalidDataError([problem.sentence for problem in problems], " ".join(remedies))


def demand_class_order(cells: JointCells, classes: Sequence[str]) -> None:
    """Raise if another order of the probability columns fits the labels far better.

    A permutation of the classes is looked for that agrees with the given labels on 20 points more
    of the rows than the order that was understood (an assignment problem on the counts of given
    label and most probable class), and on more rows than the best of many orders would by chance
    in a small table.

    Raises
    ------
    ClassOrderError
        With the better order.
    """
    n_classes, valid = len(classes), int(cells.count.sum())
    if n_classes > ORDER_CLASSES or not valid:
        return
    agreeing = int(diagonal(cells).sum())
    best = np.zeros(n_classes, np.int64)
    np.maximum.at(best, cells.true, cells.count)
    enough = max(ORDER_GAIN * valid, 2.0 * math.sqrt(valid) + n_classes)
    if best.sum() - agreeing < enough:
        return
    table = np.zeros((n_classes, n_classes), np.int64)
    table[cells.true, cells.given] = cells.count
    from scipy.optimize import linear_sum_assignment

    column, label = linear_sum_assignment(table, maximize=True)
    better = int(table[column, label].sum())
    if better - agreeing >= enough:
        shares = percent(agreeing / valid), percent(better / valid)
        raise other_order(tuple(classes[k] for k in label), *shares)


def other_order(
    order: tuple[str, ...], agreeing: str, better: str, what: str = "the given label"
) -> ClassOrderError:
    """Name the better order so that it can be pasted, if it can be.

    Parameters
    ----------
    order : tuple of str
        Classes in the order that fits better.
    agreeing, better : str
        Shares of the rows that agree.
    what : str
        What the most probable class then is.
    """
    flag = f"--classes {shlex.quote(comma_list(order))}"
    if len(flag) <= LONGEST_ORDER and safe(flag, len(flag)) == flag:
        shown, that, how = f"with the order {comma_list(order)}", "that is the", f"pass {flag}"
    else:
        shown, that = "with another order", "it is not the"
        how = "write its classes to a file, one on each line, and pass --classes @FILE"
    return ClassOrderError(
        f"The probability columns seem to be in another class order: the most probable class is "
        f"{what} in {agreeing} of the rows as they are, and in {better} {shown}.",
        f"If {that} order the model was trained with, {how}.",
    )


def demand_two_labels(counts: npt.NDArray[np.int64], classes: Sequence[str]) -> None:
    """Raise if fewer than two different labels are left.

    Raises
    ------
    NothingToAuditError
        If no row can be used.
    InvalidDataError
        If all labels are one.
    """
    present = np.flatnonzero(counts)
    if len(present) == 0:
        raise NothingToAuditError(
            "No row can be used.", "Mend the rows: labelaudit inspect says what is wrong with them."
        )
    if len(present) == 1:
        name = safe(classes[int(present[0])])
        raise InvalidDataError(
            [f"There is only one label: every row that can be used ({counts.max():,}) is {name}."],
            "Give labels of at least two classes: there is nothing to compare one class with.",
        )


def warnings_about(
    cells: JointCells, counts: npt.NDArray[np.int64], classes: Sequence[str]
) -> tuple[str, ...]:
    """Say what is odd about the data, without stopping."""
    found = []
    agreeing = int(diagonal(cells).sum()) / int(counts.sum())
    if agreeing >= IN_SAMPLE:
        found.append(
            f"The most probable class is the given label in {100 * agreeing:.2f} % of the rows: "
            f"{IN_SAMPLE_WORDS}, and hide errors. Predict out of sample, by cross-validation."
        )
    found += _swapped_pairs(cells, counts, classes)
    never = [classes[k] for k in np.flatnonzero(counts == 0).tolist()]
    if never:
        found.append(f"No row is labelled {_some(never)}: not audited as a given label.")
    few = [classes[k] for k in np.flatnonzero((counts > 0) & (counts < FEW_ROWS)).tolist()]
    if few:
        found.append(
            f"Fewer than {FEW_ROWS} rows are labelled {_some(few)}: their thresholds are guesses."
        )
    return tuple(found)


def _swapped_pairs(
    cells: JointCells, counts: npt.NDArray[np.int64], classes: Sequence[str]
) -> list[str]:
    """Find pairs of classes whose rows are mostly predicted to be of the other one, both ways."""
    most = (2 * cells.count > counts[cells.given]) & (counts[cells.given] >= FEW_ROWS)
    pairs = set(zip(cells.given[most].tolist(), cells.true[most].tolist(), strict=True))
    swapped = sorted((a, b) for a, b in pairs if a < b and (b, a) in pairs)
    return [
        f"Most rows labelled {safe(classes[a], 40)} are predicted to be {safe(classes[b], 40)}, "
        f"and the other way round: if the two are swapped in the class order, mend it with "
        f"--classes."
        for a, b in swapped[:FIRST_ROWS]
    ]


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(safe(name, 40) for name in names[:FIRST_ROWS])
    return shown + (f" and {len(names) - FIRST_ROWS:,} more" if len(names) > FIRST_ROWS else "")


def calibration(sample: Sample, n_classes: int) -> tuple[dict[str, float], Reliability]:
    """Measure how far the probabilities can be believed, against the given labels.

    Wrong labels count against the model here; the figures say whether something is badly off, not
    how good the model is, and some thousand rows say it.

    Returns
    -------
    dict
        ``nll`` (nats, probabilities clipped at 1e-12), ``brier``, ``ece`` (15 bins of equal mass
        by the greatest probability), ``collapse`` (KL divergence in nats of the label frequencies
        from the mean probabilities).
    Reliability
        The bins of ``ece``.
    """
    sample = sample.thinned(max(CALIBRATION_ROWS, 20 * n_classes))
    given, top, hit, squares, mean = _looked_at(sample, n_classes)
    bins = np.array_split(np.argsort(top, kind="stable"), BINS)
    sums = np.array([(hit[part].sum(), top[part].sum(), len(part)) for part in bins if len(part)])
    prior = np.bincount(sample.labels, minlength=n_classes) / len(given)
    seen = prior > 0
    figures = {
        "nll": float(-np.log(np.maximum(given, 1e-12)).mean()),
        "brier": float((1.0 - 2.0 * given + squares).mean()),
        "ece": float(np.abs(sums[:, 0] - sums[:, 1]).sum()) / len(given),
        "collapse": float((prior[seen] * np.log(prior[seen] / mean[seen])).sum()),
    }
    size = sums[:, 2]
    return figures, Reliability(sums[:, 1] / size, sums[:, 0] / size, size.astype(np.int64))


def _looked_at(sample: Sample, n_classes: int) -> tuple[npt.NDArray[np.float64], ...]:
    """Look at some rows at a time, that they stay in the cache.

    Returns
    -------
    (n,) float64
        P(given label), the greatest probability, whether that is of the given label, and the sum
        of squares.
    (K,) float64
        Mean probabilities, at least 1e-12.
    """
    given, top, hit, squares = np.empty((4, len(sample.labels)))
    mean, step = np.zeros(n_classes), max(1, TILE_NUMBERS // n_classes)
    for start in range(0, len(given), step):
        at = slice(start, start + step)
        every = [member[at].astype(np.float64) for member in sample.members]
        probs = every[0] if len(every) == 1 else np.mean(every, axis=0)
        given[at] = probs[np.arange(len(probs)), sample.labels[at]]
        hit[at] = probs.argmax(axis=1) == sample.labels[at]
        top[at] = probs.max(axis=1)
        mean += probs.sum(axis=0)
        probs *= probs
        squares[at] = probs.sum(axis=1)
    return given, top, hit, squares, np.maximum(mean / len(given), 1e-12)
