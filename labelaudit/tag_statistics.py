"""What comes out of the statistics of tags: missing positives and relations between labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "RELATION_KINDS",
    "Candidates",
    "LabelRelations",
    "MissingPositives",
    "PropensitySource",
    "most_probable",
]

RELATION_KINDS = ("duplicate", "synonym", "subsumption", "exclusion")
"""``LabelRelations.kind`` is a place in this tuple."""


@dataclass(frozen=True, slots=True)
class PropensitySource:
    """From what it is known how often a true tag is given.

    Attributes
    ----------
    kind : str
        ``groups``: from groups of rows (sources, annotators) that differ in it.
        ``known``: a value for each class, from rows checked by hand, say.
        ``prior``: from the share of rows that are truly of each class.
        ``elkan_noto``: from the mean probability of the rows given the tag.
    values : (K,) float64 or None
        For ``known`` and ``prior``, each above 0 and at most 1, NaN where there is none.
    anchor : float or None
        For ``groups``: the propensity of the group where it is largest, if that is known.
    """

    kind: Literal["groups", "known", "prior", "elkan_noto"]
    values: npt.NDArray[np.float64] | None = None
    anchor: float | None = None

    @classmethod
    def groups(cls, anchor: float | None = None) -> PropensitySource:
        """Estimate a propensity for each group."""
        return cls("groups", anchor=anchor)

    @classmethod
    def known(cls, values: npt.NDArray[np.float64]) -> PropensitySource:
        """Take the share of true tags that are given, for each class."""
        return cls("known", values)

    @classmethod
    def prior(cls, values: npt.NDArray[np.float64]) -> PropensitySource:
        """Take the share of rows that are truly of each class."""
        return cls("prior", values)

    @classmethod
    def elkan_noto(cls) -> PropensitySource:
        """Estimate one propensity for each class from the rows given the tag."""
        return cls("elkan_noto")


@dataclass(frozen=True, slots=True)
class MissingPositives:
    """How many tags were not given although they apply, by class and group.

    P(truly positive) = f = expit(intercept + slope * logit(min(p / ceiling, 1))); a true tag is
    given with the propensity e of its class and group; one that is not given is a missing
    positive with probability f (1 - e) / (1 - f e). Intervals hold 95 %.

    Attributes
    ----------
    source : PropensitySource
    assumption : str
        What the numbers rest on, in words to show as they are.
    notes : tuple of str
    intercept, slope, ceiling : (K,) float64
        NaN for a class that is not estimable.
    propensity, propensity_low, propensity_high : (K, G) float64
        NaN where the class is not estimable or the group has no rows.
    annotated, given, unknown : (K, G) int64
        Rows annotated for the class, those given the tag, and those without a probability.
    missing, missing_low, missing_high : (K, G) float64
        Expected number of missing positives among the rows with a probability, and the interval
        of their actual number; NaN where the class is not estimable.
    class_missing, class_missing_low, class_missing_high : (K,) float64
        The same over all groups.
    total, total_low, total_high : float
        The same over all estimable classes.
    identified : (K,) bool
        Whether the propensity rests on more than the shape of the probabilities.
    reason : tuple of str
        For each class why it is not estimable; empty for one that is.
    """

    source: PropensitySource
    assumption: str
    notes: tuple[str, ...]
    intercept: npt.NDArray[np.float64]
    slope: npt.NDArray[np.float64]
    ceiling: npt.NDArray[np.float64]
    propensity: npt.NDArray[np.float64]
    propensity_low: npt.NDArray[np.float64]
    propensity_high: npt.NDArray[np.float64]
    annotated: npt.NDArray[np.int64]
    given: npt.NDArray[np.int64]
    unknown: npt.NDArray[np.int64]
    missing: npt.NDArray[np.float64]
    missing_low: npt.NDArray[np.float64]
    missing_high: npt.NDArray[np.float64]
    class_missing: npt.NDArray[np.float64]
    class_missing_low: npt.NDArray[np.float64]
    class_missing_high: npt.NDArray[np.float64]
    total: float
    total_low: float
    total_high: float
    identified: npt.NDArray[np.bool_]
    reason: tuple[str, ...]

    @property
    def estimable(self) -> npt.NDArray[np.bool_]:
        """(K,) bool."""
        return np.isfinite(self.intercept)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Tags that are not given, by how probably they are missing, as arrays of one length m.

    Attributes
    ----------
    row : (m,) int64
        0-based row in the whole input.
    tag : (m,) int32
        Class code.
    group : (m,) int32
        Code of the row's group; 0 without groups.
    prob : (m,) float64
        What the model says of the tag.
    missing : (m,) float64
        Probability that it is a missing positive, never rising; ties by row, then by class.
    most : int
        No more than so many are kept.
    """

    row: npt.NDArray[np.int64]
    tag: npt.NDArray[np.int32]
    group: npt.NDArray[np.int32]
    prob: npt.NDArray[np.float64]
    missing: npt.NDArray[np.float64]
    most: int

    def __len__(self) -> int:
        return len(self.row)

    def __add__(self, later: Candidates) -> Candidates:
        """Join with those of later rows, and keep the most probable."""
        names = ("row", "tag", "group", "prob", "missing")
        parts = {
            name: np.concatenate([getattr(self, name), getattr(later, name)]) for name in names
        }
        order = most_probable(parts["missing"], self.most)
        return Candidates(**{name: part[order] for name, part in parts.items()}, most=self.most)


def most_probable(missing: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.intp]:
    """Return where the ``most`` highest are, falling; ties as they stand."""
    some = np.arange(len(missing))
    if 0 < most < len(missing):
        # Sorting all of a block's cells takes many times as long as looking for the last one kept.
        last = np.partition(missing, len(missing) - most)[len(missing) - most]
        some = np.flatnonzero(missing >= last)
    order = np.argsort(-missing[some], kind="stable")[:most]
    return some[order]


@dataclass(frozen=True, slots=True)
class LabelRelations:
    """Relations that two labels seem to have, with their evidence; suggestions, no more.

    Sorted by kind, then by the strength of the evidence. Counts are of rows that are annotated
    for both labels.

    Attributes
    ----------
    kind : (R,) int8
        Place in ``RELATION_KINDS``: the two mean the same and are given together; they mean the
        same and are never given together; rows of the first are of the second too; no row is of
        both.
    first, second : (R,) int32
        Classes.
    rows, n_first, n_second, n_both : (R,) int64
        Rows annotated for both, given the first, given the second, given both.
    statistic : (R,) float64
        Jaccard index of a duplicate, cosine of the profiles of synonyms, lower end of the
        interval of P(second | first) of a subsumption, n_both over its expectation of an
        exclusion.
    expected : (R,) float64
        Rows expected to be given both if the labels were independent.
    q : (R,) float64
        Benjamini-Hochberg's q of "no fewer together than by chance"; NaN for kinds without a test.
    left_out : int
        Rows left out of the counts because they were annotated for some classes only.
    dropped : int
        Relations beyond those listed, the weakest.
    notes : tuple of str
    """

    kind: npt.NDArray[np.int8]
    first: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    rows: npt.NDArray[np.int64]
    n_first: npt.NDArray[np.int64]
    n_second: npt.NDArray[np.int64]
    n_both: npt.NDArray[np.int64]
    statistic: npt.NDArray[np.float64]
    expected: npt.NDArray[np.float64]
    q: npt.NDArray[np.float64]
    left_out: int
    dropped: int
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.kind)
