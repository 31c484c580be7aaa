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
