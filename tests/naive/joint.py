"""Slow, obvious twins of ``labelaudit.kernels.joint``."""

from fractions import Fraction


def class_sums(labels, values, sums):
    for k in range(sums.shape[1]):
        units = [round(Fraction(float(v)) * 2**52) for v in values[labels == k]]
        sums[0, k] += len(units)
        sums[1, k] += sum(unit // 2**26 for unit in units)
        sums[2, k] += sum(unit % 2**26 for unit in units)


def confident_classes(classes, leading, reach, lowest, most_probable, confident):
    """Decide by trying what the classes that are not among the leading ones could be."""
    result = []
    for names, probs in zip(classes.tolist(), leading.tolist(), strict=True):
        known = {k: p for k, p in zip(names, probs, strict=True) if k >= 0}
        inside = [k for k, p in known.items() if p >= reach[k]]
        others = probs[2] >= lowest
        first = inside[0] if inside else None
        if most_probable and len(inside) > 1:
            result.append(names[0])
        elif first is not None and (first == names[0] or not most_probable):
            result.append(first)
        elif others:
            result.append(-2)
        else:
            result.append(-1 if first is None else first)
    confident[:] = result


def square_sums(values, sums):
    for column, power in enumerate((1, 2)):
        units = [round(Fraction(float(v) ** power) * 2**52) for v in values]
        sums[0, column] += sum(unit // 2**26 for unit in units)
        sums[1, column] += sum(unit % 2**26 for unit in units)


def pair_counts(first, second, counts):
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        if min(a, b) >= 0:
            counts[a, b] += 1


def quality_counts(labels, quality, flagged, counts, by_class, ranks):
    bins, wide = counts.shape[1], by_class.shape[1]
    for i, y in enumerate(labels.tolist()):
        q = float(quality[i])
        ranks[i] = -1 if y < 0 else bin_of(q**0.25, bins)
        if y >= 0:
            counts[0, bin_of(q, bins)] += 1
            counts[1, bin_of(q, bins)] += bool(flagged[i])
            by_class[y, bin_of(q, wide)] += 1


def bin_of(share, bins):
    return sum(share >= edge / bins for edge in range(1, bins))


def contested_rows(labels, classes, leading, rows):
    found = []
    for i, y in enumerate(labels.tolist()):
        pairs = list(zip(classes[i].tolist(), leading[i].tolist(), strict=True))
        given = next((p for k, p in pairs if k == y), -1.0)
        if y >= 0 and any(p >= given for k, p in pairs if k not in (y, -1)):
            found.append(i)
    rows[: len(found)] = found
    return len(found)
