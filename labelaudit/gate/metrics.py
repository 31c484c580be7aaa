"""Everything that a rule can name: what kind of number it is, and which rows it can be asked of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["LABELS", "METRICS", "VOTES", "Kind", "Spec"]

LABELS = "labels"
VOTES = "votes"


class Kind(Enum):
    """What a number counts: only like kinds are compared and added."""

    COUNT = "count"
    RATIO = "ratio"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Spec:
    """A metric.

    Attributes
    ----------
    kind : Kind
    meaning : str
        One line.
    selectors : tuple of str
        What may stand in brackets.
    needed : tuple of str
        What must.
    data : tuple of str
        ``LABELS``, ``VOTES`` or both: the kinds of data that have it.
    """

    kind: Kind
    meaning: str
    selectors: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    data: tuple[str, ...] = (LABELS,)


_ISSUES = ("class", "given", "suggested", "severity", "group")

METRICS = {
    "rows": Spec(
        Kind.COUNT, "rows of the input", ("class", "given", "group"), data=(LABELS, VOTES)
    ),
    "invalid_rows": Spec(
        Kind.COUNT, "rows left out because they cannot be used", data=(LABELS, VOTES)
    ),
    "issues": Spec(Kind.COUNT, "flagged labels", _ISSUES),
    "new_issues": Spec(Kind.COUNT, "flagged labels that the baseline does not have", _ISSUES),
    "resolved_issues": Spec(
        Kind.COUNT, "issues of the baseline that are flagged no more", ("class", "given")
    ),
    "error_rate": Spec(Kind.RATIO, "the same as error_rate.point"),
    "error_rate.low": Spec(Kind.RATIO, "the fewest wrong labels, less the 95 % margin"),
    "error_rate.point": Spec(Kind.RATIO, "wrong labels if the model is sharp"),
    "error_rate.high": Spec(Kind.RATIO, "the same with the 95 % margin added"),
    "class_error_rate": Spec(
        Kind.RATIO, "estimated wrong among the rows given a class", ("class",), ("class",)
    ),
    "class_error_rate.max": Spec(Kind.RATIO, "the same, of the worst class"),
    "min_class_rows": Spec(Kind.COUNT, "rows of the smallest class"),
    "mean_quality": Spec(Kind.RATIO, "mean label quality", ("class",)),
    "tasks": Spec(Kind.COUNT, "tasks with a vote", data=(VOTES,)),
    "votes": Spec(Kind.COUNT, "votes that count", data=(VOTES,)),
    "ties": Spec(Kind.COUNT, "tasks without a majority", data=(VOTES,)),
    "agreement.mean": Spec(
        Kind.RATIO, "votes that agree with the consensus of their task", data=(VOTES,)
    ),
    "agreement.alpha": Spec(Kind.NUMBER, "Krippendorff's alpha", data=(VOTES,)),
    "worker_accuracy.min": Spec(
        Kind.RATIO, "estimated accuracy of the worst worker", data=(VOTES,)
    ),
}
"""Every metric by its name; ``baseline.<name>`` is its value when the baseline was written."""
