"""What the user may choose about an audit, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labelaudit.errors import UsageError
from labelaudit.findings import FILTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["METHODS", "ROW_SCORES", "SCORES", "AuditSettings", "one_of"]

METHODS = ("rcp", *(name for name in FILTERS if name != "rcp"))
SCORES = ("rcp", "self_confidence", "normalized_margin", "confidence_weighted_entropy")
ROW_SCORES = ("softmin", "ema")


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """Choices for one audit.

    Attributes
    ----------
    method : str
        Which rows are flagged, one of ``METHODS``.
    score : str or None
        What ranks them, one of ``SCORES``. None: ``rcp`` with the method rcp, else
        ``self_confidence``, as the peer does.
    adjust : bool
        Subtract each class's confident threshold from the probabilities before scoring (not for
        rcp, nor for confidence_weighted_entropy).
    row_score : str or None
        How the scores of a row's classes become one in multi-label data: ``softmin``, or ``ema``, a
        moving average from the best to the worst. None: softmin, as the peer does with ``compat``.
    collision : str
        Which class a row counts for when several are above their thresholds: ``paper``, the most
        probable of them; ``cleanlab``, the most probable of all.
    compat : bool
        Do everything as cleanlab does it, its rounding and its ties included.
    min_examples_per_class : int
        Rows of each given class that no pruning filter may flag.
    frac_noise : float
        Share of the estimated errors that pruning filters flag.
    seed : int
        For the sample the channel is fitted on, in tables too large to be fitted whole.
    skip_invalid : bool
        Leave rows that cannot be used out of the audit, and report them, rather than refuse.
    every_row : bool
        Rank every row, not only flagged ones.
    top : int or None
        Keep only the worst this many.
    missing, candidates, relations : bool
        In multi-label data, estimate how many labels were not given although they apply; rank
        those that may be missing; find labels that mean the same, contain or exclude each other.
    propensity, prior : float, mapping of class to float, or None
        What is known for that: the share of the labels that apply which are given (of the group
        that gives most, where there are groups), or the share of the rows that a class applies to.
    """

    method: str = "rcp"
    score: str | None = None
    adjust: bool = False
    row_score: str | None = None
    collision: str = "paper"
    compat: bool = False
    min_examples_per_class: int = 1
    frac_noise: float = 1.0
    seed: int = 0
    skip_invalid: bool = False
    every_row: bool = False
    top: int | None = None
    missing: bool = False
    candidates: bool = False
    relations: bool = False
    propensity: float | Mapping[str, float] | None = None
    prior: float | Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        one_of("method", self.method, METHODS)
        one_of("collision", self.collision, ("paper", "cleanlab"))
        if self.score is not None:
            one_of("score", self.score, SCORES)
        if self.row_score is not None:
            one_of("row_score", self.row_score, ROW_SCORES)
        if self.propensity is not None and self.prior is not None:
            raise UsageError(
                "--propensity and --prior both say how many labels are missing.",
                "Give one of them.",
            )
        if not 0.0 <= self.frac_noise <= 1.0:
            raise UsageError(f"--frac-noise {self.frac_noise} is no share.", "Give 0 to 1.")
        if self.min_examples_per_class < 0:
            raise UsageError(
                f"--min-examples-per-class {self.min_examples_per_class} is too few.",
                "Give 0 or more.",
            )
        if self.top is not None and self.top < 1:
            raise UsageError(f"--top {self.top} is too few.", "Give 1 or more, or leave it out.")
        if self.adjust and self.ranking in ("rcp", "confidence_weighted_entropy"):
            raise UsageError(
                f"The score {self.ranking} has no adjusted form.",
                "Use --adjust with self_confidence or normalized_margin.",
            )

    @property
    def ranking(self) -> str:
        """The score that ranks rows."""
        if self.score is not None:
            return self.score
        return "rcp" if self.method == "rcp" else "self_confidence"

    @property
    def row_ranking(self) -> str:
        """How the scores of a row's classes become one, in multi-label data."""
        return self.row_score or ("ema" if self.compat else "softmin")


def one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise ``UsageError`` with the nearest allowed value if the value is none of them."""
    if value not in allowed:
        import difflib

        near = difflib.get_close_matches(str(value), allowed, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Choose one of {', '.join(allowed)}."
        raise UsageError(f"There is no {name} {value!r}.", hint)
