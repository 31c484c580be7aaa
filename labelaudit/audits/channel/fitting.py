"""Fit the recalibrated channel posterior on a sample: docs/methods/rcp.md."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from labelaudit.audits.channel.discriminant import ClassSums, discriminant, posterior
from labelaudit.audits.channel.gate import Fit, gate, weighed, with_g, with_gram
from labelaudit.audits.channel.model import FOLDS, Channel, ChannelModel
from labelaudit.audits.channel.sample import (
    Chunk,
    chunked,
    floor_of,
    has_discriminant,
    precision_of,
    row_hashes,
    tiles,
)
from labelaudit.audits.channel.soft_counts import (
    CONCENTRATION,
    Prior,
    Weighed,
    concentration,
    counted,
    fitted,
)
from labelaudit.running import each, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.audits.channel.discriminant import Discriminant
    from labelaudit.running import Executor

__all__ = ["fit"]

MOST_SQUARE = 1024


def fit(
    labels: npt.NDArray[np.int32],
    members: Sequence[npt.NDArray[np.floating]],
    row_ids: npt.NDArray[np.int64],
    seed: int,
    class_counts: npt.NDArray[np.int64],
    total_rows: int,
    on: Executor | None = None,
) -> ChannelModel:
    """Fit the recalibrated channel posterior (our own method, docs/methods/rcp.md).

    Parameters
    ----------
    labels : (n,) int32
        Given labels of the sample, at least one of them not left out (-1).
    members : sequence of (n, K) float
        Probabilities of each model.
    row_ids : (n,) int64
        0-based rows of the sample in the whole input, ascending.
    seed : int
    class_counts : (K,) int64
        Rows of each given label in the whole input.
    total_rows : int
        Rows with a label in the whole input.
    on : Executor, optional
        Where chunks are worked on; the result does not depend on it.

    Returns
    -------
    ChannelModel
    """
    used = labels >= 0
    if not used.all():
        labels, row_ids = labels[used], row_ids[used]
        members = [member[used] for member in members]
    n, n_classes = members[0].shape
    few = n < 100 * n_classes
    linear = has_discriminant(n_classes, len(members)) and n >= 10 * n_classes
    floor = floor_of(labels, members)
    chunks = chunked(labels, members, row_hashes(row_ids, seed), floor, linear and few, on)
    share = n / max(total_rows, n)
    prior = Prior(class_counts / max(int(class_counts.sum()), 1), CONCENTRATION * share)
    return _Fitting(chunks, prior, share, len(members), linear, on).model(floor, seed)


@dataclass(frozen=True, slots=True)
class _Fitting:
    """One fit: the sample, the belief and where to work."""

    chunks: Sequence[Chunk]
    prior: Prior
    share: float
    n_members: int
    linear: bool
    on: Executor | None

    @property
    def n_classes(self) -> int:
        return len(self.prior.frequencies)

    def model(self, floor: float, seed: int) -> ChannelModel:
        fits, rows, channel, lines = self.recalibrated()
        choice = gate(fits, channel, self.prior.frequencies, self.linear, self.on)
        a, b, channel = choice.sharpening, choice.recalibration, choice.channel
        sharp = self.weighed(fits, a, b, rows)
        weight = self.concentration(sharp, channel)
        close = Prior(self.prior.frequencies, weight * self.share)
        plain = fitted(sharp, channel, close, self.on)
        twice = self.weighed(fits, 2.0 * a, 2.0 * b, sharp)
        channels = [plain, fitted(twice, channel, self.prior, self.on)]
        weights, offsets = self.lines(lines if b > 0.0 else [], a, b)
        return ChannelModel(
            floor=floor,
            sharpening=a,
            recalibration=b,
            weights=weights,
            offsets=offsets,
            seed=seed,
            others=np.stack([channel.other for channel in channels]),
            owns=np.stack([channel.own for channel in channels]),
            concentration=weight,
            informative=_informative(self.chunks, self.prior.frequencies, self.on),
            sample_rows=sum(len(chunk.labels) for chunk in self.chunks),
            notes=self.notes(),
        )

    def recalibrated(self) -> tuple[list[Fit], list[Weighed], Channel, list[Discriminant]]:
        """Fit channel and discriminant in turn, twice."""
        fits = [Fit(chunk, np.zeros((0, 0))) for chunk in self.chunks]
        rows = self.weighed(fits, 2.0, 0.0)
        start = self.prior.start(square=self.n_classes <= MOST_SQUARE)
        channel = fitted(rows, start, self.prior, self.on)
        if not self.linear:
            return fits, rows, channel, []
        fits = list(each(with_gram, fits, self.on))
        lines: list[Discriminant] = []
        for _ in range(2):
            lines = self.discriminants(fits, rows, channel)
            applied = [line.of(precision_of(self.chunks)) for line in lines]
            fits = list(each(partial(with_g, applied), fits, self.on))
            rows = self.weighed(fits, 0.0, 0.5, rows)
            channel = fitted(rows, channel, self.prior, self.on)
        return fits, rows, channel, lines

    def discriminants(
        self, fits: Sequence[Fit], rows: Sequence[Weighed], channel: Channel
    ) -> list[Discriminant]:
        """Fit one discriminant, or one for each fold from the rows of the others."""
        sums = list(
            each(partial(_class_sums, channel), list(zip(fits, rows, strict=True)), self.on)
        )
        folds = [fit.chunk.fold for fit in fits]
        if max(folds) == 0:
            return [discriminant(reduce(add, sums))]
        others = [
            [part for part, fold in zip(sums, folds, strict=True) if fold != left_out]
            for left_out in range(FOLDS)
        ]
        return [discriminant(reduce(add, parts or sums)) for parts in others]

    def weighed(
        self, fits: Sequence[Fit], a: float, b: float, used: Sequence[Weighed] = ()
    ) -> list[Weighed]:
        """Weigh rows, in the room of what is not used any more."""
        rooms = [part.probs for part in used] or [fit.room() for fit in fits]
        parts = list(zip(fits, rooms, strict=True))
        return list(each(lambda part: weighed(a, b, *part), parts, self.on))

    def concentration(self, rows: Sequence[Weighed], channel: Channel) -> float:
        if self.n_classes > MOST_SQUARE or not self.linear:
            return CONCENTRATION
        return concentration(counted(channel, rows, self.on), self.prior.frequencies)

    def lines(
        self, lines: Sequence[Discriminant], a: float, b: float
    ) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
        """Fold ``a z + b g`` into one affine map for each discriminant."""
        features = self.n_members * self.n_classes
        mean = np.tile(np.eye(self.n_classes), (1, self.n_members)) * (a / self.n_members)
        precision = precision_of(self.chunks)
        weights = np.empty((len(lines), self.n_classes, features), precision)
        offsets = np.empty((len(lines), self.n_classes), precision)
        for i, line in enumerate(lines):
            whole = mean + b * line.weights
            # Logarithms need not be centred if what they are multiplied by is.
            members = whole.reshape(self.n_classes, self.n_members, self.n_classes)
            members -= members.mean(axis=2, keepdims=True)
            weights[i], offsets[i] = whole, b * line.offsets
        return weights, offsets

    def notes(self) -> tuple[str, ...]:
        notes = []
        if not has_discriminant(self.n_classes, self.n_members):
            notes.append(
                "With this many classes the probabilities are sharpened but not recalibrated."
            )
        elif not self.linear:
            notes.append(
                "With fewer than 10 rows a class the probabilities are sharpened but not "
                "recalibrated."
            )
        if self.n_classes > MOST_SQUARE:
            notes.append(
                "With this many classes one error rate stands for all: which classes are taken "
                "for which is not learned."
            )
        if self.share < 1.0:
            rows = sum(len(chunk.labels) for chunk in self.chunks)
            notes.append(f"The channel was fitted on a sample of {rows:,} rows.")
        return tuple(notes)


def _class_sums(channel: Channel, part: tuple[Fit, Weighed]) -> ClassSums:
    fit, rows = part
    weights = posterior(channel, rows.probs, rows.labels)
    return ClassSums.of(fit.chunk, weights, fit.gram)


def _evidence(frequencies: npt.NDArray[np.float64], chunk: Chunk) -> npt.NDArray[np.float64]:
    """Excess of the given labels' log-probabilities over chance, and its variance by chance."""
    excess = variance = 0.0
    for at in tiles(chunk):
        z, labels = chunk.z[:, at], chunk.labels[at]
        weighted = z * frequencies[:, None]
        mean = weighted.sum(axis=0)
        weighted *= z
        variance += float(np.sum(weighted.sum(axis=0) - mean * mean))
        excess += float(np.sum(z[labels, np.arange(len(labels))] - mean))
    return np.array([excess, variance])


def _informative(
    chunks: Sequence[Chunk], frequencies: npt.NDArray[np.float64], on: Executor | None
) -> bool:
    """Test against shuffled labels: the given labels' log-probabilities, three deviations up."""
    excess, variance = total(partial(_evidence, frequencies), chunks, on)
    return bool(excess > 3.0 * np.sqrt(max(float(variance), 0.0)) and excess > 1e-6)
