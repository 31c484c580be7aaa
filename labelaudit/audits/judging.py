"""The last pass: every row is judged, counted, and handed over if it is to be ranked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labelaudit.audits.distribution import QualityCounts
from labelaudit.audits.ranking import Ranking
from labelaudit.audits.squeezing import Squeezed, joined_chunks
from labelaudit.findings import FILTERS
from labelaudit.summaries.exact import ExactSum
from labelaudit.summaries.pair_counts import PairCounts
from labelaudit.summaries.self_confidence import SelfConfidence

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.flagging import Rules
    from labelaudit.audits.ground import Stretch
    from labelaudit.audits.settings import AuditSettings
    from labelaudit.findings import IssueChunk

__all__ = ["Judge", "Judged", "Tally"]


@dataclass(frozen=True, slots=True)
class Tally:
    """What is counted of judged rows.

    Attributes
    ----------
    by_rule : (len(FILTERS),) int64
        Rows flagged by each filter.
    class_issues, class_suggested : (K,) int64
        Flagged rows with this given label; with this suggested label.
    alternatives : PairCounts
        Flagged rows by given label and suggestion, or best other class where there is none.
    quality : SelfConfidence
        Label quality by given class.
    quality_counts : QualityCounts
    """

    by_rule: npt.NDArray[np.int64]
    class_issues: npt.NDArray[np.int64]
    class_suggested: npt.NDArray[np.int64]
    alternatives: PairCounts
    quality: SelfConfidence
    quality_counts: QualityCounts

    @classmethod
    def none(cls, n_classes: int) -> Tally:
        """Return the counts of no rows."""
        nothing = np.zeros(n_classes, np.int64)
        return cls(
            np.zeros(len(FILTERS), np.int64),
            nothing,
            nothing,
            PairCounts.none(n_classes),
            SelfConfidence.none(n_classes),
            QualityCounts.none(n_classes),
        )

    @classmethod
    def of(cls, ranking: Ranking, n_classes: int) -> Tally:
        """Count the rows of a piece."""
        evidence, flagged = ranking.evidence, np.flatnonzero(ranking.is_issue)
        given, quality, labels = evidence.labels[flagged], ranking.scores.quality, ranking.labels
        suggested, _ = ranking.suggestions(flagged)
        # What a row would be if its label is wrong: the suggestion, or the best other class.
        alternative = np.where(suggested >= 0, suggested, evidence.best_class[flagged])
        masks = ranking.by_rule
        return cls(
            np.array([np.count_nonzero(masks[name]) if name in masks else 0 for name in FILTERS]),
            np.bincount(given, minlength=n_classes),
            np.bincount(suggested[suggested >= 0], minlength=n_classes),
            PairCounts.of(given, alternative, n_classes),
            SelfConfidence.of(labels, quality, n_classes),
            QualityCounts.of(quality, labels, ranking.flagged(), ranking.doubts, n_classes),
        )

    def __add__(self, more: Tally) -> Tally:
        return Tally(*(getattr(self, name) + getattr(more, name) for name in Tally.__slots__))

    @property
    def n_issues(self) -> int:
        """Rows flagged by the method."""
        return int(self.class_issues.sum())

    @property
    def mean_quality(self) -> float:
        """Mean label quality of all rows."""
        total = self.quality.total
        whole = ExactSum(total.high.sum(keepdims=True), total.low.sum(keepdims=True))
        return float(whole.value()[0]) / int(self.quality.count.sum())

    @property
    def class_quality(self) -> npt.NDArray[np.float64]:
        """(K,) float64: mean label quality of each given class; NaN without rows."""
        mean, count = np.full(len(self.quality.count), np.nan), self.quality.count
        np.divide(self.quality.total.value(), count, out=mean, where=count > 0)
        return mean

    def flagged_by_rule(self, *, with_channel: bool) -> dict[str, int]:
        """Return how many rows each filter flags."""
        counted = zip(FILTERS, self.by_rule.tolist(), strict=True)
        return {name: n for name, n in counted if with_channel or name != "rcp"}


@dataclass(frozen=True, slots=True)
class Judged:
    """What judging some rows brings."""

    tally: Tally
    chunks: tuple[IssueChunk, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel in few bytes."""
        squeezed = Squeezed.of(joined_chunks(self.chunks)) if self.chunks else None
        return _judged, (self.tally, squeezed)


def _judged(tally: Tally, squeezed: Squeezed | None) -> Judged:
    return Judged(tally, (squeezed.whole(),) if squeezed else ())


@dataclass(frozen=True, slots=True)
class Judge:
    """The step that judges rows.

    Attributes
    ----------
    rules : Rules
    method, score : str
    every_row : bool
        Hand over every row that is not left out, not only flagged ones.
    n_classes : int
    """

    rules: Rules
    method: str
    score: str
    every_row: bool
    n_classes: int

    @classmethod
    def of(cls, rules: Rules, settings: AuditSettings, n_classes: int) -> Judge:
        """Judge as the settings say."""
        return cls(rules, settings.method, settings.ranking, settings.every_row, n_classes)

    def __call__(self, stretch: Stretch) -> Judged:
        """Judge the rows of some pieces."""
        tally, chunks = Tally.none(self.n_classes), []
        for piece in stretch.pieces:
            ranking = Ranking.of(
                piece, self.rules, self.method, self.score, every_row=self.every_row
            )
            tally = tally + Tally.of(ranking, self.n_classes)
            chunks.append(ranking.chunk(self.every_row))
        return Judged(tally, tuple(chunks))
