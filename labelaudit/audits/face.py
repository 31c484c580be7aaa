"""The channel with the probabilities taken at face value: the fewest errors they can mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel.rate import Sides, even_channel, fitted_rate
from labelaudit.audits.channel.sample import (
    centred_logs,
    chunk_rows,
    floor_of,
    floored,
    sample_size,
    side_by_side,
)
from labelaudit.audits.channel.soft_counts import (
    CONCENTRATION,
    START,
    Prior,
    Weighed,
    fitted,
)
from labelaudit.kernels.margins import face_scores
from labelaudit.running import Executor, each

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from labelaudit.audits.channel.model import Channel
    from labelaudit.audits.facts import RowFacts, Sample

__all__ = ["FaceValue", "face_sample_bound", "fit_face_value"]

MOST_ROWS = 50_000
NUMBERS = 1_000_000
ROWS_A_CLASS = 20
ROOM = 1 << 17


@dataclass(frozen=True, slots=True)
class FaceValue:
    """A channel fitted on the probabilities as they are.

    Attributes
    ----------
    floor : float
        Smaller probabilities count as this.
    channel : Channel
    """

    floor: float
    channel: Channel

    def scores(self, facts: RowFacts) -> npt.NDArray[np.float64]:
        """Score rows by what the first reading kept of them.

        What is left to the classes that are neither given nor among the leading ones is taken as
        spread evenly over them: so no row has to be read again.

        Parameters
        ----------
        facts : RowFacts

        Returns
        -------
        (n,) float64
            Posterior probability that each label is wrong, negative; 0 where left out.
        """
        least = np.array([self.floor], facts.leading.dtype)
        known = facts.labels, facts.given_prob, facts.classes, facts.leading
        scores = np.empty(len(facts))
        other, own = self.channel.other, self.channel.own
        face_scores(*known, self.floor, least, other, self._others, own, scores)
        return scores

    @property
    def _others(self) -> npt.NDArray[np.float64]:
        """(K,) float64: the sum of ``other`` over the classes that are not the given one."""
        other = self.channel.other
        n_classes = other.shape[1]
        if len(other) == n_classes > 1:
            return np.asarray(other.sum(axis=1), np.float64)
        return np.asarray(other[0].sum() - other[0], np.float64)


def face_sample_bound(total_rows: int, n_classes: int, n_members: int) -> np.uint64:
    """Return the highest hash of a row that is kept for this fit, which needs fewer than rcp."""
    most = max(NUMBERS // (n_classes * n_members), MOST_ROWS // ROWS_A_CLASS)
    size = min(most, MOST_ROWS, sample_size(n_classes, n_members))
    return np.uint64(min(2**64 * size // max(total_rows, size), 2**64 - 1))


def fit_face_value(
    sample: Sample,
    counts: npt.NDArray[np.int64],
    on: Executor | None = None,
) -> FaceValue:
    """Fit the channel on softmax(z), by expectation-maximisation.

    Parameters
    ----------
    sample : Sample
    counts : (K,) int64
        Rows of each given class in the whole table.
    on : Executor, optional
    """
    total = int(counts.sum())
    floor = floor_of(sample.labels, sample.members)
    length = chunk_rows(len(counts))
    parts = [sample.part(at, at + length) for at in range(0, len(sample.labels), length)]
    frequencies = counts / total
    if len(sample.labels) < ROWS_A_CLASS * len(counts):
        # With few rows of a class the channel of a class is its prior: one rate says as much.
        even = even_channel(frequencies)
        sides = Sides.joined(list(each(partial(_sides, floor, even), parts, on)))
        return FaceValue(floor, fitted_rate(sides, START, frequencies))
    rows = list(each(partial(_as_they_are, floor), parts, on))
    prior = Prior(frequencies, CONCENTRATION * len(sample.labels) / total)
    return FaceValue(floor, fitted(rows, prior.start(square=True), prior, None))


def _sides(floor: float, even: Channel, sample: Sample) -> Sides:
    parts = [
        Sides.of(even, _as_one([member[rows] for member in sample.members], floor), labels)
        for rows, labels in _tiles(sample)
    ]
    return Sides.joined(parts)


def _as_they_are(floor: float, sample: Sample) -> Weighed:
    """Take softmax(z) of the rows, with ascending labels."""
    sample = sample.by_label()
    probs: npt.NDArray[np.float64] = np.empty((len(sample.labels), sample.members[0].shape[1]))
    for rows, _ in _tiles(sample):
        some = _as_one([member[rows] for member in sample.members], floor)
        np.divide(some, some.sum(axis=1, keepdims=True), out=probs[rows])
    return Weighed(sample.labels, probs)


def _tiles(sample: Sample) -> Iterator[tuple[slice, npt.NDArray[np.int32]]]:
    """Go over the rows, so few at a time that they stay in the cache; also over none."""
    step = max(ROOM // sample.members[0].shape[1], 1)
    for start in range(0, max(len(sample.labels), 1), step):
        rows = slice(start, start + step)
        yield rows, sample.labels[rows]


def _as_one(members: Sequence[npt.NDArray[np.floating]], floor: float) -> npt.NDArray[np.float64]:
    """Return exp(z) but for a factor of each row."""
    if len(members) == 1:  # the exponential undoes the logarithm
        return floored(members[0], floor)
    z, _ = side_by_side([centred_logs(member, floor) for member in members])
    powers: npt.NDArray[np.float64] = np.exp(z - z.max(axis=0), dtype=np.float64)
    return powers.T
