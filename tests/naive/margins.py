"""Slow, obvious twins of ``labelaudit.kernels.margins``."""


def low_margins(
    rows, labels, given, classes, leading, start, other, cuts, negative, cell, row, margin
):
    found = []
    for i in rows.tolist():
        y = int(labels[i])
        for k, p in zip(classes[i].tolist(), leading[i], strict=True):
            for c in range(start[y], start[y + 1]) if y >= 0 else ():
                low = float(given[i] - p)
                if other[c] == k and (low < 0) == negative and low <= cuts[c]:
                    found.append((c, i, low))
    for n, (c, i, low) in enumerate(found):
        cell[n], row[n], margin[n] = c, i, low
    return len(found)


def face_scores(labels, given, classes, leading, floor, least, other, others, own, scores):
    n_classes = len(own)
    for i, y in enumerate(labels.tolist()):
        scores[i] = 0
        if y < 0:
            continue
        prob = float(given[i])
        known = zip(classes[i].tolist(), leading[i], strict=True)
        lead = {k: p for k, p in known if k not in (-1, y)}
        rest = n_classes - 1 - len(lead)
        line = other[y] if len(other) > 1 else other[0]
        wrong = sum(float(max(p, least[0])) * line[k] for k, p in lead.items())
        if rest:
            left = max(1 - prob - sum(map(float, lead.values())), rest * floor)
            wrong += left * max(others[y] - sum(line[k] for k in lead), 0.0) / rest
        right = max(prob, floor) * own[y]
        scores[i] = -wrong / (wrong + right)
