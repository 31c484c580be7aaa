"""Confident learning in exact fractions, by the formulas, one row after the other."""

from fractions import Fraction

import numpy as np

SLACK = Fraction(1, 1_000_000)


def thresholds(labels, probs):
    """Mean P(given) of each class; None for a class without rows."""
    result = []
    for k in range(probs.shape[1]):
        own = [Fraction(float(p)) for p in probs[labels == k, k]]
        result.append(max(sum(own) / len(own), Fraction(2, 1_000_000)) if own else None)
    return result


def confident_class(row, limits, most_probable):
    inside = [
        k
        for k, p in enumerate(row)
        if limits[k] is not None and Fraction(float(p)) >= limits[k] - SLACK
    ]
    if not inside:
        return None
    among = range(len(row)) if most_probable and len(inside) > 1 else inside
    return max(among, key=lambda k: (row[k], -k))


def confident_joint(labels, probs, most_probable=False):
    k = probs.shape[1]
    limits = thresholds(labels, probs)
    table = np.zeros((k, k), int)
    for label, row in zip(labels, probs, strict=True):
        if label >= 0:
            found = confident_class(row, limits, most_probable)
            if found is not None:
                table[label, found] += 1
    for c in range(k):
        if (labels == c).any():
            table[c, c] = max(table[c, c], 1)
    return table


def calibrated(table, counts):
    """Largest remainders; equal ones that cannot all be served leave the rest to the diagonal."""
    result = np.zeros_like(table)
    for c, row in enumerate(table):
        if row.sum() == 0:
            continue
        exact = [Fraction(int(v) * int(counts[c]), int(row.sum())) for v in row]
        whole = [int(v) for v in exact]
        rest = [v - w for v, w in zip(exact, whole, strict=True)]
        missing = int(counts[c]) - sum(whole)
        for remainder in sorted({r for r in rest if r > 0}, reverse=True):
            served = [j for j, r in enumerate(rest) if r == remainder]
            if len(served) > missing:
                break
            for j in served:
                whole[j] += 1
            missing -= len(served)
        whole[c] += missing
        result[c] = whole
    return result


def filters(labels, probs):
    """Rows flagged by each filter, with our default rules; the settings at their defaults."""
    k = probs.shape[1]
    valid = [i for i in range(len(labels)) if labels[i] >= 0]
    counts = np.bincount(labels[valid], minlength=k)
    joint = calibrated(confident_joint(labels, probs), counts)
    limits = thresholds(labels, probs)

    def lowest(rows, key, n):
        return set(sorted(rows, key=lambda i: (key(i), i))[: max(n, 0)])

    by_class, by_noise_rate = set(), set()
    for c in range(k):
        rows = [i for i in valid if labels[i] == c]
        if len(rows) <= 1:
            continue
        kept = max(joint[c, c], 1)
        off = [j for j in range(k) if j != c and joint[c, j] > 0]
        taken = {j: Fraction(int(joint[c, j])) for j in off}
        if kept > joint[c, c]:
            taken = {j: max(v - Fraction(1, len(off)), Fraction(0)) for j, v in taken.items()}
        by_class |= lowest(rows, lambda i, c=c: probs[i, c], len(rows) - kept)
        for j, n in taken.items():
            by_noise_rate |= lowest(rows, lambda i, c=c, j=j: probs[i, c] - probs[i, j], int(n))

    def contradicted(i, nudge):
        row = probs[i].copy()
        row[labels[i]] += probs.dtype.type(nudge)
        return int(row.argmax()) != labels[i]

    veto = {i for i in valid if contradicted(i, 1e-6)}
    confident = {i: confident_class(probs[i], limits, False) for i in valid}
    off_diagonal = {i for i in valid if confident[i] not in (None, labels[i])} & veto

    def margin(i):
        row = probs[i].astype(np.float64)
        return (row[labels[i]] - max(np.delete(row, labels[i])) + 1) / 2

    n = len(off_diagonal)
    return {
        "prune_by_class": by_class & veto,
        "prune_by_noise_rate": by_noise_rate & veto,
        "both": by_class & by_noise_rate & veto,
        "confident_learning": off_diagonal,
        "predicted_neq_given": {i for i in valid if contradicted(i, 0)} & veto,
        "low_self_confidence": lowest(valid, lambda i: probs[i, labels[i]], n),
        "low_normalized_margin": lowest(valid, margin, n),
    }
