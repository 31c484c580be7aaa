"""The recalibrated channel posterior, slowly and obviously: docs/methods/rcp.md line by line."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[Any]

SHARPENINGS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
RECALIBRATIONS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.8)
CONCENTRATIONS = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)
LEAST = 1e-200


def mixed(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return np.array([successor(int(value)) for value in x], np.uint64)


def successor(x: int) -> int:
    x = (x + 0x9E3779B97F4A7C15) % 2**64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) % 2**64
    return x ^ (x >> 31)


def sample_hash(first_row: int, n: int, seed: int) -> npt.NDArray[np.uint64]:
    hashes = [successor((row + successor(seed)) % 2**64) for row in range(first_row, first_row + n)]
    return np.array(hashes, np.uint64)


def add_product(left: Floats, right: Floats, out: Floats) -> None:
    for i in range(len(left)):
        for k in range(right.shape[1]):
            for f in range(len(right)):
                out[i, k] += left[i, f] * right[f, k]


def channel_counts(
    probs: Floats, labels: Ints, first: int, other: Floats, own: Floats, counts: Floats
) -> float:
    wrong = 0.0
    for q, y in zip(probs, labels, strict=True):
        weights = q * other[y]
        weights[y] = q[y] * own[y]
        counts[y - first] += q / weights.sum()
        weights /= weights.sum()
        wrong += weights.sum() - weights[y]
    return wrong


def other_sums(probs: Floats, labels: Ints, weights: Floats, sums: Floats) -> None:
    for i, (q, y) in enumerate(zip(probs, labels, strict=True)):
        sums[i] = sum(q[k] * weights[k] for k in range(len(q)) if k != y)


def renew_channel(
    counts: Floats,
    before: Floats,
    first: int,
    given: Floats,
    true: Floats,
    flat: Floats,
    share: Floats,
    moved: Floats,
) -> None:
    for label, (row, old) in enumerate(zip(counts, before, strict=True)):
        for k in range(len(row)):
            if k == first + label:
                row[k] = 0.0
            else:
                row[k] = row[k] * share[k] + (given[label] * true[k] + flat[k])
                moved[k] = max(moved[k], abs(row[k] - old[k]))


def power_sums(
    of_z: Floats, of_g: Floats, pairs: Ints, weights: Floats, whole: Floats, mean: Floats
) -> None:
    for p, (a, b) in enumerate(pairs):
        product = of_z[a].astype(np.float64) * of_g[b]
        whole[p] += product.sum(axis=0)
        mean[p] += (product * weights).sum(axis=0)


def floor_of(labels: Ints, members: list[Floats]) -> float:
    positive = np.concatenate([member[member > 0] for member in members])
    given = np.concatenate([member[np.arange(len(labels)), labels] for member in members])
    lowest = 1e-12 if np.mean(given < 1e-6) > 0.02 else 1e-6
    return min(max(positive.min() / 2, lowest), 1e-2)


def centred_logs(probs: Floats, floor: float) -> Floats:
    logs = np.log(np.maximum(probs.astype(np.float64), floor))
    return logs - logs.mean(axis=1, keepdims=True)


def softmax(x: Floats) -> Floats:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def posterior(q: Floats, channel: Floats, labels: Ints) -> Floats:
    joint = q * channel[labels]
    return joint / joint.sum(axis=1, keepdims=True)


def prior_channel(error: float, frequencies: Floats) -> Floats:
    classes = len(frequencies)
    prior = np.empty((classes, classes))
    for given, true in product(range(classes), repeat=2):
        rest = 1 - frequencies[true]
        if given == true:
            prior[given, true] = 1 - error
        elif rest <= 0:
            prior[given, true] = error / (classes - 1)
        else:
            prior[given, true] = error * frequencies[given] / rest
    return prior


def soft_counts(w: Floats, labels: Ints) -> tuple[Floats, float]:
    counts = np.zeros((w.shape[1], w.shape[1]))
    for given in range(w.shape[1]):
        counts[given] = w[labels == given].sum(axis=0)
    return counts, float(np.mean(1 - w[np.arange(len(labels)), labels]))


def channel_em(q: Floats, labels: Ints, channel: Floats, weight: float, one_rate: bool) -> Floats:
    frequencies = np.bincount(labels, minlength=q.shape[1]) / len(q)
    for _ in range(60):
        counts, error = soft_counts(posterior(q, channel, labels), labels)
        if one_rate:
            new = prior_channel(error, frequencies)
        else:
            new = counts + weight * prior_channel(error, frequencies)
            new = new / new.sum(axis=0)
        moved = np.abs(new - channel).max()
        channel = np.maximum(new, LEAST)
        if moved < 1e-4:
            break
    return channel


def concentration(w: Floats, labels: Ints) -> float:
    counts, error = soft_counts(w, labels)
    believed = prior_channel(error, np.bincount(labels, minlength=w.shape[1]) / len(w))
    believed = np.maximum(believed, 1e-12)
    evidence = []
    for weight in CONCENTRATIONS:
        total = 0.0
        for true in range(w.shape[1]):
            total += math.lgamma(weight) - math.lgamma(weight + counts[:, true].sum())
            for given in range(w.shape[1]):
                start = weight * believed[given, true]
                total += math.lgamma(start + counts[given, true]) - math.lgamma(start)
        evidence.append(total)
    return CONCENTRATIONS[int(np.argmax(evidence))]


def discriminant(x: Floats, w: Floats) -> tuple[Floats, Floats]:
    rows, classes = w.shape
    features = x.shape[1]
    means = np.zeros((classes, features))
    for k in range(classes):
        if w[:, k].sum() > 0:
            means[k] = (w[:, k, None] * x).sum(axis=0) / w[:, k].sum()
    spread = np.zeros((features, features))
    for k in range(classes):
        away = x - means[k]
        spread += (w[:, k, None] * away).T @ away / rows
    whole = (x**2).sum() / rows / features
    level = max(np.trace(spread) / features, 1e-6 * whole, 1e-12)
    weights = np.linalg.solve(0.99 * spread + 0.01 * level * np.eye(features), means.T)
    frequencies = np.maximum(w.mean(axis=0), 1e-6)
    return weights, np.log(frequencies) - 0.5 * np.sum(means.T * weights, axis=0)


def recalibrated(x: Floats, w: Floats, folds: Ints) -> Floats:
    g = np.empty(w.shape)
    for fold in np.unique(folds):
        inside = folds == fold
        others = np.ones(len(x), bool) if inside.all() else ~inside
        weights, offsets = discriminant(x[others], w[others])
        g[inside] = x[inside] @ weights + offsets
    return g


def even_rate(own: Floats, other: Floats, classes: int) -> float:
    low, high = 1e-9, max(1 - 1 / classes, 1e-9)
    for _ in range(200):
        rate = (low + high) / 2
        if np.sum((other - own) / (own + rate * (other - own))) > 0:
            low = rate
        else:
            high = rate
    return low


def gate(
    z: Floats, g: Floats, channel: Floats, labels: Ints, linear: bool
) -> tuple[float, float, Floats]:
    pairs = [
        (a, b)
        for a, b in product(SHARPENINGS, RECALIBRATIONS)
        if (a, b) != (0, 0) and (linear or b == 0)
    ]
    at, frequencies = np.arange(len(z)), np.bincount(labels, minlength=z.shape[1]) / len(z)
    held, held_wrong, even, even_wrong, rates = [], [], [], [], []
    for a, b in pairs:
        q = softmax(a * z + b * g)
        given = (q * channel[labels]).sum(axis=1)
        held.append(-np.mean(np.log(given)))
        held_wrong.append(np.sum(1 - q[at, labels] * channel[labels, labels] / given))
        noise = prior_channel(1.0, frequencies)
        own, other = q[at, labels], (q * noise[labels]).sum(axis=1)
        rates.append(even_rate(own, other, z.shape[1]))
        given = (1 - rates[-1]) * own + rates[-1] * other
        even.append(-np.mean(np.log(given)))
        even_wrong.append(np.sum(rates[-1] * other / given))
    i = int(np.flatnonzero(np.array(held) <= min(held) + 1e-9)[0])
    j = int(np.flatnonzero(np.array(even) <= min(even) + 1e-9)[0])
    if even_wrong[j] > held_wrong[i] and len(z) * (held[i] - even[j]) > 1.92:
        return *pairs[j], np.maximum(prior_channel(rates[j], frequencies), LEAST)
    return *pairs[i], channel


def log_posterior(h: Floats, channel: Floats, labels: Ints) -> Floats:
    logs = h + np.log(channel[labels])
    rows = zip(logs, labels, strict=True)
    return np.array([-np.log1p(np.exp(np.delete(row - row[y], y)).sum()) for row, y in rows])


def off_diagonal(p: Floats, labels: Ints) -> int:
    """Rows off the diagonal of the calibrated confident joint, in largest-remainder rounding."""
    counts = np.bincount(labels, minlength=p.shape[1])
    present = np.flatnonzero(counts)
    joint = np.zeros((p.shape[1], p.shape[1]), dtype=np.int64)
    for given, row in zip(labels, p, strict=True):
        reached = [k for k in present if row[k] >= max(p[labels == k, k].mean(), 2e-6) - 1e-6]
        if reached:
            joint[given, max(reached, key=lambda k: (row[k], -k))] += 1
    off = 0
    for k in present:
        joint[k, k] = max(joint[k, k], 1)
        scaled = joint[k] / joint[k].sum() * counts[k]
        whole = np.floor(scaled).astype(np.int64)
        order = np.argsort(whole - scaled, kind="stable")
        whole[order[: counts[k] - whole.sum()]] += 1
        off += counts[k] - whole[k]
    return int(off)


def informative(z: Floats, labels: Ints) -> bool:
    frequencies = np.bincount(labels, minlength=z.shape[1]) / len(labels)
    mean = z @ frequencies
    excess = float(np.sum(z[np.arange(len(z)), labels] - mean))
    variance = float(np.sum((z - mean[:, None]) ** 2 @ frequencies))
    return excess > 3 * math.sqrt(variance) and excess > 1e-6


def rcp(
    labels: Ints, members: list[Floats], seed: int = 0, one_rate: bool = False, wide: int = 512
) -> dict[str, Any]:
    """The whole method, on all rows: ``members`` are (N, K) arrays, one for each model."""
    rows, classes = members[0].shape
    linear = classes * len(members) <= wide and rows >= 10 * classes
    floor = floor_of(labels, members)
    logs = [centred_logs(p, floor) for p in members]
    z = np.mean(logs, axis=0)
    x = np.concatenate(logs, axis=1)
    if one_rate:
        start = prior_channel(0.2, np.bincount(labels, minlength=classes) / rows)
    else:
        start = 0.8 * np.eye(classes) + 0.2 / classes
    channel = channel_em(softmax(2 * z), labels, start, 500, one_rate)
    g = np.zeros_like(z)
    if linear:
        crossed = rows < 100 * classes
        folds = sample_hash(0, rows, seed) % np.uint64(5) if crossed else np.zeros(rows)
        q = softmax(2 * z)
        for _ in range(2):
            g = recalibrated(x, posterior(q, channel, labels), folds)
            q = softmax(g / 2)
            channel = channel_em(q, labels, channel, 500, one_rate)
    a, b, channel = gate(z, g, channel, labels, linear)
    h = a * z + b * g
    weight = 500.0
    if linear and not one_rate:
        weight = concentration(posterior(softmax(h), channel, labels), labels)
    close = channel_em(softmax(h), labels, channel, weight, one_rate)
    twice = channel_em(softmax(2 * h), labels, channel, 500, one_rate)
    score = log_posterior(h, close, labels)
    quality2 = np.exp(log_posterior(2 * h, twice, labels))
    e2 = float(np.sum(1 - quality2))
    c1 = off_diagonal(softmax(h), labels)
    return {
        "score": score,
        "label_quality": np.exp(score),
        "suggested": posterior(softmax(h), close, labels).argmax(axis=1),
        "quality2": quality2,
        "probs": softmax(h),
        "a": a,
        "b": b,
        "concentration": weight,
        "e1": float(np.sum(-np.expm1(score))),
        "e2": e2,
        "c1": c1,
        "n": min(max(round((e2 + c1) / 2), 0), rows),
        "informative": informative(z, labels),
    }
