"""What each class's probabilities say of its labels: docs/methods/multi-label.md."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel import error_interval
from labelaudit.findings import ErrorRate, Estimate
from labelaudit.kernels.tags import fit_tags
from labelaudit.running import each
from labelaudit.summaries.tags import BINS, bin_logits

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.running import Executor
    from labelaudit.summaries.tags import TagTally

__all__ = ["TagModel", "fit_model"]

STEPS = 40
BELIEVED = (0.05, 20.0, 0.01, 200.0, 100.0)
LEAST_BELIEVED = (0.01, 20.0, 0.002, 200.0, 0.0)
"""For the low end: next to no errors, unless the labels show some."""

NO_ERRORS = (1e-9, 1e15, 1e-9, 1e15, 10.0)
STANDARD_DEVIATIONS = 3.0
CLASSES_A_TASK = 256
SLACK = 0.2
"""More than the logits within a bin, and those within another, can differ from their middles."""

MOST_LOGIT = 9.2
"""In fitting, probabilities below 1e-4 count as that, and those above 1 - 1e-4."""


@dataclass(frozen=True, slots=True)
class TagModel:
    """The fitted curves and channels of all classes.

    Attributes
    ----------
    lines : (K, 2, 2) float64
        Slope and offset of the logit of the quality of absent and of present, by the logit of the
        probability; the mean of the channel's posterior and of the probability itself.
    face : (K, 2, 2) float64
        The same of the channel's posterior with the probabilities as they stand.
    informative : (K,) bool
        Classes whose probabilities tell rows with them from rows without them.
    errors : (K,) int64
        How many cells of each class are flagged.
    doubts, face_doubts : (K, 2, 2) float64
        Sums of the probability that a label is wrong, and of its square, by given; the second with
        the probabilities calibrated as if all labels were right.
    """

    lines: npt.NDArray[np.float64]
    face: npt.NDArray[np.float64]
    informative: npt.NDArray[np.bool_]
    errors: npt.NDArray[np.int64]
    doubts: npt.NDArray[np.float64]
    face_doubts: npt.NDArray[np.float64]

    def cuts(self, tally: TagTally) -> npt.NDArray[np.int64]:
        """(K, 2) int64 bins that hold the cells that are to be flagged, and some more."""
        logits, counts = bin_logits(), tally.counts[:, :, :-1]
        cuts = np.tile(np.array([BINS, -1]), (len(counts), 1))
        for k in np.flatnonzero(self.errors):
            quality = self.lines[k, :, :1] * logits + self.lines[k, :, 1:]
            order = np.argsort(quality, axis=None, kind="stable")
            enough = np.searchsorted(np.cumsum(counts[k].ravel()[order]), self.errors[k])
            most = quality.ravel()[order[min(enough, len(order) - 1)]]
            inside = quality <= most + SLACK * self.lines[k, 1, 0]
            cuts[k, 0] = BINS - np.count_nonzero(inside[0])
            cuts[k, 1] = np.count_nonzero(inside[1]) - 1
        return cuts

    def error_rate(self, tally: TagTally, judged: npt.NDArray[np.bool_]) -> ErrorRate:
        """Estimate the share of wrong labels among all cells of the judged classes."""
        cells = int(tally.known[judged].sum())
        most = _estimate(self.doubts[judged].sum(axis=(0, 1)), cells)
        face = _estimate(self.face_doubts[judged].sum(axis=(0, 1)), cells)
        return ErrorRate(
            Estimate(
                min(face.value, most.value), min(face.low, most.low), min(face.high, most.high)
            ),
            most,
        )

    def rates(self, tally: TagTally, judged: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """(K, 2, 3) float64 share of wrong labels by class and given: middle, low and high end."""
        known = tally.known.tolist()
        rates = np.full((len(known), 2, 3), np.nan)
        for k in np.flatnonzero(judged & self.informative).tolist():
            for y in range(2):
                least, most = (
                    _estimate(doubts[k, y], known[k][y])
                    for doubts in (self.face_doubts, self.doubts)
                )
                # Doubt spread thinly tells next to nothing of its own upper end.
                rates[k, y, 0] = (least.value + most.value) / 2.0
                rates[k, y, 1] = min(least.low, most.low)
                rates[k, y, 2] = max(least.value, most.high)
        return rates


def _estimate(doubts: npt.NDArray[np.float64], cells: int) -> Estimate:
    doubt, squares = float(doubts[0]), float(doubts[1])
    low, high = error_interval(doubt, doubt, squares, cells)
    return Estimate(doubt / max(cells, 1), low, high)


def fit_model(
    tally: TagTally, judged: npt.NDArray[np.bool_], on: Executor | None = None
) -> TagModel:
    """Fit every class, on the counts of its cells by bin.

    Parameters
    ----------
    tally : TagTally
    judged : (K,) bool
        Classes that there is something to be said of; the others have no errors.
    """
    counts = np.ascontiguousarray(tally.counts[:, :, :-1])
    logits = np.clip(bin_logits(), -MOST_LOGIT, MOST_LOGIT)
    channel, straight, calibrated = _fitted(counts, logits, on)
    posterior, face = _lines(channel), _lines(straight)
    itself = np.array([[-1.0, 0.0], [1.0, 0.0]])
    lines = (posterior + itself) / 2.0
    informative = judged & _informative(counts, logits)
    at_face_value = _doubts(counts, logits, _lines(calibrated))
    doubts, as_it_stands = _doubts(counts, logits, lines), _doubts(counts, logits, face)
    # Half-way between both beliefs in the model: as sharp as can be, and as it stands.
    between = (doubts + as_it_stands)[:, :, 0].sum(axis=1) / 2.0
    errors = np.rint(between).astype(np.int64)
    errors[~informative] = 0
    return TagModel(lines, face, informative, errors, doubts, at_face_value)


def _fitted(
    counts: npt.NDArray[np.int64], logits: npt.NDArray[np.float64], on: Executor | None
) -> npt.NDArray[np.float64]:
    """(3, K, 4) a, b, m, x: with a curve that moves, with that of the model, with a calibrated one.

    See ``kernels.tags.fit_tags``.
    """
    fit = partial(_fit_part, logits=logits)
    parts: Sequence[npt.NDArray[np.int64]] = [
        counts[start : start + CLASSES_A_TASK] for start in range(0, len(counts), CLASSES_A_TASK)
    ]
    return np.concatenate(list(each(fit, parts, on)), axis=1)


def _fit_part(
    counts: npt.NDArray[np.int64], logits: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    moving, fixed = np.array([*BELIEVED, 1.0]), np.array([*BELIEVED, 0.0])
    channel = fit_tags(counts, logits, moving, STEPS)
    straight = fit_tags(counts, logits, fixed, STEPS)
    calibrated = fit_tags(counts, logits, np.array([*NO_ERRORS, 1.0]), STEPS)
    least = np.array([*LEAST_BELIEVED, 0.0])
    for k, (a, b, _, _) in enumerate(calibrated.tolist()):
        calibrated[k, 2:] = fit_tags(counts[k : k + 1], a * logits + b, least, STEPS)[0, 2:]
    return np.stack([channel, straight, calibrated])


def _lines(fitted: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the logit of the channel's posterior of what is given as a line in the logit."""
    a, b, missing, extra = fitted.T
    absent = np.stack([-a, -b + np.log((1.0 - extra) / missing)], axis=1)
    present = np.stack([a, b + np.log((1.0 - missing) / extra)], axis=1)
    return np.stack([absent, present], axis=1)


def _doubts(
    counts: npt.NDArray[np.int64],
    logits: npt.NDArray[np.float64],
    lines: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """(K, 2, 2) float64 sums of the probability that a label is wrong, and of its square."""
    sums = np.empty((*counts.shape[:2], 2))
    for k, cells in enumerate(counts):
        wrong = 1.0 / (1.0 + np.exp(lines[k, :, :1] * logits + lines[k, :, 1:]))
        sums[k, :, 0] = (cells * wrong).sum(axis=1)
        sums[k, :, 1] = (cells * wrong * wrong).sum(axis=1)
    return sums


def _informative(
    counts: npt.NDArray[np.int64], logits: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Say which classes' given labels have a higher logit than chance would give them."""
    both = counts.sum(axis=1)
    whole = np.maximum(both.sum(axis=1), 1)
    positives = np.maximum(counts[:, 1].sum(axis=1), 1)
    mean = (both * logits).sum(axis=1) / whole
    spread = np.sqrt((both * (logits - mean[:, None]) ** 2).sum(axis=1) / whole)
    share = np.maximum(1.0 - positives / whole, 0.0)
    noise = spread * np.sqrt(share / positives)
    of_given = (counts[:, 1] * logits).sum(axis=1) / positives
    found: npt.NDArray[np.bool_] = of_given - mean > STANDARD_DEVIATIONS * noise
    return found
