"""Linear discriminant of the log-probabilities, fitted on posterior classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.kernels.channel import add_product

if TYPE_CHECKING:
    import numpy.typing as npt

    from labelaudit.audits.channel.model import Channel
    from labelaudit.audits.channel.sample import Chunk

__all__ = ["ClassSums", "Discriminant", "discriminant", "posterior", "solved"]

SHRINKAGE = 0.01


@dataclass(frozen=True, slots=True)
class ClassSums:
    """Weighted sums of features, for each class.

    Attributes
    ----------
    mass : (K,) float64
    sums : (F, K) float64
    gram : (F, F) float64
        Sum of outer products, over all classes.
    rows : int
    """

    mass: npt.NDArray[np.float64]
    sums: npt.NDArray[np.float64]
    gram: npt.NDArray[np.float64]
    rows: int

    def __add__(self, other: ClassSums) -> ClassSums:
        return ClassSums(
            self.mass + other.mass,
            self.sums + other.sums,
            self.gram + other.gram,
            self.rows + other.rows,
        )

    @classmethod
    def of(
        cls, chunk: Chunk, weights: npt.NDArray[np.float64], gram: npt.NDArray[np.float64]
    ) -> ClassSums:
        """Sum a chunk with (n, K) class weights."""
        sums = np.zeros((len(chunk.joined), weights.shape[1]))
        add_product(chunk.joined.astype(np.float64), weights, sums)
        return cls(weights.sum(axis=0), sums, gram, len(weights))


@dataclass(frozen=True, slots=True)
class Discriminant:
    """g = weights @ x + offsets.

    Attributes
    ----------
    weights : (K, F) float
    offsets : (K,) float
    """

    weights: npt.NDArray[np.floating]
    offsets: npt.NDArray[np.floating]

    def of(self, precision: type[np.floating]) -> Discriminant:
        """Return the same, rounded."""
        return Discriminant(self.weights.astype(precision), self.offsets.astype(precision))


def posterior(
    channel: Channel, probs: npt.NDArray[np.floating], labels: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Return the (n, K) posterior over true classes."""
    rows = np.arange(len(labels))
    joint = probs * channel.other[labels % len(channel.other)]
    joint[rows, labels] = probs[rows, labels] * channel.own[labels]
    joint /= joint.sum(axis=1, keepdims=True)
    return joint


def solved(
    matrix: npt.NDArray[np.float64], right: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Solve ``matrix @ x = right`` for a symmetric positive definite matrix.

    Plain elimination, because a library's last bits depend on how many threads it takes.
    """
    size = len(matrix)
    rows = np.concatenate([matrix, right], axis=1)
    for j in range(size):
        below = rows[j + 1 :, j] / rows[j, j]
        rows[j + 1 :, j:] -= below[:, None] * rows[j, j:]
    x = rows[:, size:]
    for j in range(size - 1, -1, -1):
        x[j] /= rows[j, j]
        x[:j] -= rows[:j, j, None] * x[j]
    return x


def discriminant(sums: ClassSums) -> Discriminant:
    """Fit class means, one covariance for all classes and class frequencies.

    A hundredth of the covariance is shrunk towards its mean variance; that variance counts as at
    least a millionth of the total one, for probabilities that are exactly 0 and 1.
    """
    features = len(sums.gram)
    means = np.where(sums.mass > 0.0, sums.sums / np.where(sums.mass > 0.0, sums.mass, 1.0), 0.0)
    weighted = np.ascontiguousarray((means * sums.mass).T)
    between = np.zeros_like(sums.gram)
    add_product(means, weighted, between)
    spread = (sums.gram - between) / sums.rows
    whole = float(np.trace(sums.gram)) / sums.rows / features
    level = max(float(np.trace(spread)) / features, 1e-6 * whole, 1e-12)
    spread *= 1.0 - SHRINKAGE
    spread[np.diag_indices(features)] += SHRINKAGE * level
    weights = solved(spread, means)
    prior = np.log(np.maximum(sums.mass / sums.rows, 1e-6))
    offsets = prior - 0.5 * (means * weights).sum(axis=0)
    # What all classes share tells none apart, but may be far greater than what does.
    weights -= weights.mean(axis=1, keepdims=True)
    return Discriminant(np.ascontiguousarray(weights.T), offsets - offsets.mean())
