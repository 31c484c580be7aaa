"""The channel with the probabilities taken at face value: the fewest errors they can mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel.sample import centred_logs, chunked, floor_of, row_hashes
from labelaudit.audits.channel.soft_counts import CONCENTRATION, Prior, Weighed, fitted
from labelaudit.kernels.face import face_scores
from labelaudit.running import Executor, each

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.channel.model import Channel
    from labelaudit.audits.channel.sample import Chunk
    from labelaudit.audits.facts import Sample
    from labelaudit.blocks import LabelBlock

__all__ = ["FaceValue", "fit_face_value"]

MOST_SQUARE = 1024


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

    def scores(self, block: LabelBlock) -> npt.NDArray[np.float64]:
        """(n,) float64 logarithm of the posterior probability that each label is right."""
        probs = block.members[0]
        if len(block.members) > 1:
            logs = [centred_logs(member, self.floor) for member in block.members]
            probs = np.exp(np.mean(logs, axis=0))
        return face_scores(probs, block.labels, self.floor, self.channel.other, self.channel.own)


def fit_face_value(
    sample: Sample,
    seed: int,
    counts: npt.NDArray[np.int64],
    on: Executor | None = None,
) -> FaceValue:
    """Fit the channel on softmax(z), by expectation-maximisation.

    Parameters
    ----------
    sample : Sample
    seed : int
    counts : (K,) int64
        Rows of each given class in the whole table.
    """
    total = int(counts.sum())
    floor = floor_of(sample.labels, sample.members)
    hashes = row_hashes(sample.rows, seed)
    chunks = chunked(sample.labels, sample.members, hashes, floor, crossed=False)
    rows = list(each(_as_they_are, chunks, on))
    prior = Prior(counts / total, CONCENTRATION * len(sample.labels) / total)
    start = prior.start(square=len(counts) <= MOST_SQUARE)
    return FaceValue(floor, fitted(rows, start, prior, on))


def _as_they_are(chunk: Chunk) -> Weighed:
    probs = np.exp(chunk.z - chunk.z.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    return Weighed(chunk.labels, probs)
