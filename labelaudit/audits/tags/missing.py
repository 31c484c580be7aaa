"""How many tags were not given although they apply: docs/methods/missing-positives.md."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labelaudit.audits.tags.assuming import assumption_of, notes_of
from labelaudit.audits.tags.propensity import (
    ClassFit,
    Counts,
    Draws,
    Held,
    best_of,
    expit,
    fit_class,
    fits_of,
    groups_differ,
    missing_share,
    scaled_logits,
    shared_out,
)
from labelaudit.errors import UsageError
from labelaudit.running import each
from labelaudit.summaries.tag_logits import BINS, HIGHEST
from labelaudit.tag_statistics import MissingPositives, PropensitySource

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from labelaudit.running import Executor
    from labelaudit.summaries.tag_logits import ClassCells, LogitCounts

__all__ = ["FEWEST_GIVEN", "POOLED", "REPLICATES", "estimate_missing", "missing_probability"]

FEWEST_GIVEN = 10
"""A class needs so many rows given the tag, and as many not given it."""

POOLED = 5.0
"""With several classes each group's propensity over all of them counts like so many positives."""

REPLICATES = 200


def estimate_missing(
    counts: LogitCounts,
    source: PropensitySource,
    *,
    seed: int = 0,
    replicates: int = REPLICATES,
    on: Executor | None = None,
) -> MissingPositives:
    """Estimate the number of missing positives of each class and group.

    Elkan, Noto (2008), *Learning classifiers from only positive and unlabeled data*; Bekker,
    Davis (2018), *Beyond the selected completely at random assumption*.

    Parameters
    ----------
    counts : LogitCounts
        Of all rows.
    source : PropensitySource
    seed : int
        Of the bootstrap.
    replicates : int
        Of the bootstrap, at least 1.
    on : Executor, optional
        Where classes are worked on; the result does not depend on it.

    Raises
    ------
    UsageError
        If the values or the anchor of the source cannot be.
    """
    _check(source, counts.n_classes)
    cells = [counts.of_class(k) for k in range(counts.n_classes)]
    known = [Counts.of(each_class, counts.n_groups) for each_class in cells]
    reasons = tuple(_reason(known[k], source, k) for k in range(len(known)))
    tasks = [
        _Task(k, known[k], source, Held.weakly(counts.n_groups))
        for k in range(len(known))
        if not reasons[k]
    ]
    if source.kind == "groups":
        tasks = _believing(tasks, list(each(_fitted, tasks, on)), source)
    found = list(each(partial(_estimated, seed, replicates), tasks, on))
    return _gathered(source, found, reasons, *_row_counts(cells, counts.n_groups))


def missing_probability(
    model: MissingPositives,
    probs: npt.NDArray[np.floating],
    group: npt.NDArray[np.int32] | None,
    given: npt.NDArray[np.int8],
) -> npt.NDArray[np.float64]:
    """Return the probability of each cell of a block to be a missing positive.

    Parameters
    ----------
    model : MissingPositives
    probs : (n, K) float
    group : (n,) int32 or None
        None: all rows are of group 0.
    given : (n, K) int8

    Returns
    -------
    (n, K) float64
        NaN where the tag is given or not annotated, p is unknown, or the class or group has no
        estimate.
    """
    codes = np.zeros(len(given), np.int32) if group is None else group
    p = np.asarray(probs, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        logits = np.clip(np.log(p) - np.log1p(-p), -HIGHEST, HIGHEST)
        ceiling = np.where(model.estimable, model.ceiling, 1.0)
        scaled = scaled_logits(logits, ceiling)
        positive = expit(model.intercept + model.slope * scaled)
    propensity = np.ascontiguousarray(model.propensity.T)[codes]
    share = missing_share(positive, propensity)
    return np.where((given == 0) & (codes >= 0)[:, None], share, np.nan)


@dataclass(frozen=True, slots=True)
class _Task:
    """One class to work on."""

    k: int
    counts: Counts
    source: PropensitySource
    held: Held


@dataclass(frozen=True, slots=True)
class _Found:
    """One class's estimates; (R, G) draws of propensities and numbers."""

    k: int
    fit: ClassFit
    missing: npt.NDArray[np.float64]
    propensities: npt.NDArray[np.float64]
    numbers: npt.NDArray[np.float64]
    identified: bool


def _check(source: PropensitySource, n_classes: int) -> None:
    anchor = source.anchor
    if anchor is not None and not 0.0 < anchor <= 1.0:
        raise UsageError(
            f"The propensity of the best group is given as {anchor:g}.",
            "Give a share above 0 and at most 1.",
        )
    if source.kind not in ("known", "prior"):
        return
    values = source.values
    if values is None or values.shape != (n_classes,):
        raise UsageError(
            f"The values for missing positives are not one for each of {n_classes} classes.",
            "Give one value for each class, NaN where there is none.",
        )
    if ((values <= 0.0) | (values > 1.0)).any():
        raise UsageError(
            "A value for missing positives is not above 0 and at most 1.",
            "Give shares: of true tags that are given, or of rows that are truly of the class.",
        )


def _row_counts(cells: Sequence[ClassCells], n_groups: int) -> npt.NDArray[np.int64]:
    """(3, K, G) int64: rows annotated, given the tag, without a probability."""
    counts = np.zeros((3, len(cells), n_groups), np.int64)
    for k, one in enumerate(cells):
        rows = one.given + one.rest
        np.add.at(counts[0, k], one.group, rows)
        np.add.at(counts[1, k], one.group, one.given)
        np.add.at(counts[2, k], one.group, np.where(one.place == BINS, rows, 0))
    return counts


def _reason(counts: Counts, source: PropensitySource, k: int) -> str:
    """Say why a class is not estimable; nothing for one that is."""
    given, rest = counts.given.sum(), counts.rest.sum()
    if source.values is not None and np.isnan(source.values[k]):
        return "no value was given for this class"
    if given < FEWEST_GIVEN:
        return f"fewer than {FEWEST_GIVEN} rows with the tag and a probability"
    if rest < FEWEST_GIVEN:
        return f"fewer than {FEWEST_GIVEN} rows without the tag and with a probability"
    if len(np.unique(counts.place)) < 2:
        return "the probabilities are all the same"
    return ""


def _believing(
    tasks: Sequence[_Task], fits: Sequence[ClassFit], source: PropensitySource
) -> list[_Task]:
    """Let each group's propensity over all classes, and the anchor, be believed of each class."""
    if not tasks:
        return []
    given, missed = np.zeros((2, tasks[0].counts.n_groups))
    for task, fit in zip(tasks, fits, strict=True):
        given += task.counts.by_group(task.counts.given)
        missed += task.counts.by_group(task.counts.rest * fit.missing(task.counts))
    pooled = (given + 0.5) / (given + missed + 1.0)
    # One class alone would only believe itself once more.
    held = Held(pooled, np.full(len(pooled), POOLED)) if len(tasks) > 1 else tasks[0].held
    center, strength = held.center.copy(), held.strength.copy()
    if source.anchor is not None:
        best, anchored = int(np.argmax(pooled)), Held.at(source.anchor, 1)
        center[best], strength[best] = anchored.center[0], anchored.strength[0]
    return [_Task(task.k, task.counts, source, Held(center, strength)) for task in tasks]


def _fitted(task: _Task) -> ClassFit:
    """Fit one class under the assumption of its source."""
    return fit_class(task.counts, _held(task, _plain(task)))


def _plain(task: _Task) -> ClassFit | None:
    """Recalibrate P(given | x), as if every true tag were given; only one source needs it."""
    if task.source.kind != "elkan_noto":
        return None
    return fit_class(task.counts, Held.at(1.0, task.counts.n_groups))


def _held(task: _Task, plain: ClassFit | None) -> Held:
    """Return what is believed of the propensities."""
    counts, values = task.counts, task.source.values
    total = counts.given.sum()
    if plain is not None:
        # Their estimator e1: E[P(given | x) | given].
        share = (counts.given * plain.positive(counts)).sum() / total
    elif values is None:
        return task.held
    else:
        share = values[task.k]
        if task.source.kind == "prior":
            share = min(total / (total + counts.rest.sum()) / share, 1.0)
    return Held.at(float(share), counts.n_groups)


def _centers(
    task: _Task, draws: Draws, held: Held, plain: ClassFit | None
) -> npt.NDArray[np.float64]:
    """(R, G) what is believed of the propensities, given each draw of the counts."""
    total = draws.given.sum(axis=1)
    centers = np.tile(held.center, (len(total), 1))
    if plain is not None:
        certain = Held.at(1.0, task.counts.n_groups)
        own = draws.under(plain.ceiling)
        theta = own.fitted(plain.theta, certain, np.ones_like(centers))
        sums = (draws.given * own.positive(theta)).sum(axis=1)
        centers[:] = (sums / np.maximum(total, 1.0))[:, None]
    elif task.source.kind == "prior" and task.source.values is not None:
        share = total / np.maximum(total + draws.rest.sum(axis=1), 1.0)
        centers[:] = np.minimum(share / task.source.values[task.k], 1.0)[:, None]
    return centers


def _estimated(seed: int, replicates: int, task: _Task) -> _Found:
    """Fit one class and its bootstrap."""
    counts, plain = task.counts, _plain(task)
    held = _held(task, plain)
    fits = fits_of(counts, held)
    fit = best_of(fits)
    rng = np.random.default_rng([seed, task.k])
    shares = zip(fits, shared_out(fits, replicates), strict=True)
    found = [_drawn(task, held, plain, one, n, rng) for one, n in shares if n]
    propensities, numbers = (np.concatenate(parts) for parts in zip(*found, strict=True))
    # Draws of several classes are added up one by one: their order must not go by the ceiling.
    order = rng.permutation(replicates)
    sure = task.source.kind != "groups" or task.source.anchor is not None
    return _Found(
        task.k,
        fit,
        counts.by_group(counts.rest * fit.missing(counts)),
        propensities[order],
        numbers[order],
        sure or groups_differ(counts, fit, task.held),
    )


def _drawn(
    task: _Task,
    held: Held,
    plain: ClassFit | None,
    fit: ClassFit,
    n: int,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(n, G) propensities and numbers of missing positives, of n bootstrap samples."""
    counts = task.counts
    draws = Draws.of(counts, fit.ceiling, rng, n)
    theta = draws.fitted(fit.theta, held, _centers(task, draws, held, plain))
    propensities = expit(theta[:, 2:])
    share = missing_share(draws.positive(theta), propensities[:, counts.group])
    # What is missing varies about its expectation, as each row's truth does.
    spread = np.sqrt(draws.by_group(counts.rest * share * (1.0 - share)))
    numbers = draws.by_group(counts.rest * share)
    return propensities, numbers + spread * rng.standard_normal(numbers.shape)


def _interval(
    value: npt.NDArray[np.float64], draws: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the middle 95 % of the draws, which hold the value and nothing below 0."""
    low, high = np.quantile(draws, (0.025, 0.975), axis=0)
    return np.clip(low, 0.0, value), np.maximum(high, value)


class _Filled(NamedTuple):
    """Arrays of all classes, each of the first four with value, lower and upper end in front."""

    shape: npt.NDArray[np.float64]
    by_class: npt.NDArray[np.float64]
    propensity: npt.NDArray[np.float64]
    missing: npt.NDArray[np.float64]
    identified: npt.NDArray[np.bool_]
    total: tuple[float, float, float]


def _filled(found: Sequence[_Found], known: npt.NDArray[np.bool_]) -> _Filled:
    """Put the classes' estimates in their places; (K, G) ``known`` says which groups have rows."""
    n_classes = len(known)
    shape, by_class = np.full((2, 3, n_classes), np.nan)
    propensity, missing = np.full((2, 3, *known.shape), np.nan)
    identified = np.zeros(n_classes, np.bool_)
    whole = np.zeros(len(found[0].numbers) if found else 1)
    for one in found:
        k, theta, e = one.k, one.fit.theta, one.fit.propensity
        shape[:, k] = theta[0], np.exp(theta[1]), one.fit.ceiling
        propensity[:, k] = np.where(known[k], (e, *_interval(e, one.propensities)), np.nan)
        missing[:, k] = one.missing, *_interval(one.missing, one.numbers)
        drawn, number = one.numbers.sum(axis=1), one.missing.sum()
        by_class[:, k] = number, *_interval(number, drawn)
        identified[k] = one.identified
        whole += drawn
    total = np.asarray(np.nansum(by_class[0]))
    low, high = _interval(total, whole)
    ends = float(total), float(low), float(high)
    return _Filled(shape, by_class, propensity, missing, identified, ends)


def _gathered(
    source: PropensitySource,
    found: Sequence[_Found],
    reasons: tuple[str, ...],
    rows: npt.NDArray[np.int64],
    given: npt.NDArray[np.int64],
    unknown: npt.NDArray[np.int64],
) -> MissingPositives:
    """Make the result."""
    shape, by_class, propensity, missing, identified, total = _filled(found, rows > unknown)
    return MissingPositives(
        source=source,
        assumption=assumption_of(source),
        notes=notes_of(source, reasons, identified, shape, unknown),
        intercept=shape[0],
        slope=shape[1],
        ceiling=shape[2],
        propensity=propensity[0],
        propensity_low=propensity[1],
        propensity_high=propensity[2],
        annotated=rows,
        given=given,
        unknown=unknown,
        missing=missing[0],
        missing_low=missing[1],
        missing_high=missing[2],
        class_missing=by_class[0],
        class_missing_low=by_class[1],
        class_missing_high=by_class[2],
        total=total[0],
        total_low=total[1],
        total_high=total[2],
        identified=identified,
        reason=reasons,
    )
